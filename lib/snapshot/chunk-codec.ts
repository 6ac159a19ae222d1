import { deflateInto, inflateInto } from './deflate.js'

/**
 * What becomes of a snapshot's chunks on their way to another node. All memory is the caller's and is
 * shared memory where the work is done on another thread.
 */
export interface ChunkCodec {
  /** Deflates `bytes` into `room`, which is as long, if that pays: the length; 0: send it as it is. */
  deflate(bytes: Uint8Array, room: Uint8Array): number | Promise<number>
  /** Inflates `bytes` into `state`, exactly. @throws SnapshotStoreError RAFT_CORRUPT */
  inflate(bytes: Uint8Array, state: Uint8Array): void | Promise<void>
  close(): void | Promise<void>
}

/**
 * `pool`: on threads of a pool. `inline`: on this thread and without a promise, for tests. `off`: chunks
 * are sent as they are; those of others are inflated on this thread.
 */
export type Compression = 'pool' | 'inline' | 'off'

export const inlineCodec: ChunkCodec = { deflate: deflateInto, inflate: inflateInto, close() {} }

export const plainCodec: ChunkCodec = { ...inlineCodec, deflate: () => 0 }
