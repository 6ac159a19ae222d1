import type { AppendReply } from './rpc.js'
import type { LogIndex, Term } from './types.js'

/** An entry by its index and term: what two logs agree on or not. */
export interface Position {
  readonly index: LogIndex
  readonly term: Term
}

/** A whole encoded batch (S6) as this machine sees it. Its bytes are the host's business. */
export interface FedBatch {
  readonly firstIndex: LogIndex
  readonly count: number
  readonly term: Term
  /** Term of the entry before firstIndex. */
  readonly prevTerm: Term
  /** Encoded bytes: what counts against credit and window. */
  readonly length: number
}

/** Bytes of a snapshot as this machine sees them. */
export interface FedChunk {
  readonly transfer: number
  /** The snapshot's last entry and size; null when nothing could be read. */
  readonly meta: (Position & { readonly size: number }) | null
  readonly offset: number
  /** Bytes of state in it, which need not be the bytes that are sent. */
  readonly length: number
  readonly done: boolean
  /** It could not be read; later perhaps. */
  readonly failed: boolean
}

/** The follower's answer to one chunk. */
export interface ChunkReply {
  readonly term: Term
  readonly transfer: number
  /** Bytes of this transfer that the follower holds: where to go on. */
  readonly offset: number
  readonly installed: boolean
  /** Not stored: begin anew. */
  readonly failed: boolean
}

export interface ReplicationConfig {
  /** Bytes of batches sent and not yet acknowledged. One batch may exceed it alone. */
  readonly maxInflightBytes: number
  readonly maxInflightRequests: number
  /** Bytes of batches in one AppendEntries, at least one batch. */
  readonly maxAppendBytes: number
  /** An idle follower learns of a new commit index within this time. */
  readonly commitTimeoutMs: number
  /** Without any answer for this long while something is in flight, the connection is dropped (S12). */
  readonly replicationStallTimeoutMs: number
}

export interface ReplicationInit {
  readonly term: Term
  /** The leader's last entry when the session begins: the first guess of the match (Raft §5.3). */
  readonly lastIndex: LogIndex
  readonly lastTerm: Term
  readonly config: ReplicationConfig
  /** Feeds and transfers are numbered from here, so that no number is used twice by one host. */
  readonly firstFeed: number
  readonly firstTransfer: number
}

export type ReplicationInput<B extends FedBatch, C extends FedChunk> =
  /** A new data connection to the follower is open; requests are numbered from 1 again. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  /** The leader's commit index, which never decreases, whenever the host looks at it. */
  | { readonly kind: 'committed'; readonly index: LogIndex }
  /** Answers `feed`. The host owns what a machine that has ended does not take: see `release`. */
  | {
      readonly kind: 'batches'
      readonly feed: number
      readonly batches: readonly B[]
      readonly compacted: boolean
    }
  | { readonly kind: 'appendReply'; readonly reply: AppendReply }
  /** Answers `wantChunk`. */
  | { readonly kind: 'chunk'; readonly chunk: C }
  | { readonly kind: 'chunkReply'; readonly reply: ChunkReply }
  /** `deadline()` has passed. */
  | { readonly kind: 'tick' }

export type ReplicationOutput<B extends FedBatch, C extends FedChunk> =
  // -- to the follower, by the data connection
  | {
      readonly kind: 'append'
      readonly request: number
      readonly prevLogIndex: LogIndex
      readonly prevLogTerm: Term
      readonly leaderCommit: LogIndex
      /** Each is the host's from now on, to let go once it is sent. */
      readonly batches: readonly B[]
    }
  | {
      readonly kind: 'sendChunk'
      readonly chunk: C
      readonly meta: NonNullable<C['meta']>
    }
  /** Nothing can be expected of this connection any more: close it. */
  | { readonly kind: 'dropConnection'; readonly reason: string }
  // -- to the leader's core
  | { readonly kind: 'matched'; readonly matchIndex: LogIndex }
  | { readonly kind: 'higherTerm'; readonly term: Term }
  /** S16: the follower has lost entries that it acknowledged in this session. */
  | { readonly kind: 'lostState'; readonly lastIndex: LogIndex }
  // -- what this machine pulls
  | {
      readonly kind: 'feed'
      readonly feed: number
      readonly fromIndex: LogIndex
      readonly creditBytes: number
    }
  | { readonly kind: 'credit'; readonly feed: number; readonly bytes: number }
  | { readonly kind: 'wantChunk'; readonly transfer: number; readonly offset: number }
  | { readonly kind: 'snapshotSent'; readonly transfer: number }
  /** Fed and not sent: the host lets go of them. */
  | { readonly kind: 'release'; readonly batches: readonly B[] }

/** Index of a batch's last entry. */
export function lastIndexOf(batch: FedBatch): LogIndex {
  return batch.firstIndex + batch.count - 1
}
