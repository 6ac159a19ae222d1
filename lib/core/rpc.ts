import type { BatchSpan, LogIndex, NodeId, Term } from './types.js'

/** The requests and answers that nodes exchange. The transport's codec gives each its bytes. */

/** Raft §5.2 and thesis §9.6: `preVote` asks whether a vote would be given, and changes nothing. */
export interface RequestVote {
  readonly kind: 'requestVote'
  readonly preVote: boolean
  readonly term: Term
  readonly candidate: NodeId
  readonly lastLogIndex: LogIndex
  readonly lastLogTerm: Term
  /** The leader asked for this election (TimeoutNow): stickiness does not apply. */
  readonly transfer: boolean
  /** Ties the answer to one round of one candidacy. */
  readonly round: number
}

export interface VoteReply {
  readonly kind: 'voteReply'
  readonly preVote: boolean
  /** The receiver's term, or the asked one when granted. */
  readonly term: Term
  readonly granted: boolean
  readonly round: number
  /** Why not, for logs and events. */
  readonly reason: string
  /**
   * With a refusal of one who hears a leader: index of the committed configuration that has no such
   * candidate; 0 otherwise. It decides nothing here (S3); the candidate may learn that it was removed.
   */
  readonly outsideSince: LogIndex
}

/**
 * Raft §5.3. `request` numbers the requests of one connection (S1). `incarnation` and `addedAt` are
 * the session (S2). Batches travel beside this, whole (S6); here they are spans only.
 */
export interface AppendEntries {
  readonly kind: 'appendEntries'
  readonly term: Term
  readonly leader: NodeId
  readonly addedAt: LogIndex
  readonly incarnation: string
  readonly request: number
  readonly prevLogIndex: LogIndex
  readonly prevLogTerm: Term
  readonly leaderCommit: LogIndex
  readonly batches: readonly BatchSpan[]
}

export interface AppendReply {
  readonly kind: 'appendReply'
  readonly term: Term
  readonly request: number
  readonly success: boolean
  /**
   * On success prevLogIndex + the entries of that request, durable here (S1, S5). It acknowledges all
   * earlier requests of the connection too.
   */
  readonly matchIndex: LogIndex
  /** On rejection: where the logs may still agree. */
  readonly conflict?: {
    /** Term of the receiver's entry at prevLogIndex, 0 if it has none there. */
    readonly term: Term
    /** First index the receiver holds of that term, or its lastIndex + 1; 0: it needs a snapshot. */
    readonly index: LogIndex
    readonly lastIndex: LogIndex
  }
}

/** S9: carries no log position and no commit index. `sentAt` is the leader's monotonic clock. */
export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly term: Term
  readonly leader: NodeId
  readonly addedAt: LogIndex
  readonly incarnation: string
  readonly probe: number
  readonly sentAt: number
  readonly leaseMs: number
}

/** Echoes the heartbeat when accepted; otherwise carries the receiver's higher term. */
export interface HeartbeatReply {
  readonly kind: 'heartbeatReply'
  readonly term: Term
  readonly accepted: boolean
  readonly probe: number
  readonly sentAt: number
  readonly leaseMs: number
}

/** S4: the leader's committed configuration at `index` has this member no more. */
export interface Removed {
  readonly kind: 'removed'
  readonly term: Term
  readonly leader: NodeId
  readonly index: LogIndex
}

/** Thesis §3.10. Honoured only from the current leader, in the current term, by a voter (S10). */
export interface TimeoutNow {
  readonly kind: 'timeoutNow'
  readonly term: Term
  readonly leader: NodeId
}
