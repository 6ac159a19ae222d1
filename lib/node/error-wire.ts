import { CommandError } from '../fsm/state-machine.js'
import { fromWireError, toWireError, type WireError } from '../runtime/wire-error.js'
import type { Outcome, RaftErrorCode } from './error-codes.js'
import { isRaftErrorInstance, RaftError } from './errors.js'
import { codeOr } from './failures.js'

/** A RaftError as data for another node: outcome and all, without the stack. */
export interface RaftErrorData {
  readonly code: RaftErrorCode
  readonly message: string
  readonly outcome: Outcome | null
  readonly details: Readonly<Record<string, unknown>>
  readonly cause: WireError | null
}

export function raftErrorToData(error: unknown): RaftErrorData {
  const known = raftErrorFrom(error, 'RAFT_STATE_MACHINE_FAILED')
  return {
    code: known.code,
    message: known.message,
    outcome: known.outcome ?? null,
    details: known.details,
    cause: known.cause === undefined ? null : toWireError(known.cause),
  }
}

export function raftErrorFromData(data: RaftErrorData): RaftError {
  return new RaftError(codeOr(data.code, 'RAFT_STATE_MACHINE_FAILED'), data.message, {
    outcome: data.outcome,
    details: data.details,
    ...(data.cause !== null && { cause: rebuilt(data.cause) }),
  })
}

/** An error of an actor or of another layer as a RaftError; the original becomes its cause. */
export function raftErrorFrom(
  error: unknown,
  otherwise: RaftErrorCode,
  outcome: Outcome | null = null,
): RaftError {
  if (isRaftErrorInstance(error)) return error
  return raftErrorFromWire(toWireError(error), otherwise, outcome)
}

export function raftErrorFromWire(
  wire: WireError,
  otherwise: RaftErrorCode,
  outcome: Outcome | null = null,
): RaftError {
  return new RaftError(codeOr(wire.code, otherwise), wire.message, {
    outcome,
    details: isRecord(wire.details) ? wire.details : {},
    cause: rebuilt(wire),
  })
}

/** Why the tables beside the state machine keep a command from it. */
const tableRefusals: ReadonlySet<RaftErrorCode> = new Set<RaftErrorCode>([
  'RAFT_SESSION_EXPIRED',
  'RAFT_IDEMPOTENCY_KEY_REUSED',
  'RAFT_OVERLOADED',
])

/**
 * What stands in a result's place (S14): a refusal of the state machine, the same on every replica; a
 * refusal of the tables beside it, as certain; or the news that the command was applied and its result
 * could not be brought over. `details.index` says that the log has decided.
 */
export function commandRejected(wire: WireError, index: number, term: number): RaftError {
  if (wire.name !== 'CommandError') {
    const code = codeOr(wire.code, 'RAFT_RESULT_LOST')
    if (tableRefusals.has(code)) {
      const details = { ...(isRecord(wire.details) && wire.details), index, term }
      return new RaftError(code, wire.message, { details })
    }
    const details = { index, term }
    return new RaftError('RAFT_RESULT_LOST', wire.message, { details, cause: rebuilt(wire) })
  }
  return new RaftError('RAFT_COMMAND_REJECTED', wire.message, {
    details: { index, term, code: wire.code, details: wire.details },
    cause: rebuilt(wire),
  })
}

/** What a query threw. A query is no proposal and has no outcome. */
export function queryFailed(wire: WireError): RaftError {
  if (wire.name !== 'CommandError') return raftErrorFromWire(wire, 'RAFT_STATE_MACHINE_FAILED')
  return new RaftError('RAFT_COMMAND_REJECTED', wire.message, {
    outcome: null,
    details: { code: wire.code, details: wire.details },
    cause: rebuilt(wire),
  })
}

function rebuilt(wire: WireError): Error {
  if (wire.name !== 'CommandError' || wire.code === null) return fromWireError(wire)
  return new CommandError(wire.code, wire.message, wire.details)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
