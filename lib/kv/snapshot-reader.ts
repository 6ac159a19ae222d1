/** Cuts exact pieces out of a stream of chunks of any size. */
export class SnapshotReader {
  readonly #source: AsyncIterator<Uint8Array>
  #chunk: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** True when `length` bytes are here already, so that `cut` may take them. */
  has(length: number): boolean {
    return this.#chunk.length >= length
  }

  /** The next bytes, as a view that is valid until the next call. */
  cut(length: number): Buffer {
    const piece = this.#chunk.subarray(0, length)
    this.#chunk = this.#chunk.subarray(length)
    return piece
  }

  /** The next bytes, waiting for them. Throws when the stream ends before. */
  async take(length: number): Promise<Buffer> {
    if (this.has(length)) return this.cut(length)
    // Copied piece by piece: whoever feeds the stream may use a chunk's memory again for the next one.
    const whole = Buffer.allocUnsafe(length)
    let at = 0
    while (at + this.#chunk.length < length) {
      at += this.cut(this.#chunk.length).copy(whole, at)
      const { done, value } = await this.#source.next()
      if (done === true) throw new Error(`the snapshot ends ${length - at} bytes too early`)
      this.#chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
    this.cut(length - at).copy(whole, at)
    return whole
  }
}
