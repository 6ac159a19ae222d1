import { type LatencyFigures, round } from './statistics.js'

/** Up to here latencies are told apart to 1 µs, above it to 1 ms. */
const FINE_MS = 64
const STEPS_PER_MS = 1000
const MOST_MS = 65_536

/**
 * Latencies as counts, in half a megabyte however many there are: a list of them would soon be most of the
 * memory of the process that is measured, and copying it would show among them.
 */
export class Latencies {
  readonly #fine = new Uint32Array(FINE_MS * STEPS_PER_MS)
  readonly #coarse = new Uint32Array(MOST_MS)
  #count = 0

  get count(): number {
    return this.#count
  }

  record(ms: number): void {
    this.#count++
    if (ms < FINE_MS) increase(this.#fine, Math.floor(ms * STEPS_PER_MS))
    else increase(this.#coarse, Math.min(MOST_MS - 1, Math.floor(ms)))
  }

  figures(): LatencyFigures {
    const at = (q: number): number => round(this.#quantile(q), 3)
    return { p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999) }
  }

  /** Rounded down to what is told apart; NaN when there are none. */
  #quantile(q: number): number {
    let left = Math.floor(this.#count * q)
    for (const [counts, perMs] of [
      [this.#fine, STEPS_PER_MS],
      [this.#coarse, 1],
    ] as const) {
      for (let bucket = 0; bucket < counts.length; bucket++) {
        left -= counts[bucket] ?? 0
        if (left < 0) return bucket / perMs
      }
    }
    return Number.NaN
  }
}

function increase(counts: Uint32Array, bucket: number): void {
  counts[bucket] = (counts[bucket] ?? 0) + 1
}
