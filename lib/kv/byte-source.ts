/** A backup that is damaged, cut short, or none at all. */
export class BackupError extends Error {
  override readonly name = 'BackupError'

  constructor(what: string) {
    super(`the backup cannot be used: ${what}`)
  }
}

/** Bytes as they come, taken in the lengths that a format asks for. Holds no more than one such length. */
export class ByteSource {
  readonly #bytes: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes[Symbol.asyncIterator]()
  }

  /** Exactly so many. @throws BackupError when they end before; `what` they would have been. */
  async take(length: number, what: string): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let missing = length; missing > 0; ) {
      if (this.#rest.length === 0 && !(await this.#fill())) {
        throw new BackupError(`it is cut short in ${what}`)
      }
      const part = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(part.length)
      parts.push(part)
      missing -= part.length
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
  }

  async ended(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#fill())
  }

  /** Takes and drops what comes, up to about so many bytes. */
  async drain(maxBytes: number): Promise<void> {
    for (let dropped = 0; dropped < maxBytes; dropped += this.#rest.length) {
      if (!(await this.#fill())) return
    }
  }

  /** False at the end. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const next = await this.#bytes.next()
      if (next.done === true) return false
      const { buffer, byteOffset, byteLength } = next.value
      if (byteLength === 0) continue
      this.#rest = Buffer.from(buffer, byteOffset, byteLength)
      return true
    }
  }
}
