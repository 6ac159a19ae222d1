import type { ReplicatorCounts } from './figures.js'

/** How long the follower takes to answer: since when which request of the data connection is under way. */
export class AppendTimes {
  readonly #figures: ReplicatorCounts
  #sent: { readonly request: number; readonly at: number }[] = []

  constructor(figures: ReplicatorCounts) {
    this.#figures = figures
  }

  sent(request: number, now: number): void {
    this.#sent.push({ request, at: now })
  }

  /** S1: an answer is one to the earlier requests too. */
  answered(request: number, now: number): void {
    let count = 0
    while ((this.#sent[count]?.request ?? Number.POSITIVE_INFINITY) <= request) count++
    const latest = this.#sent[count - 1]
    if (latest === undefined) return
    this.#sent.splice(0, count)
    if (latest.request === request) this.#figures.record('appendMs', now - latest.at)
    this.#figures.set('inflightRequests', this.#sent.length)
  }

  /** What is under way gets no answer any more. */
  clear(): void {
    this.#sent = []
    this.#figures.set('inflightRequests', 0)
  }
}
