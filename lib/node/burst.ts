/** Passes over the microtask queue that must find nothing new before a burst is over. */
const QUIET_PASSES = 3
/** A burst that keeps growing is cut here. */
const MAX_PASSES = 64

/**
 * Runs `flush` at the end of the current burst of microtasks: once a few passes over the queue have
 * added nothing. A loop of many awaiting callers lands in one flush, and a lone call waits for no timer.
 */
export class Burst {
  readonly #size: () => number
  readonly #flush: () => void
  readonly #defer: (callback: () => void) => void
  readonly #pass = () => this.#look()
  #scheduled = false
  #passes = 0
  #quiet = 0
  #seen = 0

  /** `size` grows whenever something joins the burst. */
  constructor(size: () => number, flush: () => void, defer = queueMicrotask) {
    this.#size = size
    this.#flush = flush
    this.#defer = defer
  }

  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#passes = 0
    this.#quiet = 0
    this.#seen = this.#size()
    this.#defer(this.#pass)
  }

  #look(): void {
    const size = this.#size()
    this.#quiet = size === this.#seen ? this.#quiet + 1 : 0
    this.#seen = size
    if (this.#quiet < QUIET_PASSES && ++this.#passes < MAX_PASSES) {
      this.#defer(this.#pass)
      return
    }
    this.#scheduled = false
    this.#flush()
  }
}
