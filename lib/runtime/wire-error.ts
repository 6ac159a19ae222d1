/**
 * An error as data. postMessage strips an Error of its name, code and fields, so errors cross threads
 * (and the wire) in this form and are rebuilt on the other side, code and all.
 */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code: string | null
  /** Structured-clonable facts; dropped when they cannot be cloned. */
  readonly details: unknown
  /** The error's other own fields (`errno`, `syscall`, `index`, ...) that can be cloned. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly stack: string | null
  readonly cause: WireError | null
}

/** Causes past this depth are dropped: a chain of causes may be a ring. */
const MAX_CAUSES = 8

/** Whatever was thrown, as data. */
export function toWireError(error: unknown): WireError {
  return encode(error, 0)
}

/** An Error with the same name, message, code, details, fields, stack and cause. */
export function fromWireError(wire: WireError): Error {
  const cause = wire.cause === null ? undefined : { cause: fromWireError(wire.cause) }
  const error = new Error(wire.message, cause)
  if (wire.fields !== undefined) Object.assign(error, wire.fields)
  define(error, 'name', wire.name)
  if (wire.stack !== null) define(error, 'stack', wire.stack)
  if (wire.code !== null) Object.assign(error, { code: wire.code })
  if (wire.details !== undefined && wire.details !== null) {
    Object.assign(error, { details: wire.details })
  }
  return error
}

/** Anything thrown as an Error, itself when it is one. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : fromWireError(toWireError(thrown))
}

function encode(error: unknown, depth: number): WireError {
  if (!isErrorLike(error)) {
    return {
      name: 'Error',
      message: text(error),
      code: null,
      details: null,
      stack: null,
      cause: null,
    }
  }
  const cause = error.cause
  const fields = ownFields(error)
  return {
    name: text(error.name),
    message: text(error.message),
    code: typeof error.code === 'string' ? error.code : null,
    details: clonable(error.details) ? error.details : null,
    ...(fields === null ? {} : { fields }),
    stack: typeof error.stack === 'string' ? error.stack : null,
    cause:
      cause === undefined || cause === null || depth >= MAX_CAUSES
        ? null
        : encode(cause, depth + 1),
  }
}

interface ErrorLike {
  readonly name: unknown
  readonly message: unknown
  readonly stack?: unknown
  readonly code?: unknown
  readonly details?: unknown
  readonly cause?: unknown
}

/** Errors of another realm or copy of a package are errors too. */
function isErrorLike(value: unknown): value is ErrorLike & object {
  return typeof value === 'object' && value !== null && 'message' in value && 'name' in value
}

const NAMED = new Set(['name', 'message', 'stack', 'code', 'details', 'cause'])

function ownFields(error: object): Record<string, unknown> | null {
  const fields: Record<string, unknown> = {}
  let found = false
  for (const [key, value] of Object.entries(error)) {
    if (NAMED.has(key) || !clonable(value)) continue
    fields[key] = value
    found = true
  }
  return found ? fields : null
}

/** Trying is the only way to know, and errors are rare. */
function clonable(value: unknown): boolean {
  if (value === undefined) return false
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return typeof value !== 'symbol'
  }
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

function text(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value that has no text'
  }
}

/** Not enumerable, as on any Error: inspectors then print it once. */
function define(error: Error, key: 'name' | 'stack', value: string): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  })
}
