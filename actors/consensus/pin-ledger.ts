import type { BatchRef } from '../../lib/log/batch-ref.js'
import { holdsPins, pin, releaseSlot, unpin } from '../../lib/log/slab.js'

/** Slabs remembered before those without pins are forgotten. */
const PRUNE_AT = 64

/**
 * The pins that are taken here for one reader on another thread. The reader takes them away; when it has
 * died, whatever is left of them is released at once (S7: pins belong to an actor's incarnation).
 */
export class PinLedger {
  readonly #slot: number
  #slabs = new Set<SharedArrayBuffer>()
  #pruneAt = PRUNE_AT

  constructor(slot: number) {
    this.#slot = slot
  }

  /** Before the reader is told of the batches. */
  pin(batches: readonly BatchRef[]): void {
    for (const batch of batches) {
      pin(batch, this.#slot)
      if (batch.pinned) this.#slabs.add(batch.memory)
    }
    if (this.#slabs.size > this.#pruneAt) this.#prune()
  }

  /** The reader was not told after all. */
  unpin(batches: readonly BatchRef[]): void {
    for (const batch of batches) unpin(batch, this.#slot)
  }

  /** The reader is dead. */
  release(): void {
    for (const slab of this.#slabs) releaseSlot(slab, this.#slot)
    this.#slabs.clear()
  }

  #prune(): void {
    this.#slabs = new Set([...this.#slabs].filter((slab) => holdsPins(slab, this.#slot)))
    this.#pruneAt = Math.max(PRUNE_AT, 2 * this.#slabs.size)
  }
}
