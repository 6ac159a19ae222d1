/** Cumulative counters of one actor, as its thread publishes them. */
export interface CellCounts {
  controlMessages: number
  dataMessages: number
  turns: number
  busyMs: number
}

const HEADER_BYTES = 8
const VALUES = 4

/**
 * The counters in shared memory, readable from other threads at any moment: a sequence-checked block
 * with one writer (S8). The sequence is odd while the writer is inside.
 */
export class StatsBlock {
  readonly #sequence: Int32Array
  readonly #values: Float64Array

  static readonly BYTES = HEADER_BYTES + VALUES * Float64Array.BYTES_PER_ELEMENT

  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#sequence = new Int32Array(memory, offset, 1)
    this.#values = new Float64Array(memory, offset + HEADER_BYTES, VALUES)
  }

  publish(counts: CellCounts): void {
    const values = this.#values
    Atomics.add(this.#sequence, 0, 1)
    values[0] = counts.controlMessages
    values[1] = counts.dataMessages
    values[2] = counts.turns
    values[3] = counts.busyMs
    Atomics.add(this.#sequence, 0, 1)
  }

  read(): CellCounts {
    for (let attempt = 0; ; attempt++) {
      const before = Atomics.load(this.#sequence, 0)
      const [controlMessages = 0, dataMessages = 0, turns = 0, busyMs = 0] = this.#values
      // A writer that died inside leaves the sequence odd for ever: then what is there must do.
      const settled = before % 2 === 0 && Atomics.load(this.#sequence, 0) === before
      if (settled || attempt > 1000) return { controlMessages, dataMessages, turns, busyMs }
    }
  }
}
