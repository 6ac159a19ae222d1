import { assert } from './assert.js'
import type { LogIndex } from './types.js'

type LogOperation =
  | { readonly kind: 'append'; readonly seq: number; readonly lastIndex: LogIndex }
  | { readonly kind: 'truncate'; readonly seq: number; readonly fromIndex: LogIndex }
  | { readonly kind: 'reset'; readonly seq: number; readonly index: LogIndex }
  | { readonly kind: 'compact'; readonly seq: number }

/**
 * S5: how much of the log is on disk. Operations are numbered and flushed in order; a flush
 * acknowledgement names a number, and the durable index is what that leaves, clipped to every
 * truncation issued after it, so that a late acknowledgement never covers rewritten entries.
 */
export class DurableLog {
  #seq = 0
  #stored: LogIndex
  #outstanding: LogOperation[] = []

  constructor(lastIndex: LogIndex) {
    this.#stored = lastIndex
  }

  get index(): LogIndex {
    let index = this.#stored
    for (const operation of this.#outstanding) {
      if (operation.kind === 'truncate') index = Math.min(index, operation.fromIndex - 1)
      else if (operation.kind === 'reset') index = Math.min(index, operation.index)
    }
    return index
  }

  appended(lastIndex: LogIndex): number {
    return this.#issue({ kind: 'append', seq: ++this.#seq, lastIndex })
  }

  truncated(fromIndex: LogIndex): number {
    return this.#issue({ kind: 'truncate', seq: ++this.#seq, fromIndex })
  }

  reset(index: LogIndex): number {
    return this.#issue({ kind: 'reset', seq: ++this.#seq, index })
  }

  compacted(): number {
    return this.#issue({ kind: 'compact', seq: ++this.#seq })
  }

  flushed(seq: number): void {
    assert(seq <= this.#seq, 'a flush acknowledges an operation that was issued', {
      seq,
      issued: this.#seq,
    })
    let count = 0
    for (const operation of this.#outstanding) {
      if (operation.seq > seq) break
      count++
      if (operation.kind === 'append') this.#stored = operation.lastIndex
      else if (operation.kind === 'truncate') {
        this.#stored = Math.min(this.#stored, operation.fromIndex - 1)
      } else if (operation.kind === 'reset') this.#stored = operation.index
    }
    if (count > 0) this.#outstanding = this.#outstanding.slice(count)
  }

  /**
   * S15: `seq` and everything after it came to nothing. Returns the index from which the store must be
   * written again and whether what it holds there and beyond must be dropped first.
   */
  refused(
    seq: number,
    storedLastIndex: LogIndex,
  ): { readonly fromIndex: LogIndex; readonly drop: boolean } {
    this.flushed(seq - 1)
    this.#stored = storedLastIndex
    let fromIndex = storedLastIndex + 1
    for (const operation of this.#outstanding) {
      if (operation.kind === 'truncate') fromIndex = Math.min(fromIndex, operation.fromIndex)
    }
    this.#outstanding = []
    const drop = fromIndex <= storedLastIndex
    if (drop) this.#stored = fromIndex - 1
    return { fromIndex, drop }
  }

  #issue(operation: LogOperation): number {
    this.#outstanding.push(operation)
    return operation.seq
  }
}
