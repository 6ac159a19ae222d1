import { type BatchBuilder, decodeEntries, sealBatch } from '../log/batch.js'
import type { BatchRef } from '../log/batch-ref.js'
import { batchBytes, PIN_CONSENSUS, unpin } from '../log/slab.js'

/** Any valid place: the batch is only read back with it, consensus writes the real one. */
const readableHead = { firstIndex: 1, term: 1, prevTerm: 0, time: 0 }

/**
 * The finished batch without the entries at the withdrawn positions, encoded anew; null when none is
 * left. A command that its caller was told is `rejected` must really not be proposed (S17).
 */
export function withoutEntries(
  ref: BatchRef,
  withdrawn: ReadonlySet<number>,
  builder: BatchBuilder,
): BatchRef | null {
  const readable = sealBatch(ref, readableHead)
  let position = 0
  for (const { type, data, extensions, identity } of decodeEntries(batchBytes(readable))) {
    if (!withdrawn.has(position++)) builder.add(type, data, extensions, identity)
  }
  const rest = builder.count === 0 ? null : builder.finish()
  unpin(ref, PIN_CONSENSUS)
  return rest
}
