import { assert } from '../core/assert.js'
import type { LogIndex, Term } from '../core/types.js'
import { Ring } from './ring.js'
import type { StoredBatch } from './store.js'

/** The log in memory as a run of batches behind a base: what every store's operations mean. */
export class BatchList {
  readonly #batches = new Ring<StoredBatch>()
  #base: { readonly index: LogIndex; readonly term: Term } = { index: 0, term: 0 }
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Index and term of the entry before the first one. */
  get base(): { readonly index: LogIndex; readonly term: Term } {
    return this.#base
  }

  get firstIndex(): LogIndex {
    return this.#base.index + 1
  }

  get lastIndex(): LogIndex {
    return this.#batches.last()?.lastIndex ?? this.#base.index
  }

  get lastTerm(): Term {
    return this.#batches.last()?.term ?? this.#base.term
  }

  append(batch: StoredBatch, prevTerm: Term): void {
    const expected = this.lastIndex + 1
    // S6: the first batch after a snapshot may begin below it, as long as it ends above.
    const straddles = this.#batches.length === 0 && batch.firstIndex < expected
    assert(
      (batch.firstIndex === expected || straddles) && batch.lastIndex >= expected,
      'a batch does not continue the log',
      { expected, found: batch.firstIndex, lastIndex: batch.lastIndex },
    )
    if (straddles) this.#base = { index: batch.firstIndex - 1, term: prevTerm }
    this.#batches.push(batch)
    this.#bytes += batch.bytes.byteLength
  }

  truncate(fromIndex: LogIndex): void {
    for (let last = this.#batches.last(); last !== undefined; last = this.#batches.last()) {
      if (last.lastIndex < fromIndex) return
      const { firstIndex, lastIndex } = last
      const details = { fromIndex, firstIndex, lastIndex }
      assert(firstIndex >= fromIndex, 'a truncation cuts a batch in two', details)
      this.#batches.pop()
      this.#bytes -= last.bytes.byteLength
    }
  }

  compact(throughIndex: LogIndex): void {
    for (let first = this.#batches.first(); first !== undefined; first = this.#batches.first()) {
      if (first.lastIndex > throughIndex) return
      this.#batches.shift()
      this.#bytes -= first.bytes.byteLength
      this.#base = { index: first.lastIndex, term: first.term }
    }
  }

  reset(index: LogIndex, term: Term): void {
    while (this.#batches.pop() !== undefined);
    this.#bytes = 0
    this.#base = { index, term }
  }

  /** Another list of the same batches. */
  clone(): BatchList {
    const copy = new BatchList()
    copy.#base = this.#base
    copy.#bytes = this.#bytes
    for (const batch of this) copy.#batches.push(batch)
    return copy
  }

  /** The batches themselves, oldest first. */
  *[Symbol.iterator](): Iterator<StoredBatch> {
    for (let position = 0; position < this.#batches.length; position++) {
      yield this.#batches.at(position)
    }
  }

  /** As Store.read, without copying. */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): StoredBatch[] {
    const found: StoredBatch[] = []
    let position = this.#batches.partition((batch) => batch.lastIndex < fromIndex)
    let bytes = 0
    for (; position < this.#batches.length && bytes < maxBytes; position++) {
      const batch = this.#batches.at(position)
      if (batch.firstIndex > toIndex) break
      if (found.length === 0 && batch.firstIndex > fromIndex) break
      found.push(batch)
      bytes += batch.bytes.byteLength
    }
    return found
  }

  /** Puts other bytes in the place of the batch that holds `index` (damage, for tests). */
  damage(index: LogIndex, change: (bytes: Uint8Array) => void): void {
    const batch = this.read(index, index, 1)[0]
    assert(batch !== undefined, 'no batch holds the index', { index })
    change(batch.bytes)
  }
}
