import { asError } from '../../lib/runtime/wire-error.js'

export type Packed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Error }

/** Deeper than this the platform's own clone is tried instead: the value may be a ring. */
const MAX_DEPTH = 6

/**
 * Makes sure that a result or an answer can cross to another thread before it is put among others in
 * one message: a value that cannot would fail all of them.
 */
export class Courier {
  readonly #copies: boolean

  /**
   * `copies`: the state machine shares its thread with those who get the value, so an object is
   * cloned here, as it would be on its way to another thread. Otherwise the machine's own objects would
   * leave it and change later.
   */
  constructor(copies: boolean) {
    this.#copies = copies
  }

  pack(value: unknown): Packed {
    if (isAtom(value)) return { ok: true, value }
    if (!this.#copies && isPlain(value, MAX_DEPTH)) return { ok: true, value }
    try {
      const clone: unknown = structuredClone(value)
      return { ok: true, value: this.#copies ? clone : value }
    } catch (error) {
      return { ok: false, error: asError(error) }
    }
  }
}

function isAtom(value: unknown): boolean {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
    case 'number':
    case 'string':
    case 'bigint':
      return true
    default:
      return value === null
  }
}

/** Certainly clonable, found without cloning: what JSON knows, and bytes. */
function isPlain(value: unknown, depth: number): boolean {
  if (isAtom(value)) return true
  if (typeof value !== 'object' || value === null || depth === 0) return false
  if (value instanceof Uint8Array) return true
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth - 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in value) {
    if (!isPlain((value as Record<string, unknown>)[key], depth - 1)) return false
  }
  return true
}
