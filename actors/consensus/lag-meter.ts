import type { LogIndex } from '../../lib/core/types.js'
import { Ring } from '../../lib/log/ring.js'

/** Neighbours are counted together up to this size, so that a long lag needs few records. */
const RECORD_BYTES = 64 * 1024

interface Record {
  lastIndex: LogIndex
  bytes: number
}

/**
 * S18: bytes that are committed and that the state machine has not applied, of what was appended since
 * the start. A record counts once all of it is committed, and until all of it is applied.
 */
export class LagMeter {
  readonly #uncommitted = new Ring<Record>()
  readonly #unapplied = new Ring<Record>()
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
    this.#appendedBytes += bytes
    const last = this.#uncommitted.last()
    if (last !== undefined && last.bytes < RECORD_BYTES) {
      last.lastIndex = lastIndex
      last.bytes += bytes
    } else this.#uncommitted.push({ lastIndex, bytes })
  }

  /** A record that the cut goes through goes with it: the meter may show a little too little. */
  truncated(fromIndex: LogIndex): void {
    drop(this.#uncommitted, fromIndex)
    // A snapshot that replaces the log takes committed entries with it (S13).
    this.#bytes -= drop(this.#unapplied, fromIndex)
  }

  committed(index: LogIndex): void {
    const ring = this.#uncommitted
    for (let first = ring.first(); first !== undefined; first = ring.first()) {
      if (first.lastIndex > index) return
      ring.shift()
      this.#unapplied.push(first)
      this.#bytes += first.bytes
    }
  }

  applied(index: LogIndex): void {
    const ring = this.#unapplied
    for (let first = ring.first(); first !== undefined; first = ring.first()) {
      if (first.lastIndex > index) return
      ring.shift()
      this.#bytes -= first.bytes
    }
  }
}

/** Takes away what ends at or above `fromIndex`; returns its bytes. */
function drop(ring: Ring<Record>, fromIndex: LogIndex): number {
  let bytes = 0
  for (let last = ring.last(); last !== undefined; last = ring.last()) {
    if (last.lastIndex < fromIndex) break
    ring.pop()
    bytes += last.bytes
  }
  return bytes
}
