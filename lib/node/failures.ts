import type { Rejection } from '../core/effects.js'
import { isRaftErrorCode, type Outcome, type RaftErrorCode } from './error-codes.js'
import { RaftError } from './errors.js'

/** What an error says of the call beside its code. */
type Fate = Outcome | null

const fateText: Readonly<Record<Outcome, string>> = {
  rejected: 'it was not proposed and will not be applied',
  unknown: 'it may or may not be applied',
  committed: 'it is committed',
}

function ending(outcome: Fate): string {
  return outcome === null ? '' : `; ${fateText[outcome]}`
}

export function timeoutError(
  what: string,
  timeoutMs: number,
  outcome: Fate,
  cause?: unknown,
): RaftError {
  const message = `${what} took longer than ${Math.round(timeoutMs)} ms${ending(outcome)}`
  return new RaftError('RAFT_TIMEOUT', message, { outcome, details: { timeoutMs }, cause })
}

export function abortedError(what: string, outcome: Fate, reason: unknown): RaftError {
  return new RaftError('RAFT_ABORTED', `${what} was aborted by its signal${ending(outcome)}`, {
    outcome,
    cause: reason,
  })
}

/** `cause`: why the node stopped by itself; its code says more than RAFT_CLOSED where it is a failure. */
export function closedError(what: string, outcome: Fate, cause?: RaftError): RaftError {
  const failed = cause?.code === 'RAFT_STORE_FAILED' || cause?.code === 'RAFT_STATE_MACHINE_FAILED'
  const why = cause === undefined ? 'the node is closed' : `the node has failed: ${cause.message}`
  return new RaftError(
    failed ? cause.code : 'RAFT_CLOSED',
    `${why}; ${what} ended${ending(outcome)}`,
    { outcome, cause },
  )
}

export function overloadedError(
  what: string,
  details: Readonly<Record<string, unknown>>,
): RaftError {
  const numbers = Object.entries(details)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
  const message = `too much is pending for another ${what}: ${numbers}; retry later`
  return new RaftError('RAFT_OVERLOADED', message, { details })
}

/** Why the core or its actor turned something down, as a code and a sentence. */
const rejections: Readonly<
  Record<
    Rejection | 'resultLost' | 'shutdown' | 'storeFailed',
    readonly [code: RaftErrorCode, message: string]
  >
> = {
  notLeader: ['RAFT_NOT_LEADER', 'this node does not lead'],
  noLeader: ['RAFT_NO_LEADER', 'this node knows of no leader'],
  notBootstrapped: ['RAFT_NOT_BOOTSTRAPPED', 'this node belongs to no cluster yet: bootstrap it'],
  transferInProgress: ['RAFT_TRANSFER_IN_PROGRESS', 'leadership is being handed over'],
  storageFull: ['RAFT_STORAGE_FULL', "the leader's log store is full"],
  overloaded: [
    'RAFT_OVERLOADED',
    'too much is committed and not yet applied, or not yet committed',
  ],
  leadershipLost: [
    'RAFT_LEADERSHIP_LOST',
    'this node lost leadership while the call was under way',
  ],
  leaseUnavailable: ['RAFT_LEASE_UNAVAILABLE', 'the leader holds no lease for reads at the moment'],
  alreadyBootstrapped: ['RAFT_BOOTSTRAP_MISMATCH', 'this node already has a configuration'],
  bootstrapMismatch: [
    'RAFT_BOOTSTRAP_MISMATCH',
    'this node was bootstrapped with another list of servers',
  ],
  transferTimeout: ['RAFT_TIMEOUT', 'the other server did not take over leadership in time'],
  unknownServer: ['RAFT_UNKNOWN_SERVER', 'the configuration has no such server'],
  transferToItself: [
    'RAFT_UNKNOWN_SERVER',
    'this node leads already: leadership is handed to another voter',
  ],
  notVoter: ['RAFT_UNKNOWN_SERVER', 'that server is no voter and cannot lead'],
  noOtherVoter: ['RAFT_UNKNOWN_SERVER', 'there is no other voter to hand leadership to'],
  configurationConflict: [
    'RAFT_CONFIGURATION_CONFLICT',
    'the configuration is not the one that prevIndex names: read it again',
  ],
  changeInProgress: [
    'RAFT_CHANGE_IN_PROGRESS',
    'another change of members, or a restore, is under way',
  ],
  catchUpFailed: ['RAFT_TIMEOUT', 'the new voter does not keep up with the log'],
  restoreInProgress: [
    'RAFT_OVERLOADED',
    'a restored snapshot is being put in place; retry at once',
  ],
  abortedByRestore: ['RAFT_ABORTED_BY_RESTORE', 'a restore replaced the state of the cluster'],
  invalidConfiguration: ['RAFT_CONFIG_INVALID', 'the list of servers is not a valid configuration'],
  resultLost: [
    'RAFT_RESULT_LOST',
    'the command is committed, but its result went down with a restart of the state machine',
  ],
  shutdown: ['RAFT_CLOSED', 'the node is closed'],
  storeFailed: ['RAFT_STORE_FAILED', "this node's log store failed"],
}

export type RefusalReason = keyof typeof rejections

/** The error for a reason that came back from consensus, with the outcome that came with it. */
export function refusalError(
  reason: RefusalReason,
  outcome: Fate,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): RaftError {
  const [code, message] = rejections[reason]
  return new RaftError(code, `${message}${ending(outcome)}`, {
    outcome,
    details: { reason, ...details },
    cause,
  })
}

/** The same of a call that proposes nothing: its outcome is what the code says by itself. */
export function plainRefusal(
  reason: RefusalReason,
  details: Readonly<Record<string, unknown>> = {},
): RaftError {
  const [code, message] = rejections[reason]
  return new RaftError(code, message, { details: { reason, ...details } })
}

/** The code of an error that came from another layer, if it is one of ours. */
export function codeOr(code: string | null, otherwise: RaftErrorCode): RaftErrorCode {
  return isRaftErrorCode(code) ? code : otherwise
}
