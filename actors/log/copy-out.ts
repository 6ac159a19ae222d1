import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { StoredBatch } from '../../lib/log/store.js'
import { copyBytes } from '../../lib/runtime/copy-bytes.js'
import { checked } from './log-scan.js'

/**
 * Batches as read from the store, in one piece of shared memory that nobody pins.
 * @throws StoreCorruptError when a batch was damaged since it was written
 */
export function copyOut(stored: readonly StoredBatch[]): {
  readonly batches: readonly BatchRef[]
  readonly bytes: number
} {
  const bytes = stored.reduce((sum, batch) => sum + batch.bytes.byteLength, 0)
  const memory = new SharedArrayBuffer(bytes)
  const batches: BatchRef[] = []
  let offset = 0
  for (const batch of stored) {
    const [{ firstIndex, count, term, prevTerm, length }, body] = checked(batch)
    copyBytes(new Uint8Array(memory, offset, length), body)
    batches.push({ memory, offset, length, firstIndex, count, term, prevTerm, pinned: false })
    offset += length
  }
  return { batches, bytes }
}
