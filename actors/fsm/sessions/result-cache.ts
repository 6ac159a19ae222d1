import type { LogIndex, Term } from '../../../lib/core/types.js'

/** A command that was applied, and where. */
export interface Slot {
  readonly index: LogIndex
  readonly term: Term
  /** Its encoded outcome; null once there is no room for it, or where it was never known here. */
  result: Uint8Array | null
}

/**
 * The results of one session, or of all idempotency keys, up to a number of bytes. Past it the oldest
 * result goes first: that the command was applied stays known, so nothing that is decided depends on
 * what is kept here.
 */
export class ResultCache {
  #bytes = 0
  readonly #held = new Set<Slot>()

  get bytes(): number {
    return this.#bytes
  }

  store(slot: Slot, result: Uint8Array | null, maxBytes: number): void {
    if (result === null || result.length > maxBytes) return
    slot.result = result
    this.#held.add(slot)
    this.#bytes += result.length
    for (const oldest of this.#held) {
      if (this.#bytes <= maxBytes) return
      this.release(oldest)
    }
  }

  release(slot: Slot): void {
    if (!this.#held.delete(slot)) return
    this.#bytes -= slot.result?.length ?? 0
    slot.result = null
  }
}
