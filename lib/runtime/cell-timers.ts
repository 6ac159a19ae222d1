import type { Timer } from './actor.js'
import { Fifo } from './fifo.js'

/** A callback whose time has come but whose turn has not. */
export interface DueCallback {
  readonly callback: () => void
  readonly cancelled: boolean
}

/** The timers of one actor: those that run, and the callbacks that are due. */
export class CellTimers {
  readonly #setTimer: (delayMs: number, fire: () => void) => Timer
  readonly #fired: (due: DueCallback) => void
  readonly #running = new Set<ActorTimer>()
  readonly #due = new Fifo<DueCallback>()

  /** `fired` is called at the moment a timer is due; it may queue the callback with `push`. */
  constructor(
    setTimer: (delayMs: number, fire: () => void) => Timer,
    fired: (due: DueCallback) => void,
  ) {
    this.#setTimer = setTimer
    this.#fired = fired
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = new ActorTimer(callback, this.#running)
    this.#running.add(timer)
    timer.inner = this.#setTimer(delayMs, () => {
      this.#running.delete(timer)
      this.#fired(timer)
    })
    return timer
  }

  get waiting(): boolean {
    return this.#due.length > 0
  }

  push(due: DueCallback): void {
    this.#due.push(due)
  }

  /** The next due callback that was not cancelled while it waited. */
  shift(): DueCallback | undefined {
    let due = this.#due.shift()
    while (due?.cancelled) due = this.#due.shift()
    return due
  }

  cancelAll(): void {
    for (const timer of this.#running) timer.cancel()
    while (this.#due.length > 0) this.#due.shift()
  }
}

class ActorTimer implements Timer, DueCallback {
  readonly callback: () => void
  cancelled = false
  inner: Timer | null = null
  readonly #running: Set<ActorTimer>

  constructor(callback: () => void, running: Set<ActorTimer>) {
    this.callback = callback
    this.#running = running
  }

  cancel(): void {
    this.cancelled = true
    this.inner?.cancel()
    this.#running.delete(this)
  }
}
