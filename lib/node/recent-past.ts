/** Figures of a moment are about at least so long a time before it, and at most twice as long if looked at. */
export const RECENT_MS = 10_000

interface Moment<T> {
  readonly at: number
  readonly value: T
}

/**
 * Remembers cumulative values of some time ago, so that what they grew by since says how things are now.
 * It is renewed when it is asked, by no timer: after a long silence it reaches back to the last question.
 */
export class RecentPast<T> {
  #older: Moment<T>
  #newer: Moment<T>

  constructor(now: number, value: T) {
    this.#older = { at: now, value }
    this.#newer = this.#older
  }

  /** `value`: of now. */
  before(now: number, value: T): Moment<T> {
    if (now - this.#newer.at >= RECENT_MS) {
      this.#older = this.#newer
      this.#newer = { at: now, value }
    }
    return this.#older
  }
}
