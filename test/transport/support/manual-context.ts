import type { ActorContext, ActorLogger, Timer } from '../../../lib/runtime/actor.js'

/**
 * An actor's context whose time stands still until `advance`. Turns run at once and must not overlap,
 * as on every host.
 */
export class ManualContext implements ActorContext {
  readonly name: string
  readonly warnings: { readonly fields: object; readonly message: string }[] = []
  readonly failures: Error[] = []
  readonly log: ActorLogger
  /** Called before each turn, e.g. to run a behaviour's beforeTurn. */
  beforeTurn: () => void = () => {}
  /** Called after each turn, e.g. to run a behaviour's afterTurn. */
  afterTurn: () => void = () => {}
  /** False: the actor is gone and takes no turns. */
  alive = true
  #now: number
  #inTurn = false
  #timers: { at: number; callback: () => void }[] = []

  constructor(name = 'test', startAt = 1000) {
    this.name = name
    this.#now = startAt
    const quiet = (): void => {}
    this.log = {
      debug: quiet,
      info: quiet,
      warn: (fields, message) => this.warnings.push({ fields, message }),
      error: (fields, message) => this.warnings.push({ fields, message }),
    }
  }

  now(): number {
    return this.#now
  }

  wallClock(): number {
    return this.#now
  }

  random(): number {
    return 0.5
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      },
    }
  }

  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Lets time pass and fires what is due. */
  advance(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter((timer) => timer.at <= this.#now)
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now)
    for (const { callback } of due) this.turn(callback)
  }

  turn(callback: () => void): void {
    if (!this.alive) return
    if (this.#inTurn) throw new Error('a turn began inside a turn')
    this.#inTurn = true
    try {
      this.beforeTurn()
      callback()
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#inTurn = false
    }
    this.afterTurn()
  }

  fail(error: Error): void {
    this.failures.push(error)
  }

  /** For a test's end: an actor that failed unnoticed fails the test. */
  throwFailure(): void {
    const [first] = this.failures
    if (first !== undefined) throw first
  }
}
