import { HISTOGRAM_VALUES, Histogram, HistogramCounts } from './histogram.js'

/** Which figures there are: plain numbers, and histograms with the smallest value that each tells apart. */
export interface FigureShape<Number extends string, Series extends string> {
  readonly numbers: readonly Number[]
  readonly histograms: Readonly<Record<Series, number>>
}

/** All figures at one moment. */
export interface Figures<Number extends string, Series extends string> {
  readonly numbers: Readonly<Record<Number, number>>
  readonly histograms: Readonly<Record<Series, HistogramCounts>>
}

const HEADER_BYTES = 8

/**
 * What an actor counts and measures, in memory that any thread reads at any moment without a message: a
 * sequence-checked block with one writer (S8). It outlives the actor, so its successor goes on counting.
 */
export class SharedFigures<Number extends string, Series extends string> {
  readonly #shape: FigureShape<Number, Series>
  readonly #sequence: Int32Array
  readonly #values: Float64Array
  readonly #places: Readonly<Record<string, number>>
  readonly #histograms: Readonly<Record<string, Histogram>>

  constructor(shape: FigureShape<Number, Series>, memory = SharedFigures.allocate(shape)) {
    this.#shape = shape
    this.#sequence = new Int32Array(memory, 0, 1)
    const values = new Float64Array(memory, HEADER_BYTES, valuesIn(shape))
    this.#values = values
    this.#places = Object.fromEntries(shape.numbers.map((name, place) => [name, place]))
    this.#histograms = Object.fromEntries(
      places(shape).map(([name, lowest, from]) => {
        const own = values.subarray(from, from + HISTOGRAM_VALUES)
        return [name, new Histogram(lowest, own)]
      }),
    )
  }

  static allocate(shape: FigureShape<string, string>): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + valuesIn(shape) * Float64Array.BYTES_PER_ELEMENT)
  }

  add(name: Number, delta = 1): void {
    const place = this.#places[name] as number
    const end = this.#begin()
    this.#values[place] = (this.#values[place] ?? 0) + delta
    Atomics.store(this.#sequence, 0, end)
  }

  set(name: Number, value: number): void {
    const place = this.#places[name] as number
    const end = this.#begin()
    this.#values[place] = value
    Atomics.store(this.#sequence, 0, end)
  }

  record(name: Series, value: number): void {
    const histogram = this.#histograms[name]
    const end = this.#begin()
    histogram?.record(value)
    Atomics.store(this.#sequence, 0, end)
  }

  read(): Figures<Number, Series> {
    const values = this.#copy()
    const { numbers } = this.#shape
    return {
      numbers: Object.fromEntries(numbers.map((name, place) => [name, values[place]])) as Record<
        Number,
        number
      >,
      histograms: Object.fromEntries(
        places(this.#shape).map(([name, lowest, from]) => {
          return [name, new HistogramCounts(lowest, values.slice(from, from + HISTOGRAM_VALUES))]
        }),
      ) as Record<Series, HistogramCounts>,
    }
  }

  /**
   * The sequence is odd while the writer is inside. Returns what it is afterwards: even also when a writer
   * before this one has died inside.
   */
  #begin(): number {
    const inside = Atomics.load(this.#sequence, 0) | 1
    Atomics.store(this.#sequence, 0, inside)
    return (inside + 1) | 0
  }

  #copy(): Float64Array {
    for (let attempt = 0; ; attempt++) {
      const before = Atomics.load(this.#sequence, 0)
      const values = this.#values.slice()
      const settled = (before & 1) === 0 && Atomics.load(this.#sequence, 0) === before
      // A writer that died inside leaves the sequence odd until it has a successor: what is there must do.
      if (settled || attempt > 1000) return values
    }
  }
}

function valuesIn({ numbers, histograms }: FigureShape<string, string>): number {
  return numbers.length + Object.keys(histograms).length * HISTOGRAM_VALUES
}

/** Name, lowest value and first place of each histogram. */
function places({ numbers, histograms }: FigureShape<string, string>) {
  return Object.entries(histograms).map(
    ([name, lowest], at) => [name, lowest, numbers.length + at * HISTOGRAM_VALUES] as const,
  )
}
