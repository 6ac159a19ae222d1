import { assert } from '../core/assert.js'
import type { LogIndex, Term } from '../core/types.js'
import type { StoredBatch } from './store.js'

/** A place in the log: the entry at `index` has this term. */
export interface LogPoint {
  readonly index: LogIndex
  readonly term: Term
}

/** How the staged operations look up a batch that is already on disk. */
export interface SavedBatches {
  /** First index, term and previous term of the batch that holds `index`. */
  holding(index: LogIndex): {
    readonly firstIndex: LogIndex
    readonly term: Term
    readonly prevTerm: Term
  }
}

/**
 * What the log will be once everything staged is flushed: a part of what is on disk, then the batches
 * to add. Operations are judged here, at once; the disk learns only the outcome.
 */
export class StagedLog {
  readonly #saved: SavedBatches
  /** The entry before the first one. */
  #base: LogPoint
  /** The last entry on disk that stays. */
  #kept: LogPoint
  #added: StoredBatch[] = []
  #cleared = false

  constructor(saved: SavedBatches, base: LogPoint, last: LogPoint) {
    this.#saved = saved
    this.#base = base
    this.#kept = last
  }

  get base(): LogPoint {
    return this.#base
  }

  /** Everything on disk behind this goes. */
  get kept(): LogPoint {
    return this.#kept
  }

  /** Everything on disk goes. */
  get cleared(): boolean {
    return this.#cleared
  }

  get added(): readonly StoredBatch[] {
    return this.#added
  }

  get last(): LogPoint {
    const last = this.#added.at(-1)
    if (last !== undefined) return { index: last.lastIndex, term: last.term }
    return this.#kept.index > this.#base.index ? this.#kept : this.#base
  }

  append(batch: StoredBatch, prevTerm: Term): void {
    const last = this.last.index
    // S6: the first batch after a snapshot may begin below it, as long as it ends above.
    const straddles = last === this.#base.index && batch.firstIndex <= last
    assert(
      (batch.firstIndex === last + 1 || straddles) && batch.lastIndex > last,
      'a batch does not continue the log',
      { expected: last + 1, found: batch.firstIndex, lastIndex: batch.lastIndex },
    )
    if (straddles) {
      // Nothing on disk is part of the log here, and what lies below may overlap the batch.
      this.#cleared = true
      this.#base = { index: batch.firstIndex - 1, term: prevTerm }
      this.#kept = this.#base
    }
    this.#added.push(batch)
  }

  truncate(fromIndex: LogIndex): void {
    for (let last = this.#added.at(-1); last !== undefined; last = this.#added.at(-1)) {
      if (last.lastIndex < fromIndex) return
      this.#assertBoundary(fromIndex, last.firstIndex)
      this.#added.pop()
    }
    if (fromIndex > this.#kept.index || this.#kept.index <= this.#base.index) return
    assert(fromIndex > this.#base.index, 'a truncation reaches below the log', {
      fromIndex,
      firstIndex: this.#base.index + 1,
    })
    const { firstIndex, prevTerm } = this.#saved.holding(fromIndex)
    assert(firstIndex === fromIndex, 'a truncation cuts a batch in two', { fromIndex, firstIndex })
    this.#kept = { index: fromIndex - 1, term: prevTerm }
  }

  compact(throughIndex: LogIndex): void {
    if (throughIndex < this.#kept.index) {
      if (throughIndex <= this.#base.index) return
      const next = this.#saved.holding(throughIndex + 1)
      this.#base = { index: next.firstIndex - 1, term: next.prevTerm }
      return
    }
    if (this.#kept.index > this.#base.index) this.#base = this.#kept
    let dropped = 0
    for (const batch of this.#added) {
      if (batch.lastIndex > throughIndex) break
      this.#base = { index: batch.lastIndex, term: batch.term }
      dropped++
    }
    this.#added = this.#added.slice(dropped)
  }

  reset(index: LogIndex, term: Term): void {
    this.#cleared = true
    this.#base = { index, term }
    this.#kept = this.#base
    this.#added = []
  }

  /**
   * Whole batches as the log will be, copied, until `maxBytes` is passed. `saved` reads those on disk from
   * `fromIndex` up to the index that it is given.
   */
  read(
    fromIndex: LogIndex,
    toIndex: LogIndex,
    maxBytes: number,
    saved: (toIndex: LogIndex) => StoredBatch[],
  ): StoredBatch[] {
    if (fromIndex <= this.#base.index) return []
    const found = this.#cleared ? [] : saved(Math.min(toIndex, this.#kept.index))
    let bytes = found.reduce((sum, batch) => sum + batch.bytes.byteLength, 0)
    for (const batch of this.#added) {
      if (batch.firstIndex > toIndex || bytes >= maxBytes) break
      if (batch.lastIndex < fromIndex) continue
      found.push({ ...batch, bytes: new Uint8Array(batch.bytes) })
      bytes += batch.bytes.byteLength
    }
    return found
  }

  #assertBoundary(fromIndex: LogIndex, firstIndex: LogIndex): void {
    assert(firstIndex >= fromIndex, 'a truncation cuts a batch in two', { fromIndex, firstIndex })
  }
}
