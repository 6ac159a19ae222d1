import type { Timer } from './actor.js'

/** What everything that waits or backs off is given, so that it runs in virtual time too. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Runs `callback` once `delayMs` have passed. */
  after(delayMs: number, callback: () => void): Timer
}

/**
 * performance.now() starts at zero on each thread; process.hrtime does not, but costs an allocation.
 * The distance between the two is constant, so it is measured once per thread.
 */
const offset = measureOffset()

/** Monotonic milliseconds with a fraction, one clock for all threads of the process. */
export function now(): number {
  return performance.now() + offset
}

/** The tightest of several readings: one that was not interrupted between its two clocks. */
function measureOffset(): number {
  let best = 0
  let tightest = Number.POSITIVE_INFINITY
  for (let sample = 0; sample < 8; sample++) {
    const before = performance.now()
    const absolute = Number(process.hrtime.bigint()) / 1e6
    const after = performance.now()
    if (after - before < tightest) {
      tightest = after - before
      best = absolute - (before + after) / 2
    }
  }
  return best
}

const LONGEST_TIMEOUT_MS = 2_147_483_647

/**
 * A timer on this thread's event loop that never fires early: setTimeout counts whole milliseconds from
 * a cached time and may be a fraction ahead of `now`, and it cannot wait longer than 24.8 days.
 */
export function after(delayMs: number, callback: () => void): Timer {
  return new LoopTimer(delayMs, callback)
}

class LoopTimer implements Timer {
  readonly #dueAt: number
  readonly #callback: () => void
  #timeout: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null

  constructor(delayMs: number, callback: () => void) {
    this.#dueAt = now() + delayMs
    this.#callback = callback
    this.#arm(delayMs)
  }

  cancel(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    this.#timeout = null
    this.#immediate = null
  }

  #arm(remainingMs: number): void {
    if (remainingMs > 0) {
      this.#timeout = setTimeout(this.#fire, Math.min(Math.ceil(remainingMs), LONGEST_TIMEOUT_MS))
    } else {
      this.#immediate = setImmediate(this.#fire)
    }
  }

  readonly #fire = (): void => {
    this.#timeout = null
    this.#immediate = null
    const remainingMs = this.#dueAt - now()
    if (remainingMs > 0) this.#arm(remainingMs)
    else this.#callback()
  }
}
