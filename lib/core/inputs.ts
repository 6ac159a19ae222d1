import type { CoreConfig } from './core-state.js'
import type { MemberChange } from './membership.js'
import type {
  AppendEntries,
  Heartbeat,
  Removed,
  RequestVote,
  TimeoutNow,
  VoteReply,
} from './rpc.js'
import type {
  Configuration,
  IndexedConfiguration,
  LogIndex,
  NodeId,
  Session,
  Term,
} from './types.js'

export interface ReceivedConfiguration {
  readonly position: number
  readonly configuration: Configuration
}

/**
 * Everything that can happen to the core. Each input that answers an earlier effect carries that
 * effect's identity (seq, term, session, round, id), so a late one is dropped by rule.
 */
export type Input =
  /** Time has passed; deadlines are due. */
  | { readonly kind: 'tick' }
  /** The latest moment at which the inbound actor answered the leader on the fast path (S9). */
  | { readonly kind: 'contact'; readonly at: number }
  // -- from this node's actors
  | { readonly kind: 'hardStateSaved'; readonly seq: number }
  /** The log is durable through the operation `seq` and everything before it (S5). */
  | { readonly kind: 'logFlushed'; readonly seq: number }
  /** The operation `seq` and all after it were refused before any flush; the log ends as given (S15). */
  | { readonly kind: 'logRefused'; readonly seq: number; readonly lastIndex: LogIndex }
  /** The store takes writes again. */
  | { readonly kind: 'logWritable' }
  /**
   * A snapshot made here is durable under its final name. Entries above `keepAbove` stay for a follower
   * that is being sent the snapshot which ends there (S13).
   */
  | {
      readonly kind: 'snapshotSaved'
      readonly index: LogIndex
      readonly term: Term
      readonly keepAbove?: LogIndex | null
    }
  /** A snapshot from the leader is durable under its final name (S13). */
  | {
      readonly kind: 'snapshotReceived'
      readonly leaderTerm: Term
      readonly leader: NodeId
      readonly index: LogIndex
      readonly term: Term
      readonly configuration: IndexedConfiguration
      /** A user's restore made it: it may not be committed yet (uncertain.ts). */
      readonly restored?: boolean
    }
  /** This thread was held up past leaderStallTimeoutMs, or a replicator says so (S11). */
  | { readonly kind: 'stalled'; readonly term: Term }
  // -- from peers
  | { readonly kind: 'requestVote'; readonly connection: number; readonly request: RequestVote }
  | { readonly kind: 'voteReply'; readonly from: NodeId; readonly reply: VoteReply }
  /**
   * `token` names the batches' bytes for the actor that hosts the core; `configurations` are those in
   * the batches, by position (a configuration entry is a batch of its own, S6).
   */
  | {
      readonly kind: 'appendEntries'
      readonly connection: number
      readonly token: number
      readonly request: AppendEntries
      readonly configurations: readonly ReceivedConfiguration[]
    }
  | { readonly kind: 'heartbeat'; readonly connection: number; readonly request: Heartbeat }
  | { readonly kind: 'timeoutNow'; readonly request: TimeoutNow }
  | { readonly kind: 'removed'; readonly request: Removed }
  // -- from the replicators of this leader; all but higherTerm are bound to a session
  | {
      readonly kind: 'matched'
      readonly peer: NodeId
      readonly session: Session
      readonly matchIndex: LogIndex
    }
  | { readonly kind: 'higherTerm'; readonly peer: NodeId; readonly term: Term }
  | {
      readonly kind: 'heartbeatAck'
      readonly peer: NodeId
      readonly session: Session
      readonly probe: number
      readonly sentAt: number
      readonly leaseMs: number
      readonly receivedAt: number
    }
  /** S16: the follower's log ends before what it acknowledged in this session. */
  | { readonly kind: 'lostState'; readonly peer: NodeId; readonly session: Session }
  /** The peer's incarnation, as its handshake gave it and this node admitted it. */
  | { readonly kind: 'incarnation'; readonly peer: NodeId; readonly incarnation: string }
  // -- from this node's user
  /** One batch of client commands. `token` names its bytes. */
  | {
      readonly kind: 'propose'
      readonly token: number
      readonly count: number
      readonly bytes: number
    }
  | { readonly kind: 'barrier'; readonly id: number }
  | { readonly kind: 'readIndex'; readonly id: number; readonly lease: boolean }
  | { readonly kind: 'transfer'; readonly id: number; readonly to: NodeId | null }
  /** `prevIndex`: the configuration's index that the user has seen, 0 for any (compare-and-set). */
  | {
      readonly kind: 'changeMembers'
      readonly id: number
      readonly change: MemberChange
      readonly prevIndex: LogIndex
    }
  /** Whoever asked waits no longer: a change that still catches a server up is given up. */
  | { readonly kind: 'cancelChange'; readonly id: number }
  /** The options were changed while the node runs. */
  | { readonly kind: 'reload'; readonly config: CoreConfig }
  /** A user's restore is about to begin with a snapshot of (elsewhere) this index: restoreReady or -Refused. */
  | { readonly kind: 'restoreBegin'; readonly id: number; readonly index: LogIndex }
  /** The snapshot that restoreReady spoke of is durable under its final name (restore.ts). */
  | {
      readonly kind: 'restoreCommit'
      readonly id: number
      readonly index: LogIndex
      readonly term: Term
    }
  | { readonly kind: 'restoreCancel'; readonly id: number }
  /** The first entry of an empty log, already durable: term 1, index 1. */
  | { readonly kind: 'bootstrapped'; readonly configuration: Configuration }
  /** This node may vote from now on: a quorum found it fresh, or a leader spoke to it (S16). */
  | { readonly kind: 'votingAllowed' }
