import type { DecodedEntry } from '../../lib/log/batch.js'

/**
 * Entries gathered for one applyBatch, bounded in number and in bytes (S18). An entry larger than the
 * bound is a run of its own.
 */
export class EntryRun {
  readonly #maxEntries: number
  readonly #maxBytes: number
  #entries: DecodedEntry[] = []
  #bytes = 0

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  /** Takes the entry. Returns the run that it found no room in, or null. */
  add(entry: DecodedEntry): readonly DecodedEntry[] | null {
    const bytes = entry.data.length
    const full =
      this.#entries.length >= this.#maxEntries ||
      (this.#entries.length > 0 && this.#bytes + bytes > this.#maxBytes)
    const run = full ? this.take() : null
    this.#entries.push(entry)
    this.#bytes += bytes
    return run
  }

  /** What has been gathered. */
  take(): readonly DecodedEntry[] {
    const run = this.#entries
    this.#entries = []
    this.#bytes = 0
    return run
  }
}
