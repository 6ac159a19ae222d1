/** How many of the latest flushes the figures are about. */
const KEPT = 1024

/** Durations of the latest flushes, for whoever asks how the disk does. */
export class FlushTimes {
  readonly #times = new Float64Array(KEPT)
  #count = 0

  add(ms: number): void {
    this.#times[this.#count % KEPT] = ms
    this.#count++
  }

  /** Half of them took at most `p50Ms`, all but one in a hundred `p99Ms`; 0 while there are none. */
  figures(): { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number } {
    const sorted = this.#times.slice(0, Math.min(this.#count, KEPT)).sort()
    const at = (part: number) => sorted[Math.ceil(sorted.length * part) - 1] ?? 0
    return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
  }
}
