import type { Timer } from '../runtime/actor.js'

/** The part of an actor's context that keeps time. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  after(delayMs: number, callback: () => void): Timer
}

/** What may become overdue. */
export interface Due {
  due(): void
}

export interface Deadline {
  /** After this it is never called. */
  cancel(): void
}

interface Bucket {
  readonly tick: number
  live: number
  readonly entries: Entry[]
}

/** Deadlines are kept to the next multiple of this; they never come early. */
export const TICK_MS = 10

/**
 * One coarse timer wheel for everything that is pending on a node: a deadline costs an array slot, and
 * the clock's timer is set only for the earliest tick that still has one.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #buckets = new Map<number, Bucket>()
  #timer: Timer | null = null
  #timerTick = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The tick at which something that starts now and may take `timeoutMs` is overdue. */
  tickAfter(timeoutMs: number): number {
    return Math.floor((this.#clock.now() + timeoutMs) / TICK_MS) + 1
  }

  /** `target.due()` is called once `timeoutMs` have passed; Infinity: never. */
  add(timeoutMs: number, target: Due): Deadline {
    return this.addAt(this.tickAfter(timeoutMs), target)
  }

  addAt(tick: number, target: Due): Deadline {
    let bucket = this.#buckets.get(tick)
    if (bucket === undefined) {
      bucket = { tick, live: 0, entries: [] }
      if (tick !== Number.POSITIVE_INFINITY) this.#buckets.set(tick, bucket)
    }
    const entry = new Entry(this.#buckets, bucket, target)
    bucket.live++
    bucket.entries.push(entry)
    if (tick < this.#timerTick) this.#arm(tick)
    return entry
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#buckets.clear()
  }

  #arm(tick: number): void {
    this.#timer?.cancel()
    this.#timerTick = tick
    const delayMs = Math.max(0, tick * TICK_MS - this.#clock.now())
    this.#timer = this.#clock.after(delayMs, () => this.#fire())
  }

  #fire(): void {
    this.#timer = null
    this.#timerTick = Number.POSITIVE_INFINITY
    const tick = Math.floor(this.#clock.now() / TICK_MS)
    // Deletion while iterating is defined for a Map, and `due` may add buckets of a later tick only.
    for (const bucket of this.#buckets.values()) {
      if (bucket.tick > tick) continue
      this.#buckets.delete(bucket.tick)
      for (const entry of bucket.entries) entry.fire()
    }
    let earliest = Number.POSITIVE_INFINITY
    for (const at of this.#buckets.keys()) earliest = Math.min(earliest, at)
    if (earliest < this.#timerTick) this.#arm(earliest)
  }
}

class Entry implements Deadline {
  readonly #buckets: Map<number, Bucket>
  readonly #bucket: Bucket
  #target: Due | null

  constructor(buckets: Map<number, Bucket>, bucket: Bucket, target: Due) {
    this.#buckets = buckets
    this.#bucket = bucket
    this.#target = target
  }

  cancel(): void {
    if (this.#target === null) return
    this.#target = null
    const bucket = this.#bucket
    bucket.live--
    if (bucket.live === 0 && this.#buckets.get(bucket.tick) === bucket) {
      this.#buckets.delete(bucket.tick)
    }
  }

  fire(): void {
    const target = this.#target
    this.#target = null
    target?.due()
  }
}
