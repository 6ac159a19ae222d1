/** What state machines and their modules fail with. */
export type StateMachineErrorCode =
  | 'RAFT_MODULE_LOAD'
  | 'RAFT_CONFIG_INVALID'
  | 'RAFT_STATE_MACHINE_FAILED'
  | 'RAFT_RESULT_LOST'
  | 'RAFT_UNKNOWN_QUERY'
  | 'RAFT_NOTHING_TO_SNAPSHOT'
  | 'RAFT_SNAPSHOT_IN_PROGRESS'
  | 'RAFT_CORRUPT'
  | 'RAFT_CLOSED'

/** An error of the state machine's side; `details` are structured-clonable facts. */
export class StateMachineError extends Error {
  override readonly name = 'StateMachineError'
  readonly code: StateMachineErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: StateMachineErrorCode,
    message: string,
    options: {
      readonly details?: Readonly<Record<string, unknown>>
      readonly cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
