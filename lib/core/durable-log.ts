import { assert } from './assert.js'
import type { LogIndex } from './types.js'

type LogOperation =
  | { readonly kind: 'append'; readonly seq: number; readonly lastIndex: LogIndex }
  | { readonly kind: 'truncate'; readonly seq: number; readonly fromIndex: LogIndex }
  | { readonly kind: 'reset'; readonly seq: number; readonly index: LogIndex }
  | { readonly kind: 'compact'; readonly seq: number }

/** S15: what a store that refused writes must be told again. */
export interface Refused {
  /** From where it must be written again. */
  readonly fromIndex: LogIndex
  /** What it holds there and beyond is not of this log and must be dropped first. */
  readonly drop: boolean
  /** A reset came to nothing too: all that it holds is of another log. */
  readonly reset: boolean
}

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

  /** Operations issued and not yet known to be durable. */
  get outstanding(): number {
    return this.#outstanding.length
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
   * S15: `seq` and everything after it came to nothing, everything before it is durable. `earlier` is
   * what an earlier refusal left to be written again: only a reset issued since makes up for that.
   */
  refused(seq: number, storedLastIndex: LogIndex, earlier: Refused | null): Refused {
    this.flushed(seq - 1)
    let fromIndex = Math.min(storedLastIndex + 1, earlier?.fromIndex ?? Number.POSITIVE_INFINITY)
    let reset = earlier?.reset ?? false
    for (const operation of this.#outstanding) {
      if (operation.kind === 'truncate') fromIndex = Math.min(fromIndex, operation.fromIndex)
      else if (operation.kind === 'reset') {
        reset = true
        fromIndex = operation.index + 1
      }
    }
    this.#outstanding = []
    this.#stored = Math.min(storedLastIndex, fromIndex - 1)
    return { fromIndex, drop: fromIndex <= storedLastIndex, reset }
  }

  #issue(operation: LogOperation): number {
    this.#outstanding.push(operation)
    return operation.seq
  }
}
