import type { Role, Server } from '../core/types.js'
import type { RaftError } from './errors.js'
import type { NodeFigures } from './stats-types.js'

/** Every asynchronous method takes these. */
export interface CallOptions {
  /**
   * Limit of the whole call: queue, commit, apply and result. Infinity: none. Default 5000 for apply,
   * reads and barrier, 10000 for membership and transfer, none for snapshot, restore and waitFor.
   */
  readonly timeoutMs?: number | undefined
  /** Aborting it rejects the call with RAFT_ABORTED. */
  readonly signal?: AbortSignal | undefined
}

/** What `apply` and `applyBatch` take. */
export interface ApplyOptions extends CallOptions {
  /**
   * True: on a node that does not lead, the command is sent to the leader, one hop; while there is none,
   * it waits for one. Repeated only when certainly not applied (S17). Default false.
   */
  readonly forward?: boolean | undefined
  /**
   * `apply` only. Makes repeating safe, also by another caller on another node: commands with the same key
   * are applied once and answered alike for idempotencyTimeoutMs, another command under the key is refused
   * (RAFT_IDEMPOTENCY_KEY_REUSED). Implies `forward`, and is proposed again until its time is over. 1 to
   * 255 bytes.
   */
  readonly idempotencyKey?: string | undefined
  /**
   * `apply` only. Handed back on the diagnostics channel `troupe:command` of this process when the call has ended,
   * with times and outcome: a span, a request id, whatever you trace with. It is not sent or stored anywhere.
   */
  readonly trace?: unknown
}

/** Where a command is in the log, and what the state machine said to it. */
export interface Applied<Result = unknown> {
  readonly index: number
  readonly term: number
  readonly result: Result
}

/** The answer of `applyBatch`. */
export interface AppliedBatch<Result = unknown> {
  /** Index of the first command; the others follow without a gap. */
  readonly firstIndex: number
  readonly term: number
  /** One for each command, in order. `ok` false: the state machine refused it (RAFT_COMMAND_REJECTED). */
  readonly results: readonly CommandResult<Result>[]
}

/** What became of one command of a batch. */
export type CommandResult<Result = unknown> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: RaftError }

/**
 * `linearizable`: sees everything that was applied anywhere before the call; any node, through a read
 * index of the leader. `lease`: the same as long as clocks drift less than maxClockDrift; saves the round
 * trip to the followers. `stale`: whatever this node holds.
 */
export type Consistency = 'linearizable' | 'lease' | 'stale'

/** What a read may miss, and how long it may take. */
export interface QueryOptions extends CallOptions {
  /** Default `linearizable`. */
  readonly consistency?: Consistency | undefined
  /** Wait until this index is applied here: reads one's own writes. */
  readonly minIndex?: number | undefined
  /** `stale` only: RAFT_TOO_STALE when the leader was last heard longer ago. */
  readonly maxStalenessMs?: number | undefined
}

/** What a query found, and how far the state machine was. */
export interface QueryAnswer<Answer = unknown> {
  /** Last applied index when the answer was given. */
  readonly index: number
  readonly result: Answer
}

/** The state machine's `queries` object as the caller sees it: every method returns a promise. */
export type QueryProxy<Queries extends object> = {
  readonly [K in keyof Queries as Queries[K] extends (...args: never) => unknown
    ? K
    : never]: Queries[K] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never
}

/** The role of a node, or that it is closed. */
export type NodeState = Role | 'closed'

/** Who leads, as far as this node knows. */
export interface LeaderInfo {
  readonly id: string
  readonly address: string
  readonly meta: Readonly<Record<string, string>>
}

/** The members, and since when. */
export interface ConfigurationInfo {
  /** Index of the entry that carries the configuration in use; 0: none yet. */
  readonly index: number
  /** Index of the newest configuration known to be committed. */
  readonly committedIndex: number
  readonly servers: readonly Server[]
}

/** What `waitFor` waits for. */
export type WaitCondition =
  /** true: any leader; else the one with this id. */
  | { readonly leader: true | string }
  | { readonly state: Role }
  /** This index is applied here. */
  | { readonly applied: number }
  /** A configuration at or above this index is in use here. */
  | { readonly configurationIndex: number }

/** Why a node has ended. */
export interface ClosedInfo {
  /** `removed`: the cluster removed this node and shutdownOnRemove is on. */
  readonly reason: 'closed' | 'removed' | 'failed'
  /** Present when `failed`. */
  readonly error?: RaftError
}

/** How a node is closed. */
export interface CloseOptions {
  /** A leader first hands over to an up-to-date follower. Default false. */
  readonly transfer?: boolean | undefined
  /** Limit of the whole close; what still runs is then ended by force. Default 10000. */
  readonly timeoutMs?: number | undefined
}

/** A moment of the node, for people and dashboards. Counters run from the node's start. */
export interface NodeStats extends NodeFigures {
  readonly id: string
  readonly cluster: string
  readonly address: string
  readonly state: NodeState
  readonly term: number
  readonly leader: string | null
  /** A leader that may serve reads: an entry of its own term is committed. */
  readonly ready: boolean
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly lastLogIndex: number
  readonly lastLogTerm: number
  readonly flushedIndex: number
  readonly snapshotIndex: number
  readonly snapshotTerm: number
  readonly configurationIndex: number
  readonly committedConfigurationIndex: number
  /** The members, of the configuration in use here. */
  readonly servers: readonly Server[]
  readonly voters: number
  readonly nonvoters: number
  /** Since the leader was last heard; 0 on the leader, null: never. */
  readonly lastContactMs: number | null
  readonly pendingEntries: number
  readonly pendingBytes: number
  readonly pendingReads: number
  readonly proposedBatches: number
  readonly proposedEntries: number
  readonly forwardedRequests: number
  readonly refusedForLoad: number
  /** Bytes committed and not yet applied; past maxApplyLagBytes this node refuses proposals. */
  readonly applyLagBytes: number
  /** How often a leader began a term; see the `flapping` event. */
  readonly leaderChanges: number
  /** The longest that the event loop of consensus was late in the last 10 to 20 seconds. */
  readonly loopDelayMs: number
  readonly timeouts: number
  readonly deadLetters: number
  /** What all members can do, as far as this node has heard: later features wait until the last one can. */
  readonly features: readonly string[]
}
