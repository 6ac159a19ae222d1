import type { LogIndex } from '../../core/types.js'

/** Where a batch lies in its segment. */
export interface BatchPlace {
  readonly firstIndex: LogIndex
  readonly offset: number
  readonly length: number
}

/** The batches of one segment that are part of the log, in order: 16 bytes of memory each. */
export class BatchIndex {
  #first = new Float64Array(64)
  /** Offset and length, in turn. */
  #places = new Uint32Array(128)
  #length = 0
  #lastIndex: LogIndex = 0

  get length(): number {
    return this.#length
  }

  get firstIndex(): LogIndex {
    return this.#first[0] ?? 0
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex
  }

  push(place: BatchPlace, lastIndex: LogIndex): void {
    if (this.#length === this.#first.length) this.#grow()
    this.#first[this.#length] = place.firstIndex
    this.#places[2 * this.#length] = place.offset
    this.#places[2 * this.#length + 1] = place.length
    this.#length++
    this.#lastIndex = lastIndex
  }

  /** Forgets the batches that begin at or above `fromIndex`. */
  truncate(fromIndex: LogIndex): void {
    while (this.#length > 0 && (this.#first[this.#length - 1] ?? 0) >= fromIndex) this.#length--
    this.#lastIndex = Math.min(this.#lastIndex, fromIndex - 1)
  }

  at(position: number): BatchPlace {
    return {
      firstIndex: this.#first[position] ?? 0,
      offset: this.#places[2 * position] ?? 0,
      length: this.#places[2 * position + 1] ?? 0,
    }
  }

  /** Position of the batch that holds `index`, if one does: the last that begins at or below it. */
  position(index: LogIndex): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#first[middle] ?? 0) <= index) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #grow(): void {
    const first = new Float64Array(2 * this.#first.length)
    first.set(this.#first)
    this.#first = first
    const places = new Uint32Array(2 * this.#places.length)
    places.set(this.#places)
    this.#places = places
  }
}
