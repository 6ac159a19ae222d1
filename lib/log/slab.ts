import { assert } from '../core/assert.js'
import { copyBytes } from '../runtime/copy-bytes.js'
import type { BatchRef } from './batch-ref.js'
import { addPin, anyPin, dropPin, PIN_PRODUCER, PIN_WORDS, pinsOf } from './pins.js'

export {
  PIN_CONSENSUS,
  PIN_FIRST_REPLICATOR,
  PIN_FSM,
  PIN_LAST_REPLICATOR,
  PIN_LOG,
} from './pins.js'

/**
 * Entry batches lie in slabs of shared memory (S6, S7). A slab begins with its pins (pins.ts), and bytes of a
 * slab with any pin are never rewritten.
 */

/** Batches of a slab start behind this offset. */
export const SLAB_HEADER_BYTES = PIN_WORDS * Int32Array.BYTES_PER_ELEMENT

/** Keeps the batch's memory from being reused until the reader at `slot` unpins it. */
export function pin(ref: BatchRef, slot: number): void {
  if (ref.pinned) addPin(pinsOf(ref.memory), slot)
}

export function unpin(ref: BatchRef, slot: number): void {
  if (ref.pinned) dropPin(pinsOf(ref.memory), slot)
}

/** Takes away all pins of a reader that died (S7: pins belong to an actor's incarnation). */
export function releaseSlot(memory: SharedArrayBuffer, slot: number): void {
  pinsOf(memory).store(slot, 0)
}

/** Whether the reader at `slot` has a pin on the slab. */
export function holdsPins(memory: SharedArrayBuffer, slot: number): boolean {
  return pinsOf(memory).load(slot) !== 0
}

/** Whether anyone may still read or write the slab. */
export function pinned(memory: SharedArrayBuffer): boolean {
  return anyPin(pinsOf(memory))
}

/** Header and body of the batch, in place. */
export function batchBytes(ref: BatchRef): Uint8Array {
  return new Uint8Array(ref.memory, ref.offset, ref.length)
}

export interface ArenaOptions {
  /** Size of one slab. A longer allocation gets a slab of its own. */
  readonly slabBytes: number
  /** Unpinned slabs kept for reuse; more go to the garbage collector. */
  readonly maxIdleSlabs: number
  /**
   * Full slabs that still have pins and are watched for reuse. Past it the oldest is forgotten: its
   * memory is freed when its last reader lets go. Default 256.
   */
  readonly maxPinnedSlabs?: number
}

/** A run of slab memory that its holder may write until it calls `Arena.release`. */
export interface Allocation {
  readonly memory: SharedArrayBuffer
  readonly offset: number
  readonly length: number
}

const ALIGNMENT = 8

function aligned(length: number): number {
  return (length + ALIGNMENT - 1) & -ALIGNMENT
}

/**
 * Bump allocation over slabs, for one thread. A slab is begun again only when it has no pin left; when
 * none is free a new one is made. The arena waits for no reader (S7).
 */
export class Arena {
  readonly #slabBytes: number
  readonly #maxIdle: number
  readonly #maxPinned: number
  #current: SharedArrayBuffer
  #end = SLAB_HEADER_BYTES
  /** Full slabs, oldest first; readers may still hold pins on them. */
  #full: SharedArrayBuffer[] = []
  #made = 1

  constructor(options: ArenaOptions) {
    assert(options.slabBytes > SLAB_HEADER_BYTES, 'slabBytes leaves no room for a batch', {
      slabBytes: options.slabBytes,
      headerBytes: SLAB_HEADER_BYTES,
    })
    this.#slabBytes = aligned(options.slabBytes)
    this.#maxIdle = options.maxIdleSlabs
    this.#maxPinned = options.maxPinnedSlabs ?? 256
    this.#current = new SharedArrayBuffer(this.#slabBytes)
  }

  /** Slabs made since the start; it stands still while slabs are reused. */
  get slabsMade(): number {
    return this.#made
  }

  /**
   * Memory for `length` bytes at an offset divisible by 8. The allocation holds its slab until
   * `release`: pin the batches that were written into it before releasing it.
   */
  allocate(length: number): Allocation {
    if (length > this.#slabBytes - SLAB_HEADER_BYTES) return this.#own(length)
    if (this.#end + length > this.#slabBytes) this.#turnOver()
    const offset = this.#end
    this.#end = offset + aligned(length)
    addPin(pinsOf(this.#current), PIN_PRODUCER)
    return { memory: this.#current, offset, length }
  }

  /**
   * The same bytes with another length: in place when the allocation is the slab's last and fits,
   * else copied to a new place (the old one is released). Growing keeps the first `used` bytes.
   */
  resize(allocation: Allocation, length: number, used: number): Allocation {
    const { memory, offset } = allocation
    const last = memory === this.#current && offset + aligned(allocation.length) === this.#end
    if (last && offset + length <= this.#slabBytes) {
      this.#end = offset + aligned(length)
      return { memory, offset, length }
    }
    if (length <= allocation.length) return { memory, offset, length }
    const moved = this.allocate(length)
    const target = new Uint8Array(moved.memory, moved.offset, used)
    copyBytes(target, new Uint8Array(memory, offset, used))
    this.release(allocation)
    return moved
  }

  /** The producer is done with it; from now on only pins keep the memory. */
  release(allocation: Allocation): void {
    dropPin(pinsOf(allocation.memory), PIN_PRODUCER)
  }

  #own(length: number): Allocation {
    this.#made++
    const memory = new SharedArrayBuffer(SLAB_HEADER_BYTES + aligned(length))
    addPin(pinsOf(memory), PIN_PRODUCER)
    return { memory, offset: SLAB_HEADER_BYTES, length }
  }

  /** Retires the full slab and goes on with a free one, the oldest first. */
  #turnOver(): void {
    this.#full.push(this.#current)
    const held: SharedArrayBuffer[] = []
    const idle: SharedArrayBuffer[] = []
    for (const slab of this.#full) (pinned(slab) ? held : idle).push(slab)
    const next = idle.shift()
    this.#full = [...held.slice(-this.#maxPinned), ...idle.slice(0, this.#maxIdle)]
    this.#end = SLAB_HEADER_BYTES
    if (next !== undefined) this.#current = next
    else {
      this.#made++
      this.#current = new SharedArrayBuffer(this.#slabBytes)
    }
  }
}
