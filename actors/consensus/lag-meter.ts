import type { LogIndex } from '../../lib/core/types.js'
import { Ring } from '../../lib/log/ring.js'

/** Neighbours are counted together up to this size, so that a long lag needs few records. */
const RECORD_BYTES = 64 * 1024

interface Record {
  lastIndex: LogIndex
  bytes: number
}

/** S18: bytes of the log that the state machine has not applied, of what was appended since the start. */
export class LagMeter {
  readonly #records = new Ring<Record>()
  #bytes = 0
  #appendedBytes = 0

  /** All that was appended since the start, whatever became of it. */
  get appendedBytes(): number {
    return this.#appendedBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  appended(lastIndex: LogIndex, bytes: number): void {
    this.#bytes += bytes
    this.#appendedBytes += bytes
    const last = this.#records.last()
    if (last !== undefined && last.bytes < RECORD_BYTES) {
      last.lastIndex = lastIndex
      last.bytes += bytes
    } else this.#records.push({ lastIndex, bytes })
  }

  /** A record that the cut goes through goes with it: the meter may show a little too little. */
  truncated(fromIndex: LogIndex): void {
    for (let last = this.#records.last(); last !== undefined; last = this.#records.last()) {
      if (last.lastIndex < fromIndex) return
      this.#records.pop()
      this.#bytes -= last.bytes
    }
  }

  applied(index: LogIndex): void {
    for (let first = this.#records.first(); first !== undefined; first = this.#records.first()) {
      if (first.lastIndex > index) return
      this.#records.shift()
      this.#bytes -= first.bytes
    }
  }
}
