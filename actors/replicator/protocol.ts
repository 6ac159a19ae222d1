import type { RequestVote, VoteReply } from '../../lib/core/rpc.js'
import type { LogIndex, NodeId, Session, Standing, Term } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { TransportSpec } from '../../lib/transport/transport.js'
import type { SnapshotMeta } from '../snapshot/protocol.js'

/**
 * One replicator per other member, for as long as the member is known: it owns every outgoing
 * connection to that peer. Its heartbeat connection carries heartbeats, votes and TimeoutNow; its data
 * connection AppendEntries and snapshot chunks; its client connection forwarded requests.
 *
 * While this node leads (`lead` .. `unlead`) it heartbeats on its own timer and replicates: it owns
 * nextIndex, the in-flight window and the mode (probe, pipeline, snapshot), as the pure state machine
 * lib/core/replication.ts (S1). It pulls: `feed` names where it wants to go on and how many bytes it
 * can take; the consensus actor answers with whole batches, from the tail or from the store.
 *
 * Memory: the consensus actor pins each batch in this replicator's pin slot before it tells `batches`;
 * the replicator unpins it in the channel's `written` callback. Death: the supervisor releases the
 * slot and starts a new one with backoff; the consensus actor sends `lead` again.
 */
export interface ReplicatorInit {
  readonly nodeId: NodeId
  readonly cluster: string
  readonly incarnation: string
  /** For its handshakes. */
  readonly standing: Standing
  readonly peer: NodeId
  readonly address: string
  readonly transport: TransportSpec
  /** This replicator's column of pins in every slab, and its row of the leader board. */
  readonly pinSlot: number
  /** LeaderBoard memory (actors/consensus/leader-board.ts): ages, commitIndex, revoke words (S11). */
  readonly leaderBoard: SharedArrayBuffer
  readonly config: ReplicatorConfig
  /** Where it counts (figures.ts), for whoever reads it there; without it only it knows. */
  readonly figures?: SharedArrayBuffer
}

export interface ReplicatorConfig {
  readonly heartbeatIntervalMs: number
  /** How long followers wait for a heartbeat; observers hear of answers that are late. */
  readonly heartbeatTimeoutMs: number
  /** Promise asked from followers in each heartbeat (S10). */
  readonly leaderLeaseTimeoutMs: number
  /** An idle follower learns of a new commit index within this time. */
  readonly commitTimeoutMs: number
  /** Bytes and requests sent and not yet answered. */
  readonly maxInflightBytes: number
  readonly maxInflightRequests: number
  /** Bytes of batches in one AppendEntries (at least one batch). */
  readonly maxAppendBytes: number
  readonly snapshotChunkBytes: number
  /** A connection on which something waits for an answer and none comes for so long is dropped (S12). */
  readonly replicationStallTimeoutMs: number
  /** Past this age of input or append the replicator falls silent for the term (S11). */
  readonly leaderStallTimeoutMs: number
  /** Reconnection: first delay, doubled with jitter up to the last. */
  readonly reconnectMinMs: number
  readonly reconnectMaxMs: number
  /** A forwarded request without answer for this long fails as `unknown`. */
  readonly forwardTimeoutMs: number
}

export type ReplicatorMessage =
  // -- control lane
  | {
      readonly kind: 'lead'
      readonly term: Term
      readonly addedAt: LogIndex
      /** Null while unknown: the handshake tells, the consensus actor admits it, `lead` comes again. */
      readonly incarnation: string | null
      /** Last entry of the leader's log: where the search for the match begins. */
      readonly lastIndex: LogIndex
      readonly lastTerm: Term
      /** Number of the latest probe; heartbeats carry the latest one known. */
      readonly probe: number
    }
  | { readonly kind: 'unlead' }
  | { readonly kind: 'probe'; readonly term: Term; readonly probe: number }
  | { readonly kind: 'requestVote'; readonly request: RequestVote }
  | { readonly kind: 'timeoutNow'; readonly term: Term }
  /** S4: tell the peer that it is not a member any more. */
  | { readonly kind: 'tellRemoved'; readonly term: Term; readonly index: LogIndex }
  | { readonly kind: 'address'; readonly address: string }
  /** What to say from the next handshake on. */
  | { readonly kind: 'standing'; readonly standing: Standing }
  /** Options of the transport for the next dials, e.g. a new certificate. */
  | { readonly kind: 'transport'; readonly options: unknown }
  /** The options were reloaded. */
  | { readonly kind: 'config'; readonly config: ReplicatorConfig }
  /** The consensus actor's word on a `connected`: go on, or close and keep away. */
  | { readonly kind: 'admitted'; readonly incarnation: string; readonly admitted: boolean }
  | {
      readonly kind: 'forward'
      readonly request: number
      readonly body: Uint8Array
      readonly timeoutMs: number
    }
  // -- data lane
  /** Answers `feed`: consecutive whole batches; the first holds the index asked for. */
  | {
      readonly kind: 'batches'
      readonly feed: number
      readonly batches: readonly BatchRef[]
      /** True when fromIndex is compacted away: only a snapshot can help. */
      readonly compacted: boolean
    }
  | {
      readonly kind: 'snapshotChunk'
      readonly transfer: number
      readonly meta: SnapshotMeta | null
      readonly offset: number
      /** Bytes of state. */
      readonly length: number
      /** `bytes` are the state's, deflated. */
      readonly compressed: boolean
      readonly bytes: Uint8Array
      readonly done: boolean
      /** The chunk could not be read; try again later. */
      readonly failed: boolean
    }

/** To the consensus actor, over the control lane. `peer` is this replicator's. */
export type ReplicatorReply =
  /** A handshake succeeded; `incarnation` is what the peer says of itself. */
  | {
      readonly kind: 'peerConnected'
      readonly peer: NodeId
      readonly incarnation: string
      /** What the peer can do (lib/core/features.ts). */
      readonly features: readonly string[]
      /** Welcome.vouches: this node is a member there, and no earlier life of it is known (S16). */
      readonly vouches: boolean
    }
  /** The peer refused this node (RAFT_LOST_STATE, RAFT_CLUSTER_MISMATCH, ...). */
  | {
      readonly kind: 'peerRefused'
      readonly peer: NodeId
      readonly code: string
      readonly message: string
    }
  /**
   * For observers: the heartbeat connection is up (`active`) or down; while this node leads, its heartbeats
   * are not answered (`failed`), or again (`resumed`). `lastContactMs`: since the answer before; null: none.
   */
  | {
      readonly kind: 'peerHealth'
      readonly peer: NodeId
      readonly change: 'active' | 'inactive' | 'failed' | 'resumed'
      readonly lastContactMs: number | null
      readonly reason: string
    }
  | { readonly kind: 'voteReply'; readonly peer: NodeId; readonly reply: VoteReply }
  | { readonly kind: 'higherTerm'; readonly peer: NodeId; readonly term: Term }
  | {
      readonly kind: 'matched'
      readonly peer: NodeId
      readonly session: Session
      readonly matchIndex: LogIndex
    }
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
  | {
      readonly kind: 'lostState'
      readonly peer: NodeId
      readonly session: Session
      readonly lastIndex: LogIndex
    }
  /** S11: this replicator fell silent for the term. */
  | { readonly kind: 'stalled'; readonly peer: NodeId; readonly term: Term }
  /**
   * Send batches from the one that holds fromIndex, and go on with new ones as they are appended, as long
   * as credit is left: a batch may exceed what is left, so at least one always comes, and then nothing more
   * until `credit` has made up for it. `compacted` when fromIndex is not in the log any more. A new feed
   * number replaces the former feed; batches of the former one are unpinned and dropped.
   */
  | {
      readonly kind: 'feed'
      readonly peer: NodeId
      readonly term: Term
      readonly feed: number
      readonly fromIndex: LogIndex
      readonly creditBytes: number
    }
  | {
      readonly kind: 'credit'
      readonly peer: NodeId
      readonly feed: number
      readonly bytes: number
    }
  | {
      readonly kind: 'wantChunk'
      readonly peer: NodeId
      readonly term: Term
      readonly transfer: number
      readonly offset: number
    }
  | { readonly kind: 'snapshotSent'; readonly peer: NodeId; readonly transfer: number }
  | {
      readonly kind: 'forwardReply'
      readonly peer: NodeId
      readonly request: number
      /** Null: the connection broke or time ran out. */
      readonly body: Uint8Array | null
      /** False: the request never left this process, so it was certainly not applied. */
      readonly sent: boolean
    }
