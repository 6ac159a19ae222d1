import type { LogIndex, Term } from '../core/types.js'

/**
 * A descriptor of one encoded entry batch in shared memory (S6, S7). It crosses threads by structured
 * clone; the bytes do not move. Offset 0..SLAB_HEADER_BYTES of `memory` holds the slab's pins (see
 * slab.ts); a batch read back from the store lies in memory of its own that nobody pins (`pinned` false).
 */
export interface BatchRef {
  readonly memory: SharedArrayBuffer
  readonly offset: number
  /** Encoded length: header and body. */
  readonly length: number
  readonly firstIndex: LogIndex
  readonly count: number
  readonly term: Term
  readonly prevTerm: Term
  readonly pinned: boolean
}
