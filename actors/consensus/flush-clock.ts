/** S11: since when the oldest append that the log actor has not flushed is waiting. */
export class FlushClock {
  #issued: { readonly seq: number; readonly at: number }[] = []

  issued(seq: number, now: number): void {
    this.#issued.push({ seq, at: now })
  }

  flushed(seq: number): void {
    let count = 0
    while ((this.#issued[count]?.seq ?? Number.POSITIVE_INFINITY) <= seq) count++
    if (count > 0) this.#issued = this.#issued.slice(count)
  }

  clear(): void {
    this.#issued = []
  }

  /** Monotonic ms, or 0 when nothing waits. */
  get oldestAt(): number {
    return this.#issued[0]?.at ?? 0
  }
}
