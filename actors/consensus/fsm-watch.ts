import type { LogIndex } from '../../lib/core/types.js'

/** What the state machine has in hand: the oldest of it that it has not answered. */
export interface FsmWork {
  readonly what: 'apply' | 'restore' | 'query'
  /** The first entry of an apply, the snapshot of a restore, or the last entry before a query. */
  readonly index: LogIndex
  /** Grows with each answer. */
  readonly answers: number
}

export interface FsmReport extends FsmWork {
  readonly change: 'stalled' | 'resumed'
  readonly ms: number
}

/**
 * S14: a state machine that answers nothing for long is reported, once, and again when it goes on. It is
 * never terminated. Looked at from tick to tick: time in which this thread itself stood still does not
 * count, because the answers may lie in its mailbox.
 */
export class FsmWatch {
  readonly #limitMs: number
  readonly #tickMs: () => number
  #lastAt: number
  #work: FsmWork | null = null
  #waited = 0
  #reported = false

  constructor(limitMs: number, tickMs: () => number, now: number) {
    this.#limitMs = limitMs
    this.#tickMs = tickMs
    this.#lastAt = now
  }

  /** Returns what is to be reported. */
  look(now: number, work: FsmWork | null): FsmReport | null {
    const step = Math.min(now - this.#lastAt, 2 * this.#tickMs())
    this.#lastAt = now
    const before = this.#work
    this.#work = work
    if (before !== null && work?.answers === before.answers) {
      this.#waited += step
      if (this.#reported || this.#waited < this.#limitMs) return null
      this.#reported = true
      return { ...work, change: 'stalled', ms: Math.round(this.#waited) }
    }
    const report: FsmReport | null =
      this.#reported && before !== null
        ? { ...before, change: 'resumed', ms: Math.round(this.#waited) }
        : null
    this.#reported = false
    this.#waited = 0
    return report
  }
}
