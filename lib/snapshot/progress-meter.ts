const INTERVAL_MS = 1000

/** Tells how far long work has come: at most once a second, and once when it is done. */
export class ProgressMeter {
  readonly #now: () => number
  readonly #tell: (done: number, total: number) => void
  #toldAt: number
  #finished = false

  /** `now` in ms. The first second is silent. */
  constructor(now: () => number, tell: (done: number, total: number) => void) {
    this.#now = now
    this.#tell = tell
    this.#toldAt = now()
  }

  report(done: number, total: number): void {
    const now = this.#now()
    if (this.#finished || now - this.#toldAt < INTERVAL_MS) return
    this.#toldAt = now
    this.#tell(done, total)
  }

  finish(total: number): void {
    if (this.#finished) return
    this.#finished = true
    this.#tell(total, total)
  }
}
