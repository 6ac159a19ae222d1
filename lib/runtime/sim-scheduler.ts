import { assert } from '../core/assert.js'
import type { Timer } from './actor.js'
import type { Clock } from './clock.js'
import { EventHeap, type HeapEvent } from './event-heap.js'
import { Prng } from './prng.js'

export interface SimEvent extends HeapEvent {
  /** Does what happens; not called when `cancelled`. */
  fire(): void
  readonly cancelled: boolean
}

/** One thread of the simulated world: while it is occupied its own time runs ahead of the world's. */
export interface Occupant {
  /** Virtual ms until which it has already spent its time. */
  busyUntil: number
  /** Its code goes on in promise callbacks, where nobody announces it. */
  readonly suspended: boolean
}

/** The beginning of a simulated world. */
export interface SimSchedulerOptions {
  /** Everything random in a run is drawn from this. */
  readonly seed: number
  /** Virtual wall-clock time at the beginning. Default: 2024-01-01. */
  readonly epochMs?: number
}

/** When `SimScheduler.run` stops: at whichever comes first. */
export interface RunLimits {
  /** Stop once this much virtual time has passed. */
  readonly forMs?: number
  /** Stop before the first event later than this. */
  readonly untilMs?: number
  /** Stop after so many events. */
  readonly maxEvents?: number
  /** Asked after every event; stops the run when true. */
  readonly until?: () => boolean
}

const DEFAULT_EPOCH_MS = Date.UTC(2024, 0, 1)
/** Turns of the real event loop between two events; more means that promises feed each other for ever. */
const MOST_TURNS = 100_000

/**
 * The simulated world's time and chance. Events happen one after the other, ordered by (time, sequence);
 * between two of them promise callbacks run, but only when an event gave them cause, so that most events
 * cost no turn of the real event loop. Nothing real (files, sockets, timers, threads) may be waited for.
 */
export class SimScheduler implements Clock {
  readonly prng: Prng
  readonly epochMs: number
  readonly #events = new EventHeap<SimEvent>()
  #sequence = 0
  #fired = 0
  #time = 0
  /** The occupant's own time: ahead of #time by what it has spent in this event. */
  #local = 0
  #occupant: Occupant | null = null
  #lastOccupant: Occupant | null = null
  #promisesDue = true

  constructor(options: SimSchedulerOptions) {
    this.prng = new Prng(options.seed)
    this.epochMs = options.epochMs ?? DEFAULT_EPOCH_MS
  }

  /** Virtual ms since the beginning, as the code that runs now sees it. */
  now(): number {
    return this.#local
  }

  /** Events so far. */
  get fired(): number {
    return this.#fired
  }

  /** Events to come. */
  get pending(): number {
    return this.#events.length
  }

  random(): number {
    return this.prng.random()
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.at(this.#local + Math.max(0, delayMs), callback)
  }

  /** Runs `callback` at this virtual time, or at once when it has passed. */
  at(time: number, callback: () => void): Timer {
    const event = new CallbackEvent(Math.max(time, this.#time), this.sequence(), callback)
    this.#events.push(event)
    return event
  }

  /** The next event's place among those of its moment. */
  sequence(): number {
    return ++this.#sequence
  }

  post(event: SimEvent): void {
    this.#events.push(event)
  }

  /**
   * The call that runs now takes this long: what its actor sends from here on leaves that much later, and
   * only then does it take its next message, timer or turn. Without effect outside an actor.
   */
  occupy(ms: number): void {
    assert(ms >= 0, 'time cannot be given back', { ms })
    if (this.#occupant !== null) this.#local += ms
  }

  /** From here to `leave` the code of `occupant` runs. Returns whom to hand to `leave`. */
  enter(occupant: Occupant): Occupant | null {
    const previous = this.#occupant
    // An actor that is called from inside another's turn has no earlier time than its caller's.
    this.#local = Math.max(this.#local, occupant.busyUntil)
    this.#occupant = occupant
    return previous
  }

  leave(previous: Occupant | null): void {
    const left = this.#occupant
    if (left !== null) left.busyUntil = this.#local
    this.#lastOccupant = left
    this.#occupant = previous
    if (previous === null) this.#local = this.#time
  }

  /** Promise callbacks must run before the next event. */
  promisesDue(): void {
    this.#promisesDue = true
  }

  /** One event. False when there is none left. A promise only when promise callbacks had to run. */
  step(): boolean | Promise<boolean> {
    if (this.#promisesDue) return this.#settle().then(() => this.step())
    const fired = this.#fireNext(Number.POSITIVE_INFINITY)
    return this.#promisesDue ? this.#settle().then(() => fired) : fired
  }

  /** Events until a limit is met or none is left. Resolves with their number. */
  async run(limits: RunLimits = {}): Promise<number> {
    const { until, maxEvents = Number.POSITIVE_INFINITY } = limits
    const deadline = Math.min(
      limits.untilMs ?? Number.POSITIVE_INFINITY,
      limits.forMs === undefined ? Number.POSITIVE_INFINITY : this.#time + limits.forMs,
    )
    const before = this.#fired
    if (this.#promisesDue) await this.#settle()
    while (this.#fired - before < maxEvents) {
      if (until?.()) return this.#fired - before
      if (!this.#fireNext(deadline)) {
        if (deadline !== Number.POSITIVE_INFINITY) this.#advance(Math.max(this.#time, deadline))
        break
      }
      if (this.#promisesDue) await this.#settle()
    }
    return this.#fired - before
  }

  #fireNext(deadline: number): boolean {
    for (;;) {
      const next = this.#events.peek()
      if (next === undefined || next.time > deadline) return false
      this.#events.pop()
      if (next.cancelled) continue
      this.#advance(next.time)
      this.#fired++
      next.fire()
      return true
    }
  }

  #advance(time: number): void {
    assert(time >= this.#time, 'virtual time went back', { from: this.#time, to: time })
    this.#time = time
    this.#local = time
    this.#lastOccupant = null
  }

  /** A full turn of the event loop: every promise callback has run by then, and theirs. */
  async #settle(): Promise<void> {
    const last = this.#lastOccupant
    const entered = last?.suspended === true
    const previous = entered ? this.enter(last) : null
    for (let turns = 1; this.#promisesDue; turns++) {
      assert(turns < MOST_TURNS, 'promise callbacks come to an end', { turns, at: this.#time })
      this.#promisesDue = false
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    if (entered) this.leave(previous)
  }
}

class CallbackEvent implements SimEvent, Timer {
  readonly time: number
  readonly sequence: number
  #callback: (() => void) | null

  constructor(time: number, sequence: number, callback: () => void) {
    this.time = time
    this.sequence = sequence
    this.#callback = callback
  }

  get cancelled(): boolean {
    return this.#callback === null
  }

  fire(): void {
    const callback = this.#callback
    this.#callback = null
    callback?.()
  }

  cancel(): void {
    this.#callback = null
  }
}
