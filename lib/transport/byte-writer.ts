import { assert } from '../core/assert.js'

const HIGH = 2 ** 32
const encoder = new TextEncoder()

/** Builds a frame head. Numbers are little-endian; a string is its UTF-8 length (u16) and its bytes. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  #length = 0

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  u8(value: number): this {
    this.#room(1)
    this.#view.setUint8(this.#length, value)
    this.#length += 1
    return this
  }

  u32(value: number): this {
    assert(value >>> 0 === value, 'a 32-bit field holds a whole number below 2^32', { value })
    this.#room(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
    return this
  }

  /** A whole number up to 2^53 - 1 as u64: terms, indexes, counters. */
  u64(value: number): this {
    assert(
      Number.isSafeInteger(value) && value >= 0,
      'a 64-bit field holds a whole number up to 2^53 - 1',
      { value },
    )
    this.#room(8)
    this.#view.setUint32(this.#length, value % HIGH, true)
    this.#view.setUint32(this.#length + 4, Math.floor(value / HIGH), true)
    this.#length += 8
    return this
  }

  /** Milliseconds, which may have a fraction. */
  f64(value: number): this {
    assert(Number.isFinite(value), 'a time or duration is finite', { value })
    this.#room(8)
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
    return this
  }

  string(value: string): this {
    const bytes = encoder.encode(value)
    assert(bytes.length <= 0xffff, 'a string takes at most 65535 bytes', { bytes: bytes.length })
    this.#room(2 + bytes.length)
    this.#view.setUint16(this.#length, bytes.length, true)
    this.#bytes.set(bytes, this.#length + 2)
    this.#length += 2 + bytes.length
    return this
  }

  /** A run of bytes with its length (u32) in front. */
  run(value: Uint8Array): this {
    this.u32(value.length)
    this.#room(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
    return this
  }

  /** What was written; the writer is done. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}
