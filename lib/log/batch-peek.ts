import { BATCH_HEADER_BYTES, readU64, viewOf } from './batch-layout.js'
import type { BatchRef } from './batch-ref.js'
import { batchBytes } from './slab.js'

/** Single facts of a batch that was verified when it entered the process. */

/** The leader's clock in ms when it took the batch. */
export function batchTime(ref: BatchRef): number {
  return readU64(viewOf(batchBytes(ref)), 32)
}

/** Type of the batch's first entry. */
export function firstEntryType(ref: BatchRef): number {
  return batchBytes(ref)[BATCH_HEADER_BYTES + 4] ?? 0
}
