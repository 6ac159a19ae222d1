import { assert } from '../core/assert.js'
import type { Timer } from './actor.js'
import type { Clock } from './clock.js'
import { EventHeap, type HeapEvent } from './event-heap.js'
import { Prng } from './prng.js'
import { setSchedulingPoint } from './scheduling-point.js'

export interface SimEvent extends HeapEvent {
  /** Does what happens; not called when `cancelled`. */
  fire(): void
  readonly cancelled: boolean
  /** Of actors and networks: it may happen while another actor is held inside its code. */
  readonly inside: boolean
}

/** One thread of the simulated world: while it is occupied its own time runs ahead of the world's. */
export interface Occupant {
  /** Virtual ms until which it has already spent its time. */
  busyUntil: number
  /** Its code goes on in promise callbacks, where nobody announces it. */
  readonly suspended: boolean
  /** It is in a call that may be held up between two accesses to shared memory. */
  readonly preemptible: boolean
  /** It is held up. */
  preempted: boolean
}

/** S8: how threads are held up between two accesses to memory that they share. */
export interface Preemption {
  /** Mean number of accesses between two times. */
  readonly everyAccesses: number
  /** Longest; most are far shorter. */
  readonly maxMs: number
}

/** The beginning of a simulated world. */
export interface SimSchedulerOptions {
  /** Everything random in a run is drawn from this. */
  readonly seed: number
  /** Virtual wall-clock time at the beginning. Default: 2024-01-01. */
  readonly epochMs?: number
  /** Default: none. */
  readonly preemption?: Preemption
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
  /** Who awaits the promises that are due, when somebody else was held up meanwhile. */
  #awaitedBy: Occupant | null = null
  #promisesDue = true
  #settling = false
  /** Null: threads are not held up inside their calls. */
  preemption: Preemption | null
  #accessesLeft = 1
  #preemptions = 0

  constructor(options: SimSchedulerOptions) {
    this.prng = new Prng(options.seed)
    this.epochMs = options.epochMs ?? DEFAULT_EPOCH_MS
    this.preemption = options.preemption ?? null
  }

  /** Virtual ms since the beginning, as the code that runs now sees it. */
  now(): number {
    return this.#local
  }

  /** Events so far. */
  get fired(): number {
    return this.#fired
  }

  /** How often an actor was held up between two accesses to shared memory. */
  get preemptions(): number {
    return this.#preemptions
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
    return this.#callback(time, callback, false)
  }

  /** The same for what happens inside actors and networks, which an actor that is held up does not stop. */
  atInside(time: number, callback: () => void): Timer {
    return this.#callback(time, callback, true)
  }

  #callback(time: number, callback: () => void, inside: boolean): Timer {
    const at = Math.max(time, this.#time)
    const event = new CallbackEvent(at, this.sequence(), callback, inside)
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
    const elsewhere = setSchedulingPoint(() => this.#accessed())
    try {
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
    } finally {
      setSchedulingPoint(elsewhere)
    }
  }

  /** S8: an actor is about to load or store a word that others share. */
  #accessed(): void {
    if (this.preemption === null || --this.#accessesLeft > 0) return
    const { everyAccesses, maxMs } = this.preemption
    this.#accessesLeft = 1 + Math.floor(2 * everyAccesses * this.prng.random())
    // Short enough to fall between two messages, or long enough for whole exchanges.
    const ms = maxMs * this.prng.random() ** 4
    const held = this.#occupant
    if (held?.preemptible === true && !this.#settling && !this.#promisesDue) this.#holdUp(held, ms)
  }

  /** The world goes on while this thread does not, but for what would end processes or wants promises. */
  #holdUp(held: Occupant, ms: number): void {
    const local = this.#local
    const until = local + ms
    this.#preemptions++
    held.preempted = true
    this.#occupant = null
    while (!this.#promisesDue && this.#nextIsInside(until)) this.#fireNext(until)
    const whole = (this.#events.peek()?.time ?? Number.POSITIVE_INFINITY) > until
    if (this.#promisesDue) this.#awaitedBy = this.#lastOccupant
    this.#occupant = held
    // Who was held up inside this may have taken the world further.
    this.#local = Math.max(whole ? until : local, this.#time)
    held.preempted = false
  }

  #nextIsInside(until: number): boolean {
    for (;;) {
      const next = this.#events.peek()
      if (next === undefined || next.time > until) return false
      if (!next.cancelled) return next.inside
      this.#events.pop()
    }
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
    const last = this.#awaitedBy ?? this.#lastOccupant
    this.#awaitedBy = null
    const entered = last?.suspended === true
    const previous = entered ? this.enter(last) : null
    this.#settling = true
    for (let turns = 1; this.#promisesDue; turns++) {
      assert(turns < MOST_TURNS, 'promise callbacks come to an end', { turns, at: this.#time })
      this.#promisesDue = false
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    this.#settling = false
    if (entered) this.leave(previous)
  }
}

class CallbackEvent implements SimEvent, Timer {
  readonly time: number
  readonly sequence: number
  readonly inside: boolean
  #callback: (() => void) | null

  constructor(time: number, sequence: number, callback: () => void, inside: boolean) {
    this.time = time
    this.sequence = sequence
    this.#callback = callback
    this.inside = inside
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
