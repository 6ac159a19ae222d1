import { BatchError, type BatchRef, verifyBatch } from '../../lib/log/batch.js'
import {
  type Allocation,
  Arena,
  type ArenaOptions,
  batchBytes,
  PIN_CONSENSUS,
  pin,
  unpin,
} from '../../lib/log/slab.js'
import { TransportError } from '../../lib/transport/errors.js'
import type { WireBatch } from '../../lib/transport/messages.js'

/** Takes batches off the wire straight into slabs (S7) and lets none pass that does not check. */
export class BatchReceiver {
  readonly #arena: Arena

  constructor(options: ArenaOptions) {
    this.#arena = new Arena(options)
  }

  /** Memory for the batches of one request, until `accept` or `discard`. */
  allocate(bytes: number): Allocation {
    return this.#arena.allocate(bytes)
  }

  discard(allocation: Allocation): void {
    this.#arena.release(allocation)
  }

  /**
   * The batches that were written there, each pinned for PIN_CONSENSUS. Releases the allocation.
   * Throws a TransportError, and keeps nothing, when a batch fails its checksums or is another than
   * the head announced.
   */
  accept(allocation: Allocation, announced: readonly WireBatch[]): readonly BatchRef[] {
    try {
      const batches = locate(allocation, announced)
      for (const batch of batches) verify(batch)
      for (const batch of batches) pin(batch, PIN_CONSENSUS)
      return batches
    } finally {
      this.#arena.release(allocation)
    }
  }

  /** Nobody took them. */
  release(batches: readonly BatchRef[]): void {
    for (const batch of batches) unpin(batch, PIN_CONSENSUS)
  }
}

function locate(allocation: Allocation, announced: readonly WireBatch[]): readonly BatchRef[] {
  let offset = allocation.offset
  return announced.map((wire) => {
    const batch: BatchRef = { memory: allocation.memory, offset, pinned: true, ...wire }
    offset += wire.length
    return batch
  })
}

function verify(batch: BatchRef): void {
  const header = verified(batch)
  const same =
    header.firstIndex === batch.firstIndex &&
    header.count === batch.count &&
    header.term === batch.term &&
    header.prevTerm === batch.prevTerm
  if (same) return
  const { firstIndex, count, term, prevTerm } = header
  throw new TransportError(
    'RAFT_FRAME_CORRUPT',
    `an AppendEntries announces ${batch.count} entries from index ${batch.firstIndex} of term ${batch.term} and carries ${count} from index ${firstIndex} of term ${term}`,
    { firstIndex, count, term, prevTerm, announcedIndex: batch.firstIndex },
  )
}

function verified(batch: BatchRef): ReturnType<typeof verifyBatch> {
  try {
    return verifyBatch(batchBytes(batch))
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    throw new TransportError(
      'RAFT_FRAME_CORRUPT',
      `the batch at index ${batch.firstIndex} was damaged on its way: ${error.message}; the connection is closed and made anew`,
      { firstIndex: batch.firstIndex, fault: error.fault },
      error,
    )
  }
}
