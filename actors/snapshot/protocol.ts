import type { IndexedConfiguration, LogIndex, NodeId, Term } from '../../lib/core/types.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { Compression } from '../../lib/snapshot/chunk-codec.js'
import type { SnapshotStoreSpec } from '../../lib/snapshot/store.js'

/**
 * The snapshot actor owns the snapshot store: it writes what the FSM actor captures, verifies, lists
 * and prunes, streams the newest one to followers chunk by chunk, and receives one from a leader. A
 * snapshot exists once it is flushed and renamed. Its messages with the FSM actor are in
 * `fsm-link.ts`; those with the consensus actor are here.
 *
 * Death: restarted alone; a half-written snapshot is removed at start, transfers begin again.
 */
export interface SnapshotInit {
  readonly nodeId: NodeId
  readonly dataDir: string
  readonly store: SnapshotStoreSpec
  /** Snapshots kept; the newest always is. */
  readonly retain: number
  /** Of chunks on their way to followers. Default `off`. */
  readonly compression?: Compression
}

/** Bytes of state on their way to another node. */
export interface StateChunk {
  readonly offset: number
  /** Bytes of state. */
  readonly length: number
  /** `bytes` are the state's, deflated. */
  readonly compressed: boolean
  /** In shared memory. */
  readonly bytes: Uint8Array
  readonly done: boolean
}

export interface SnapshotMeta {
  readonly index: LogIndex
  readonly term: Term
  /** The newest configuration at or below `index` (S13). */
  readonly configuration: IndexedConfiguration
  /** A user's restore made it (lib/core/uncertain.ts). */
  readonly restored?: boolean
  /** Bytes of state. */
  readonly size: number
  /** CRC-32 of the whole state. */
  readonly checksum: number
}

export type SnapshotMessage =
  /**
   * ask: the newest snapshot that verifies, or null. `undone`: this one came to nothing
   * (lib/core/uncertain.ts) and is removed first.
   */
  | {
      readonly kind: 'newest'
      readonly undone?: { readonly index: LogIndex; readonly term: Term }
    }
  /** ask: all, newest first. */
  | { readonly kind: 'list' }
  /**
   * ask, from the program's side: SnapshotOpened. The snapshot at (index, term), verified, and kept from
   * being pruned until `closeSnapshot`.
   */
  | { readonly kind: 'openSnapshot'; readonly index: LogIndex; readonly term: Term }
  /** ask: how many bytes of `into`, which is shared memory, it has filled; 0 at the end only. */
  | {
      readonly kind: 'readSnapshot'
      readonly reading: number
      readonly offset: number
      readonly into: Uint8Array
    }
  /** ask */
  | { readonly kind: 'closeSnapshot'; readonly reading: number }
  /** The next bytes of the newest snapshot (or of the one this transfer began with) for a follower. */
  | {
      readonly kind: 'readChunk'
      readonly peer: NodeId
      /** Names one transfer; a new number begins anew with the newest snapshot. */
      readonly transfer: number
      readonly offset: number
      readonly maxBytes: number
      /** Compressed where that saves enough; false: the follower may not know how to inflate it. */
      readonly deflate: boolean
    }
  /** The transfer is over; its snapshot may be pruned. */
  | { readonly kind: 'endTransfer'; readonly peer: NodeId; readonly transfer: number }
  /** Bytes from the leader. `offset` 0 begins; the store answers chunkStored, and snapshotReceived last. */
  | ({
      readonly kind: 'storeChunk'
      readonly connection: number
      readonly leader: NodeId
      readonly leaderTerm: Term
      readonly transfer: number
      readonly meta: SnapshotMeta
    } & StateChunk)
  /** `undone`: a restored one, even if the state machine or an earlier process has settled on it. */
  | {
      readonly kind: 'discard'
      readonly index: LogIndex
      readonly term: Term
      readonly undone?: true
    }
  // -- a user's restore, all by ask (restores.ts)
  /** RestoreBegun. `index`, `term`: a place for the time being. */
  | {
      readonly kind: 'beginRestore'
      readonly index: LogIndex
      readonly term: Term
      readonly configuration: IndexedConfiguration
    }
  /** The bytes of state held so far, a number. */
  | { readonly kind: 'writeRestore'; readonly restore: number; readonly bytes: Uint8Array }
  /** SnapshotMeta, once the snapshot is durable at this place. */
  | {
      readonly kind: 'finishRestore'
      readonly restore: number
      readonly index: LogIndex
      readonly term: Term
      readonly configuration: IndexedConfiguration
    }
  | { readonly kind: 'abortRestore'; readonly restore: number }

export interface RestoreBegun {
  readonly restore: number
}

/** Answers `openSnapshot`. */
export interface SnapshotOpened {
  readonly reading: number
  readonly meta: SnapshotMeta
}

/** To the consensus actor. */
export type SnapshotReply =
  /** Nobody pins its bytes: they are overwritten when the transfer has gone on past the next chunk. */
  | ({
      readonly kind: 'chunkRead'
      readonly peer: NodeId
      readonly transfer: number
      readonly meta: SnapshotMeta
    } & StateChunk)
  /** There is nothing to send, or it cannot be read. */
  | {
      readonly kind: 'chunkFailed'
      readonly peer: NodeId
      readonly transfer: number
      readonly error: WireError
    }
  | {
      readonly kind: 'chunkStored'
      readonly connection: number
      readonly transfer: number
      /** Bytes held so far: where the sender goes on. */
      readonly offset: number
      readonly error: WireError | null
    }
  | {
      readonly kind: 'snapshotReceived'
      readonly connection: number
      readonly transfer: number
      readonly leader: NodeId
      readonly leaderTerm: Term
      readonly meta: SnapshotMeta
    }
