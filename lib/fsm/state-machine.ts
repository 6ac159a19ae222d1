import type { Server } from '../core/types.js'

/** One committed command, the same on every replica and on every replay (S14). */
export interface Entry<Command = Uint8Array> {
  readonly index: number
  readonly term: number
  /** The leader's clock in ms since the epoch when it took the command; never decreases in the log. */
  readonly time: number
  readonly command: Command
  /** Opaque bytes for middleware, or undefined. */
  readonly extensions: Uint8Array | undefined
}

/**
 * The user's state machine. Calls never overlap, save that `persist` of a captured snapshot runs
 * interleaved with `apply` at its awaits. Every method may return a promise.
 */
export interface StateMachine<
  Command = Uint8Array,
  Result = unknown,
  Request = unknown,
  Answer = unknown,
> {
  /**
   * Deterministic: the same entries give the same state and results on every replica. Throw
   * CommandError to refuse a command on every replica alike; any other exception is a failure of this
   * node (S14).
   */
  apply(entry: Entry<Command>): Result | Promise<Result>
  /** Instead of `apply`, for a run of entries: exactly one result each, in order (or a CommandError). */
  applyBatch?(
    entries: readonly Entry<Command>[],
  ): readonly (Result | CommandError)[] | Promise<readonly (Result | CommandError)[]>
  /** Reads, without side effect. */
  query?(request: Request): Answer | Promise<Answer>
  /** Methods that `RaftNode.queries` offers, each a read without side effect. */
  readonly queries?: object
  /** Captures the state quickly; writing it out happens in `persist`. */
  snapshot(): SnapshotCapture | Promise<SnapshotCapture>
  /** Replaces the whole state. On an error the old state must still be there. */
  restore(source: AsyncIterable<Uint8Array>): void | Promise<void>
  /**
   * A configuration entry was applied, in its place among the commands; after a restore, the newest one
   * that the snapshot covers. The same again on a replay. Of a joint configuration `servers` is the new set.
   */
  configurationChanged?(index: number, servers: readonly Server[]): void | Promise<void>
  /** For machines that keep their state on disk: the last index it holds, durable. They skip restore. */
  lastApplied?(): number | Promise<number>
  close?(): void | Promise<void>
}

/** Any state machine, whatever it takes and gives. */
export type AnyStateMachine = StateMachine<never, unknown, never, unknown>

/** The state at one moment, as `snapshot()` captured it. */
export interface SnapshotCapture {
  /** Writes the captured state; each `write` waits for room. */
  persist(sink: SnapshotSink): void | Promise<void>
  /** Always called, once, when the capture is no longer needed. */
  release?(): void | Promise<void>
}

/** Where `persist` writes to; each write resolves when there is room for the next. */
export interface SnapshotSink {
  write(bytes: Uint8Array): Promise<void>
}

/** What a state machine is told about the node that it is made for. */
export interface StateMachineContext {
  readonly nodeId: string
  readonly dataDir: string
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  /** Aborted when the node closes. */
  readonly signal: AbortSignal
}

/** A state machine module exports `createStateMachine`. */
export type CreateStateMachine<
  Options = unknown,
  Machine extends AnyStateMachine = StateMachine,
> = (options: Options, context: StateMachineContext) => Machine | Promise<Machine>

/** Turns commands into bytes on the caller's side and back on the state machine's. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  /** With `entryData: 'borrowed'` the bytes are shared memory, valid until apply returns. */
  decode(bytes: Uint8Array): T
}

/** A command that the state machine refuses: its deterministic result on every replica. */
export class CommandError extends Error {
  readonly code: string
  /** Structured-clonable facts for the caller. */
  readonly details: unknown

  constructor(code: string, message: string, details?: unknown) {
    super(message)
    this.name = 'CommandError'
    this.code = code
    this.details = details
  }
}

/** Also knows one of another copy of the package: a state machine may bundle its own. */
export function isCommandError(value: unknown): value is CommandError {
  if (value instanceof CommandError) return true
  if (!(value instanceof Error) || value.name !== 'CommandError') return false
  return 'code' in value && typeof value.code === 'string'
}
