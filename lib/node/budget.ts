/** What is pending on a node, against its bounds (S18). */
export class Budget {
  entries = 0
  bytes = 0
  readonly #maxEntries: number
  readonly #maxBytes: number

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  take(entries: number, bytes: number): boolean {
    if (this.entries + entries > this.#maxEntries || this.bytes + bytes > this.#maxBytes) {
      return false
    }
    this.entries += entries
    this.bytes += bytes
    return true
  }

  give(entries: number, bytes: number): void {
    this.entries -= entries
    this.bytes -= bytes
  }

  /** For the message of a refusal. */
  numbers(): Readonly<Record<string, number>> {
    return {
      pendingEntries: this.entries,
      maxPendingEntries: this.#maxEntries,
      pendingBytes: this.bytes,
      maxPendingBytes: this.#maxBytes,
    }
  }
}
