/** Buckets to each doubling: a quantile is right to within a tenth. */
const PER_OCTAVE = 4
const OCTAVES = 21
/** The last one takes whatever is above the others. */
const BUCKETS = PER_OCTAVE * OCTAVES + 2

const COUNT = 0
const SUM = 1
const MAX = 2
const FIRST_BUCKET = 3

/** How many numbers a histogram is made of. */
export const HISTOGRAM_VALUES = FIRST_BUCKET + BUCKETS

/** Upper edges, one a doubling, of what `HistogramCounts.cumulative` counts, as multiples of the lowest. */
export const HISTOGRAM_EDGES: readonly number[] = Array.from(
  { length: OCTAVES + 1 },
  (_, octave) => 2 ** octave,
)

/**
 * How often values of which size occurred: cumulative, in buckets that grow by a fixed factor, so to record
 * one costs a logarithm and four stores whatever is recorded. The numbers may lie in shared memory.
 */
export class Histogram {
  readonly #values: Float64Array<ArrayBufferLike>
  readonly #lowest: number

  /** `lowest`: everything up to it is one bucket; 2^21 times as much is told apart. */
  constructor(
    lowest: number,
    values: Float64Array<ArrayBufferLike> = new Float64Array(HISTOGRAM_VALUES),
  ) {
    this.#lowest = lowest
    this.#values = values
  }

  record(value: number): void {
    const values = this.#values
    values[COUNT] = (values[COUNT] ?? 0) + 1
    values[SUM] = (values[SUM] ?? 0) + value
    if (value > (values[MAX] ?? 0)) values[MAX] = value
    const at = FIRST_BUCKET + bucketOf(value / this.#lowest)
    values[at] = (values[at] ?? 0) + 1
  }

  counts(): HistogramCounts {
    return new HistogramCounts(this.#lowest, this.#values.slice())
  }
}

/** What a histogram held at one moment, or what came between two moments. */
export class HistogramCounts {
  /** The upper edge of the first bucket. */
  readonly lowest: number
  readonly #values: Float64Array

  constructor(lowest: number, values = new Float64Array(HISTOGRAM_VALUES)) {
    this.lowest = lowest
    this.#values = values
  }

  get count(): number {
    return this.#values[COUNT] ?? 0
  }

  get sum(): number {
    return this.#values[SUM] ?? 0
  }

  get max(): number {
    return this.#values[MAX] ?? 0
  }

  /** What was recorded since `before`. Its `max` is right to within a bucket. */
  since(before: HistogramCounts): HistogramCounts {
    const values = this.#values.map((value, at) => value - (before.#values[at] ?? 0))
    let last = BUCKETS - 1
    while (last >= 0 && (values[FIRST_BUCKET + last] ?? 0) <= 0) last--
    values[MAX] = last < 0 ? 0 : Math.min(this.max, upperEdge(last) * this.lowest)
    return new HistogramCounts(this.lowest, values)
  }

  /** The value that this part of all, 0 to 1, did not exceed; 0 while there are none. */
  quantile(part: number): number {
    const wanted = Math.max(1, Math.ceil(this.count * part))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const here = this.#values[FIRST_BUCKET + bucket] ?? 0
      if (here > 0 && seen + here >= wanted) return this.#within(bucket, (wanted - seen) / here)
      seen += here
    }
    return 0
  }

  /** How many were at most `lowest` times each of HISTOGRAM_EDGES. */
  cumulative(): readonly number[] {
    const counts: number[] = []
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS - 1; bucket++) {
      seen += this.#values[FIRST_BUCKET + bucket] ?? 0
      if (bucket % PER_OCTAVE === 0) counts.push(seen)
    }
    return counts
  }

  #within(bucket: number, part: number): number {
    const lower = bucket === 0 ? 0 : upperEdge(bucket - 1)
    const upper = Math.min(upperEdge(bucket) * this.lowest, this.max)
    return Math.max(lower * this.lowest, lower * this.lowest * (1 - part) + upper * part)
  }
}

function bucketOf(multiple: number): number {
  if (!(multiple > 1)) return 0
  // A value that is an edge belongs below it, whatever the logarithm's last bit says.
  return Math.min(BUCKETS - 1, Math.ceil(Math.log2(multiple) * PER_OCTAVE - 1e-9))
}

function upperEdge(bucket: number): number {
  return bucket === BUCKETS - 1 ? Number.POSITIVE_INFINITY : 2 ** (bucket / PER_OCTAVE)
}
