import { TransportError } from './errors.js'

const HIGH = 2 ** 32

/**
 * Reads what ByteWriter wrote, from bytes that a stranger may have made: every read is checked and
 * whatever does not fit is a TransportError, never an exception of another kind.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** Names the message in errors. */
  readonly #what: string
  #position = 0

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  /** One byte whose bits above `mask` must be zero. */
  flags(mask: number): number {
    const value = this.u8()
    if ((value & ~mask) !== 0) throw this.malformed('flags that are not defined', { value, mask })
    return value
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  u64(): number {
    const at = this.#take(8)
    const value = this.#view.getUint32(at + 4, true) * HIGH + this.#view.getUint32(at, true)
    if (!Number.isSafeInteger(value)) throw this.malformed('a number above 2^53 - 1', { value })
    return value
  }

  /** Milliseconds; not negative. */
  f64(): number {
    const value = this.#view.getFloat64(this.#take(8), true)
    if (!Number.isFinite(value) || value < 0) throw this.malformed('a time out of range', { value })
    return value
  }

  string(): string {
    const length = this.#view.getUint16(this.#take(2), true)
    const at = this.#take(length)
    try {
      // Made anew each time: a decoder that has thrown may keep a partial sequence.
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        this.#bytes.subarray(at, at + length),
      )
    } catch {
      throw this.malformed('a string that is not UTF-8', { length })
    }
  }

  run(): Uint8Array {
    const length = this.u32()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  /** Nothing may be left over. */
  end(): void {
    if (this.remaining !== 0) throw this.malformed('bytes left over', { left: this.remaining })
  }

  malformed(found: string, details: Readonly<Record<string, unknown>>): TransportError {
    return new TransportError(
      'RAFT_MESSAGE_MALFORMED',
      `${this.#what}: found ${found} ${JSON.stringify(details)}; the sender is damaged or of another version`,
      { message: this.#what, ...details },
    )
  }

  #take(count: number): number {
    const at = this.#position
    if (count > this.#bytes.length - at) {
      throw this.malformed('too few bytes', { needed: count, left: this.#bytes.length - at })
    }
    this.#position = at + count
    return at
  }
}
