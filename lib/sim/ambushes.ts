/** What is to happen between two events, so many of them later. */
export class Ambushes {
  readonly #waiting: { readonly at: number; readonly act: () => void }[] = []

  /** Acts once `fired` events have happened. */
  add(fired: number, act: () => void): void {
    this.#waiting.push({ at: fired, act })
    this.#waiting.sort((a, b) => a.at - b.at)
  }

  /** So many events have happened. */
  spring(fired: number): void {
    while ((this.#waiting[0]?.at ?? Number.POSITIVE_INFINITY) <= fired) this.#waiting.shift()?.act()
  }
}
