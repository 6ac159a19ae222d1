import { deserialize, serialize } from 'node:v8'

/**
 * Results as bytes, the same bytes on every replica: V8's own serializer writes equal values
 * differently (a whole number as an integer or a double, a string in one or two bytes a character)
 * depending on how they came about, and what fits into a session's memory must not depend on that.
 * What is neither JSON nor bytes is left to V8.
 *
 * A value is a tag and what belongs to it; lengths are u32, numbers little-endian.
 */
const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  number: 4,
  bigint: 5,
  text: 6,
  /** Text with lone surrogates, which UTF-8 cannot hold. */
  utf16: 7,
  bytes: 8,
  list: 9,
  object: 10,
  v8: 11,
} as const

/** Deeper values go to V8, which also knows rings. */
const MAX_DEPTH = 32

class TooLong extends Error {}

/** Null: the value takes more than `maxBytes`, or is no data (a function, a promise). */
export function encodeResult(value: unknown, maxBytes: number): Uint8Array | null {
  try {
    const out = new Output(maxBytes)
    write(out, value, 0)
    return out.finish()
  } catch {
    // Serializing runs code of the value's own: whatever it throws, the value is not cached.
    return null
  }
}

/** @throws RangeError for anything but what `encodeResult` made */
export function decodeResult(bytes: Uint8Array): unknown {
  return read(new Input(bytes))
}

function write(out: Output, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'undefined':
      return out.tag(TAG.undefined)
    case 'boolean':
      return out.tag(value ? TAG.true : TAG.false)
    case 'number':
      out.tag(TAG.number)
      return out.f64(value)
    case 'bigint':
      out.tag(TAG.bigint)
      return out.run(Buffer.from(value.toString(16), 'latin1'))
    case 'string':
      return writeText(out, value)
    default:
      if (value === null) return out.tag(TAG.null)
      return writeObject(out, value as object, depth)
  }
}

function writeText(out: Output, text: string): void {
  const utf8 = Buffer.from(text, 'utf8')
  const exact = utf8.length === text.length || utf8.toString('utf8') === text
  out.tag(exact ? TAG.text : TAG.utf16)
  out.run(exact ? utf8 : Buffer.from(text, 'utf16le'))
}

function writeObject(out: Output, value: object, depth: number): void {
  if (value instanceof Uint8Array) {
    out.tag(TAG.bytes)
    return out.run(value)
  }
  if (depth < MAX_DEPTH && Array.isArray(value) && isDense(value)) {
    out.tag(TAG.list)
    out.u32(value.length)
    for (const item of value) write(out, item, depth + 1)
    return
  }
  if (depth < MAX_DEPTH && isPlain(value)) {
    const entries = Object.entries(value)
    out.tag(TAG.object)
    out.u32(entries.length)
    for (const [key, item] of entries) {
      writeText(out, key)
      write(out, item, depth + 1)
    }
    return
  }
  out.tag(TAG.v8)
  out.run(serialize(value))
}

/** Only what is in the list, by number and without holes. */
function isDense(list: readonly unknown[]): boolean {
  return Object.keys(list).length === list.length
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function read(input: Input): unknown {
  const tag = input.u8()
  switch (tag) {
    case TAG.undefined:
      return undefined
    case TAG.null:
      return null
    case TAG.false:
      return false
    case TAG.true:
      return true
    case TAG.number:
      return input.f64()
    case TAG.bigint:
      return readBigInt(input.run().toString('latin1'))
    case TAG.text:
      return input.run().toString('utf8')
    case TAG.utf16:
      return input.run().toString('utf16le')
    case TAG.bytes:
      return new Uint8Array(input.run())
    case TAG.list:
      return Array.from({ length: input.count() }, () => read(input))
    case TAG.object:
      return readObject(input)
    case TAG.v8:
      return deserialize(input.run())
    default:
      throw new RangeError(`a kept result has a value of unknown kind ${tag}`)
  }
}

function readBigInt(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

function readObject(input: Input): object {
  const entries: [string, unknown][] = []
  for (let left = input.count(); left > 0; left--) {
    entries.push([read(input) as string, read(input)])
  }
  // fromEntries defines: a key named __proto__ is a key like any other.
  return Object.fromEntries(entries)
}

class Output {
  readonly #maxBytes: number
  #bytes: Buffer = Buffer.allocUnsafe(64)
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  tag(tag: number): void {
    this.#room(1)
    this.#length = this.#bytes.writeUInt8(tag, this.#length)
  }

  u32(value: number): void {
    this.#room(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }

  f64(value: number): void {
    this.#room(8)
    // One NaN for all: its other bits would differ from machine to machine.
    this.#length = this.#bytes.writeDoubleLE(Number.isNaN(value) ? Number.NaN : value, this.#length)
  }

  run(bytes: Uint8Array): void {
    this.u32(bytes.length)
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** A copy of the right size, in memory of its own: it may be kept for long. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }

  #room(count: number): void {
    const needed = this.#length + count
    if (needed > this.#maxBytes) throw new TooLong()
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** Every read is checked against the end by Buffer itself, or here. */
class Input {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#advance(8))
  }

  run(): Buffer {
    const length = this.#bytes.readUInt32LE(this.#advance(4))
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** A number of values, each at least a byte. */
  count(): number {
    const count = this.#bytes.readUInt32LE(this.#advance(4))
    if (count > this.#bytes.length - this.#at) throw new RangeError('a kept result is cut off')
    return count
  }

  #advance(count: number): number {
    const at = this.#at
    if (at + count > this.#bytes.length) throw new RangeError('a kept result is cut off')
    this.#at = at + count
    return at
  }
}
