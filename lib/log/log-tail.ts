import { assert } from '../core/assert.js'
import type { LogIndex } from '../core/types.js'
import type { BatchRef } from './batch-ref.js'
import { Ring } from './ring.js'
import { PIN_CONSENSUS, unpin } from './slab.js'

/**
 * The newest batches of the log, by index, in memory: where followers and the state machine are fed
 * from without touching the store. Only the consensus actor has one (S7). It holds a PIN_CONSENSUS pin
 * of each batch, taken by whoever made the batch, and gives it back when it lets the batch go.
 *
 * Batches are never rewritten: truncation moves the logical end, and new entries lie elsewhere.
 */
export class LogTail {
  readonly #maxBytes: number
  readonly #batches = new Ring<BatchRef>()
  #bytes = 0
  /** Index that the next batch must start at; null until the first one. */
  #next: LogIndex | null = null

  /** `maxBytes`: what `evict` reduces the tail to, as far as its floor lets it (S7: tailMaxBytes). */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get batches(): number {
    return this.#batches.length
  }

  /** First index held, or null when nothing is. */
  get firstIndex(): LogIndex | null {
    return this.#batches.first()?.firstIndex ?? null
  }

  get lastIndex(): LogIndex | null {
    const last = this.#batches.last()
    return last === undefined ? null : lastIndexOf(last)
  }

  /** Takes over the PIN_CONSENSUS pin of a sealed batch that continues the log. */
  append(ref: BatchRef): void {
    const expected = this.#next ?? ref.firstIndex
    // S6: the first batch after a snapshot may begin below it, as long as it ends above.
    const straddles = this.#batches.length === 0 && ref.firstIndex < expected
    assert(
      (ref.firstIndex === expected || straddles) && lastIndexOf(ref) >= expected,
      'a batch does not continue the tail',
      { expected, found: ref.firstIndex, count: ref.count },
    )
    this.#batches.push(ref)
    this.#bytes += ref.length
    this.#next = ref.firstIndex + ref.count
  }

  /** Drops `fromIndex` and all after it; it is the first index of a batch (S6). */
  truncate(fromIndex: LogIndex): void {
    for (let last = this.#batches.last(); last !== undefined; last = this.#batches.last()) {
      if (lastIndexOf(last) < fromIndex) break
      assert(last.firstIndex >= fromIndex, 'a truncation cuts a batch in two', {
        fromIndex,
        firstIndex: last.firstIndex,
        count: last.count,
      })
      this.#batches.pop()
      this.#letGo(last)
    }
    if (this.#next !== null) this.#next = Math.min(this.#next, fromIndex)
  }

  /** Empties the tail; the log goes on behind `index` (S13). */
  reset(index: LogIndex): void {
    for (let ref = this.#batches.pop(); ref !== undefined; ref = this.#batches.pop()) {
      this.#letGo(ref)
    }
    this.#next = index + 1
  }

  /** Drops every batch that ends at or below `throughIndex`. */
  release(throughIndex: LogIndex): void {
    for (let ref = this.#batches.first(); ref !== undefined; ref = this.#batches.first()) {
      if (lastIndexOf(ref) > throughIndex) return
      this.#batches.shift()
      this.#letGo(ref)
    }
  }

  /**
   * Drops the oldest batches while the tail is over its bound, but none that reaches past `floor`: the
   * smaller of what is flushed and what is applied here. Slow followers then read from the store.
   */
  evict(floor: LogIndex): void {
    while (this.#bytes > this.#maxBytes) {
      const ref = this.#batches.first()
      if (ref === undefined || lastIndexOf(ref) > floor) return
      this.#batches.shift()
      this.#letGo(ref)
    }
  }

  /** The batch that holds `index`, or null. */
  find(index: LogIndex): BatchRef | null {
    const position = this.#position(index)
    return position < 0 ? null : this.#batches.at(position)
  }

  /**
   * Whole batches from the one that holds `from`, until one holds `to` or `maxBytes` is reached (at
   * least one). Null when `from` is not held any more; empty when it is not there yet.
   */
  range(from: LogIndex, to: LogIndex, maxBytes = Number.POSITIVE_INFINITY): BatchRef[] | null {
    if (this.#next !== null && from >= this.#next) return []
    let position = this.#position(from)
    if (position < 0) return null
    const refs: BatchRef[] = []
    let bytes = 0
    for (; position < this.#batches.length; position++) {
      const ref = this.#batches.at(position)
      bytes += ref.length
      if (ref.firstIndex > to || (bytes > maxBytes && refs.length > 0)) break
      refs.push(ref)
    }
    return refs
  }

  /** The pieces of memory that hold the tail's pinned batches. */
  slabs(): ReadonlySet<SharedArrayBuffer> {
    const slabs = new Set<SharedArrayBuffer>()
    for (let position = 0; position < this.#batches.length; position++) {
      const ref = this.#batches.at(position)
      if (ref.pinned) slabs.add(ref.memory)
    }
    return slabs
  }

  /** Position of the batch that holds `index`, or -1. */
  #position(index: LogIndex): number {
    const position = this.#batches.partition((ref) => ref.firstIndex <= index) - 1
    return position >= 0 && index <= lastIndexOf(this.#batches.at(position)) ? position : -1
  }

  #letGo(ref: BatchRef): void {
    this.#bytes -= ref.length
    unpin(ref, PIN_CONSENSUS)
  }
}

function lastIndexOf(ref: BatchRef): LogIndex {
  return ref.firstIndex + ref.count - 1
}
