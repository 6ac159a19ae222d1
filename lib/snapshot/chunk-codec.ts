import { deflateInto } from './deflate.js'

/** Deflates a snapshot's chunks on their way to another node. */
export interface ChunkCodec {
  /**
   * Deflates `bytes` into `room`, which is as long, if that pays: the length; 0: send it as it is. Both
   * are shared memory where the work is done on another thread.
   */
  deflate(bytes: Uint8Array, room: Uint8Array): number | Promise<number>
  close(): void | Promise<void>
}

/** `pool`: on threads of a pool. `inline`: on this thread, without a promise. `off`: not at all. */
export type Compression = 'pool' | 'inline' | 'off'

export const inlineCodec: ChunkCodec = { deflate: deflateInto, close() {} }

export const plainCodec: ChunkCodec = { deflate: () => 0, close() {} }
