import { assert } from '../../../lib/core/assert.js'

const HIGH = 2 ** 32
const DIGEST_BYTES = 16

/** Writes numbers (little-endian) and runs of bytes one after the other, up to a length. */
export class PackedWriter {
  readonly #maxBytes: number
  #bytes: Buffer
  #length = 0

  constructor(maxBytes: number, capacity = 64) {
    this.#maxBytes = maxBytes
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  u8(value: number): void {
    this.#room(1)
    this.#length = this.#bytes.writeUInt8(value, this.#length)
  }

  u32(value: number): void {
    this.#room(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }

  /** A whole number up to 2^53-1. */
  u64(value: number): void {
    this.u32(value % HIGH)
    this.u32(Math.floor(value / HIGH))
  }

  f64(value: number): void {
    this.#room(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }

  /** 32 hexadecimal digits. */
  digest(hex: string): void {
    this.#room(DIGEST_BYTES)
    const written = this.#bytes.write(hex, this.#length, DIGEST_BYTES, 'hex')
    assert(written === DIGEST_BYTES, 'a digest is 32 hexadecimal digits', { hex })
    this.#length += written
  }

  /** Bytes with their length in front. */
  run(bytes: Uint8Array): void {
    this.u32(bytes.length)
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What was written, in memory that the writer may have more of. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #room(count: number): void {
    const needed = this.#length + count
    if (needed > this.#maxBytes) throw new RangeError(`more than ${this.#maxBytes} bytes`)
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.written)
    this.#bytes = larger
  }
}

/** Reads them back. @throws RangeError where the bytes end too early */
export class PackedReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4))
  }

  u64(): number {
    const at = this.#advance(8)
    return this.#bytes.readUInt32LE(at + 4) * HIGH + this.#bytes.readUInt32LE(at)
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#advance(8))
  }

  digest(): string {
    const at = this.#advance(DIGEST_BYTES)
    return this.#bytes.toString('hex', at, at + DIGEST_BYTES)
  }

  /** A view of the memory that is read. */
  run(): Buffer {
    const length = this.u32()
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** A number of things that take at least a byte each. */
  count(): number {
    const count = this.u32()
    if (count > this.remaining) throw cutOff()
    return count
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  #advance(count: number): number {
    const at = this.#at
    if (count > this.remaining) throw cutOff()
    this.#at = at + count
    return at
  }
}

function cutOff(): RangeError {
  return new RangeError('the bytes of sessions or results are cut off')
}
