import type { LogIndex, Term } from '../core/types.js'
import { BatchError } from './batch-error.js'
import { type BatchHeader, readHeader, verifyBatch } from './batch-layout.js'
import { StoreCorruptError, type StoredLog } from './store.js'

/**
 * Judges what a store finds at start, batch by batch (S15). Anything damaged is an error that names
 * the index, with one exception: a last batch with a good header and a bad body may be a write that a
 * crash tore, so it is left out of the log; as it may also be acknowledged and damaged later, it stays
 * a floor for votes.
 */
export class RecoveryScan {
  #base: LogIndex
  #prevTerm: Term
  #empty = true
  #lastIndex: LogIndex
  #lastTerm: Term
  #torn: { readonly header: BatchHeader; readonly error: StoreCorruptError } | null = null

  /** The log begins behind (index, term). */
  constructor(base: { readonly index: LogIndex; readonly term: Term }) {
    this.#base = base.index
    this.#prevTerm = base.term
    this.#lastIndex = base.index
    this.#lastTerm = base.term
  }

  /** The next batch in the store's order, stored under `firstIndex`. @throws StoreCorruptError */
  accept(firstIndex: LogIndex, bytes: Uint8Array): void {
    // A batch behind a damaged one shows that the damage is no torn tail.
    if (this.#torn !== null) throw this.#torn.error
    const header = inspect(firstIndex, () => readHeader(bytes))
    this.#checkPlace(firstIndex, header)
    try {
      verifyBatch(bytes)
    } catch (error) {
      if (!(error instanceof BatchError)) throw error
      this.#torn = { header, error: damagedLog(firstIndex, error.message) }
      return
    }
    this.#begin(header)
    this.#lastIndex = header.lastIndex
    this.#lastTerm = header.term
  }

  finish(): StoredLog {
    const log = {
      firstIndex: this.#base + 1,
      lastIndex: this.#lastIndex,
      prevTerm: this.#prevTerm,
      lastTerm: this.#lastTerm,
    }
    if (this.#torn === null) return log
    const { lastIndex, term } = this.#torn.header
    return { ...log, voteFloor: { index: lastIndex, term } }
  }

  #checkPlace(firstIndex: LogIndex, header: BatchHeader): void {
    const expected = this.#lastIndex + 1
    // S6: the first batch after a snapshot may begin below it, as long as it ends above.
    const straddles = this.#empty && header.firstIndex < expected && header.lastIndex >= expected
    if (firstIndex !== header.firstIndex || (firstIndex !== expected && !straddles)) {
      throw damagedLog(
        expected,
        `expected a batch at index ${expected}, found one of index ${header.firstIndex} at ${firstIndex}`,
      )
    }
    if (!straddles && header.prevTerm !== this.#lastTerm) {
      throw damagedLog(
        expected,
        `the batch at index ${expected} follows term ${header.prevTerm}, but the log has term ${this.#lastTerm} before it`,
      )
    }
  }

  #begin(header: BatchHeader): void {
    if (!this.#empty) return
    this.#empty = false
    this.#base = header.firstIndex - 1
    this.#prevTerm = header.prevTerm
  }
}

function inspect<T>(index: LogIndex, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof BatchError) throw damagedLog(index, error.message)
    throw error
  }
}

/** The error that names where a log is damaged, and what to do. */
export function damagedLog(index: LogIndex, what: string): StoreCorruptError {
  return new StoreCorruptError(
    `the log is damaged at index ${index}: ${what}. Move the data directory away and add this node again as a new member.`,
    index,
  )
}
