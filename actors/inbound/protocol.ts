import type {
  AppendEntries,
  AppendReply,
  Heartbeat,
  HeartbeatReply,
  Removed,
  RequestVote,
  TimeoutNow,
  VoteReply,
} from '../../lib/core/rpc.js'
import type { LogIndex, NodeId } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { TransportSpec } from '../../lib/transport/transport.js'
import type {
  ForwardReply,
  SnapshotChunk,
  SnapshotChunkReply,
} from '../../lib/transport/wire-messages.js'

export type { ForwardReply, SnapshotChunk, SnapshotChunkReply }

/**
 * The inbound actor listens. It decodes requests, verifies the checksums of batches as it copies them
 * into its own arena, and hands them to the consensus actor; it answers heartbeats by itself as long
 * as they match the control block (S9). It never touches a file and never waits for another actor.
 *
 * Memory: batches are written into this actor's arena and pinned for PIN_CONSENSUS before
 * `rpcAppendEntries` is told; the consensus actor unpins a batch when its tail lets it go. Death:
 * restarted alone with a new arena; peers reconnect.
 */
export interface InboundInit {
  readonly nodeId: NodeId
  readonly cluster: string
  readonly incarnation: string
  readonly transport: TransportSpec
  /** Where a predecessor listened, with the port that it really bound. */
  readonly boundBefore?: string
  /** Control block and contact word (actors/consensus/control-block.ts). */
  readonly controlBlock: SharedArrayBuffer
  /** One word: 1 while the log actor lives (S9). */
  readonly logAliveWord: SharedArrayBuffer
  readonly arena: { readonly slabBytes: number; readonly maxIdleSlabs: number }
  /** Bytes of AppendEntries told and not yet answered, per connection; past it the socket is paused. */
  readonly maxUnansweredBytes: number
  /** Where it counts (figures.ts), for whoever reads it there; without it only it knows. */
  readonly figures?: SharedArrayBuffer
}

export type InboundMessage =
  /** Answers `hello`. */
  | {
      readonly kind: 'admit'
      readonly connection: number
      readonly refusal: { readonly code: string; readonly message: string } | null
      /** The peer is a member here since the entry that its hello named (S16). */
      readonly vouches: boolean
    }
  | {
      readonly kind: 'reply'
      readonly connection: number
      readonly reply: AppendReply | VoteReply | HeartbeatReply | SnapshotChunkReply | ForwardReply
    }
  /** Closes every connection of that peer: it was removed, or another incarnation of it took over. */
  | { readonly kind: 'dropPeer'; readonly peer: NodeId }
  /** Options of the transport for connections accepted from now on, e.g. a new certificate. */
  | { readonly kind: 'transport'; readonly options: unknown }
  /** ask: { address } really bound. */
  | { readonly kind: 'address' }
  /** ask: InboundStats. */
  | { readonly kind: 'stats' }

/** Since this actor started. */
export interface InboundStats {
  /** Open now. */
  readonly connections: number
  /** Heartbeats answered without the consensus actor (S9). */
  readonly heartbeatsAnswered: number
  /** Connections turned away: strangers, other clusters, unwelcome incarnations. */
  readonly refused: number
}

/** To the consensus actor. */
export type InboundReply =
  // -- control lane
  /** A well-formed hello of this cluster to this node: is the peer's incarnation welcome (S16)? */
  | {
      readonly kind: 'hello'
      readonly connection: number
      readonly peer: NodeId
      readonly incarnation: string
      readonly generation: string
      /** Index of the entry that added the peer, as far as it knows. */
      readonly addedAt: LogIndex
      /** What the peer can do (lib/core/features.ts). */
      readonly features: readonly string[]
      readonly purpose: 'data' | 'heartbeat' | 'client'
    }
  | { readonly kind: 'rpcRequestVote'; readonly connection: number; readonly request: RequestVote }
  | { readonly kind: 'rpcHeartbeat'; readonly connection: number; readonly request: Heartbeat }
  | { readonly kind: 'rpcTimeoutNow'; readonly connection: number; readonly request: TimeoutNow }
  | { readonly kind: 'rpcRemoved'; readonly connection: number; readonly request: Removed }
  | { readonly kind: 'connectionClosed'; readonly connection: number; readonly peer: NodeId }
  // -- data lane
  | {
      readonly kind: 'rpcAppendEntries'
      readonly connection: number
      readonly request: AppendEntries
      readonly batches: readonly BatchRef[]
    }
  | {
      readonly kind: 'rpcSnapshotChunk'
      readonly connection: number
      readonly request: SnapshotChunk
      /** In shared memory that is this chunk's until it is answered. */
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'rpcForward'
      readonly connection: number
      readonly request: number
      readonly peer: NodeId
      readonly body: Uint8Array
    }
