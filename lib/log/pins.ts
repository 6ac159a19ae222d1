import { assert } from '../core/assert.js'
import { beforeAccess } from '../runtime/scheduling-point.js'

/**
 * S7: the pins of a slab, a word for each reader. Whoever holds a pin may add one for a reader with a higher
 * slot before telling it of the batch, and each reader takes its own away when it is done. A slab without
 * any pin may be rewritten.
 *
 * Hands pass pins on from low slots to high ones, and `anyPin` looks at the slots in that order: a pin that
 * was passed on before its giver let go is seen where it arrived.
 */

export const PIN_CONSENSUS = 0
export const PIN_LOG = 1
export const PIN_FSM = 2
export const PIN_FIRST_REPLICATOR = 3
export const PIN_LAST_REPLICATOR = 31
/** Held by the arena's own user from `allocate` to `release`, while it still writes. */
export const PIN_PRODUCER = 32

export const PIN_WORDS = 64

/** The accesses to the pins of one slab; a test or the simulator interleaves them as it likes (S8). */
export interface PinPort {
  load(slot: number): number
  store(slot: number, value: number): void
  /** Returns the value before the addition. */
  add(slot: number, delta: number): number
}

/** The pin words at the beginning of a slab. */
export function pinsOf(memory: SharedArrayBuffer): PinPort {
  return new SlabPins(memory)
}

class SlabPins implements PinPort {
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, PIN_WORDS)
  }

  load(slot: number): number {
    beforeAccess()
    return Atomics.load(this.#words, slot)
  }

  store(slot: number, value: number): void {
    beforeAccess()
    Atomics.store(this.#words, slot, value)
  }

  add(slot: number, delta: number): number {
    beforeAccess()
    return Atomics.add(this.#words, slot, delta)
  }
}

export function addPin(pins: PinPort, slot: number): void {
  pins.add(slot, 1)
}

export function dropPin(pins: PinPort, slot: number): void {
  const before = pins.add(slot, -1)
  assert(before > 0, 'a batch is unpinned more often than it was pinned', { slot, before })
}

/** Whether anyone may still read or write the slab. */
export function anyPin(pins: PinPort): boolean {
  for (let slot = 0; slot <= PIN_PRODUCER; slot++) if (pins.load(slot) !== 0) return true
  return false
}
