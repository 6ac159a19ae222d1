import type { ActorLogger } from './actor.js'
import type { HostMessage, LogLevel } from './letter.js'
import { fromWireError, toWireError, type WireError } from './wire-error.js'

export type LogThreshold = LogLevel | 'silent'

const ORDER: readonly LogThreshold[] = ['debug', 'info', 'warn', 'error', 'silent']

export const silentLogger: ActorLogger = { debug() {}, info() {}, warn() {}, error() {} }

/** What a logger with a `level` (pino) would drop need not be made, nor cross a thread. */
export function thresholdOf(logger: ActorLogger | undefined): LogThreshold {
  if (logger === undefined) return 'silent'
  const level = (logger as { readonly level?: unknown }).level
  if (level === 'fatal') return 'silent'
  return ORDER.find((known) => known === level) ?? 'debug'
}

/** Every record of an actor names it. */
export function namedLogger(logger: ActorLogger | undefined, actor: string): ActorLogger {
  if (logger === undefined) return silentLogger
  return {
    debug: (fields, message) => logger.debug({ actor, ...fields }, message),
    info: (fields, message) => logger.info({ actor, ...fields }, message),
    warn: (fields, message) => logger.warn({ actor, ...fields }, message),
    error: (fields, message) => logger.error({ actor, ...fields }, message),
  }
}

type LogRecord = Extract<HostMessage, { kind: 'log' }>

/** Records on their way to the embedder's thread; past this bound they are dropped and counted. */
const MAX_PENDING = 1024

/**
 * The logger of an actor on a worker thread: a bounded lane to the embedder's logger. A thread that
 * logs faster than the embedder writes loses records, and the next one that passes says how many.
 */
export class LogLane implements ActorLogger {
  readonly #post: (record: LogRecord) => void
  readonly #pending: Int32Array
  readonly #threshold: number
  #dropped = 0

  constructor(pending: Int32Array, threshold: LogThreshold, post: (record: LogRecord) => void) {
    this.#pending = pending
    this.#threshold = ORDER.indexOf(threshold)
    this.#post = post
  }

  debug(fields: object, message: string): void {
    this.#send('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#send('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#send('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#send('error', fields, message)
  }

  #send(level: LogLevel, fields: object, message: string): void {
    if (ORDER.indexOf(level) < this.#threshold) return
    if (Atomics.add(this.#pending, 0, 1) >= MAX_PENDING) {
      Atomics.sub(this.#pending, 0, 1)
      this.#dropped++
      return
    }
    const record = { kind: 'log', level, message, dropped: this.#dropped } as const
    this.#dropped = 0
    try {
      this.#post({ ...record, fields: packFields(fields) })
    } catch {
      this.#post({ ...record, fields: { unclonable: Object.keys(fields).join(', ') } })
    }
  }
}

/** The other end of the lane. */
export function writeRecord(logger: ActorLogger, record: LogRecord, pending: Int32Array): void {
  Atomics.sub(pending, 0, 1)
  const fields = unpackFields(record.fields)
  if (record.dropped > 0) {
    logger.warn({ dropped: record.dropped }, 'log records were dropped: the lane was full')
  }
  logger[record.level](fields, record.message)
}

const ERROR_FIELDS = '\u0000errors'

/** Errors among the fields cross as data, code and all. */
function packFields(fields: object): object {
  const errors: Record<string, WireError> = {}
  let found = false
  for (const [key, value] of Object.entries(fields)) {
    if (!(value instanceof Error)) continue
    errors[key] = toWireError(value)
    found = true
  }
  return found ? { ...fields, ...errors, [ERROR_FIELDS]: Object.keys(errors) } : fields
}

function unpackFields(fields: object): object {
  const { [ERROR_FIELDS]: names, ...rest } = fields as Record<string, unknown>
  if (!Array.isArray(names)) return fields
  for (const name of names as string[]) rest[name] = fromWireError(rest[name] as WireError)
  return rest
}
