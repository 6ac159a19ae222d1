/** What became of a proposal (S17). `rejected`: its bytes reached neither the log nor a replicator. */
export type Outcome = 'rejected' | 'unknown' | 'committed'

interface CodeFacts {
  /** What the code says of a proposal when the thrower does not know better; null: nothing. */
  readonly outcome: Outcome | null
  /** The same call may succeed later without anyone changing it, and repeating it cannot apply it twice. */
  readonly retryable: boolean
  /** HTTP status when the outcome is known not to be `unknown` or `committed`. */
  readonly http: number
}

const rejected = (http: number, retryable: boolean): CodeFacts => ({
  outcome: 'rejected',
  retryable,
  http,
})
const fault = (http = 500): CodeFacts => ({ outcome: null, retryable: false, http })

/** Every code, and what follows from it. */
export const errorTable = {
  RAFT_NOT_LEADER: rejected(503, true),
  RAFT_NO_LEADER: rejected(503, true),
  RAFT_NOT_BOOTSTRAPPED: rejected(503, true),
  RAFT_TRANSFER_IN_PROGRESS: rejected(503, true),
  RAFT_OVERLOADED: rejected(429, true),
  RAFT_ENTRY_TOO_LARGE: rejected(413, false),
  RAFT_STORAGE_FULL: rejected(507, true),
  RAFT_LEADERSHIP_LOST: { outcome: 'unknown', retryable: false, http: 504 },
  RAFT_ABORTED_BY_RESTORE: { outcome: 'unknown', retryable: false, http: 504 },
  RAFT_TIMEOUT: fault(503),
  RAFT_ABORTED: fault(503),
  RAFT_CLOSED: fault(503),
  RAFT_STORE_FAILED: fault(503),
  RAFT_STATE_MACHINE_FAILED: fault(503),
  RAFT_COMMAND_REJECTED: { outcome: 'committed', retryable: false, http: 422 },
  RAFT_RESULT_LOST: { outcome: 'committed', retryable: false, http: 504 },
  /** The client session is over: it expired, was closed, or made room for others. */
  RAFT_SESSION_EXPIRED: rejected(409, false),
  /** The idempotency key was used before, for another request. */
  RAFT_IDEMPOTENCY_KEY_REUSED: rejected(422, false),
  /** Some member is of a release that does not know what this needs. */
  RAFT_FEATURE_UNAVAILABLE: rejected(501, false),
  RAFT_CONFIGURATION_CONFLICT: rejected(409, false),
  RAFT_CHANGE_IN_PROGRESS: rejected(409, true),
  RAFT_NOTHING_TO_SNAPSHOT: rejected(409, false),
  /** A snapshot is being written already; its end is near. */
  RAFT_SNAPSHOT_IN_PROGRESS: rejected(409, true),
  RAFT_BOOTSTRAP_MISMATCH: rejected(409, false),
  RAFT_UNKNOWN_SERVER: rejected(404, false),
  /** The state machine answers no such query. */
  RAFT_UNKNOWN_QUERY: fault(400),
  RAFT_TOO_STALE: { outcome: null, retryable: true, http: 503 },
  RAFT_LEASE_UNAVAILABLE: { outcome: null, retryable: true, http: 503 },
  RAFT_CONFIG_INVALID: fault(400),
  RAFT_DATA_DIR_LOCKED: fault(),
  RAFT_DATA_DIR_FOREIGN: fault(),
  RAFT_CLUSTER_MISMATCH: fault(),
  RAFT_LOST_STATE: fault(),
  RAFT_MODULE_LOAD: fault(),
  RAFT_CORRUPT: fault(),
  RAFT_INSECURE_LISTEN: fault(),
  /** A method of a later release. */
  RAFT_NOT_AVAILABLE: rejected(501, false),
  /** A broken invariant; it stops the node. */
  RAFT_INVARIANT: fault(),
} as const satisfies Record<string, CodeFacts>

/** One of the codes of a RaftError. */
export type RaftErrorCode = keyof typeof errorTable

/** All codes, for tables and tests. */
export const raftErrorCodes = Object.keys(errorTable) as readonly RaftErrorCode[]

export function isRaftErrorCode(code: unknown): code is RaftErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code)
}

/** The facts of a code, widened to the common type. */
export function factsOf(code: RaftErrorCode): CodeFacts {
  return errorTable[code]
}
