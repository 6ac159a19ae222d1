import { deserialize, serialize } from 'node:v8'
import { PackedReader, PackedWriter } from './packed-bytes.js'

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

/** Null: the value takes more than `maxBytes`, or is no data (a function, a promise). */
export function encodeResult(value: unknown, maxBytes: number): Uint8Array | null {
  try {
    const out = new PackedWriter(maxBytes)
    write(out, value, 0)
    // A copy of the right size, in memory of its own: it may be kept for long.
    return new Uint8Array(out.written)
  } catch {
    // Serializing runs code of the value's own: whatever it throws, the value is not cached.
    return null
  }
}

/** @throws RangeError for anything but what `encodeResult` made */
export function decodeResult(bytes: Uint8Array): unknown {
  return read(new PackedReader(bytes))
}

function write(out: PackedWriter, value: unknown, depth: number): void {
  switch (typeof value) {
    case 'undefined':
      return out.u8(TAG.undefined)
    case 'boolean':
      return out.u8(value ? TAG.true : TAG.false)
    case 'number':
      out.u8(TAG.number)
      // One NaN for all: its other bits would differ from machine to machine.
      return out.f64(Number.isNaN(value) ? Number.NaN : value)
    case 'bigint':
      out.u8(TAG.bigint)
      return out.run(Buffer.from(value.toString(16), 'latin1'))
    case 'string':
      return writeText(out, value)
    default:
      if (value === null) return out.u8(TAG.null)
      return writeObject(out, value as object, depth)
  }
}

function writeText(out: PackedWriter, text: string): void {
  const utf8 = Buffer.from(text, 'utf8')
  const exact = utf8.length === text.length || utf8.toString('utf8') === text
  out.u8(exact ? TAG.text : TAG.utf16)
  out.run(exact ? utf8 : Buffer.from(text, 'utf16le'))
}

function writeObject(out: PackedWriter, value: object, depth: number): void {
  if (value instanceof Uint8Array) {
    out.u8(TAG.bytes)
    return out.run(value)
  }
  if (depth < MAX_DEPTH && Array.isArray(value) && isDense(value)) {
    out.u8(TAG.list)
    out.u32(value.length)
    for (const item of value) write(out, item, depth + 1)
    return
  }
  if (depth < MAX_DEPTH && isPlain(value)) {
    const entries = Object.entries(value)
    out.u8(TAG.object)
    out.u32(entries.length)
    for (const [key, item] of entries) {
      writeText(out, key)
      write(out, item, depth + 1)
    }
    return
  }
  out.u8(TAG.v8)
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

function read(input: PackedReader): unknown {
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
      return readList(input)
    case TAG.object:
      return readObject(input)
    case TAG.v8:
      return readV8(input.run())
    default:
      throw new RangeError(`a kept result has a value of unknown kind ${tag}`)
  }
}

/** Grows as it is read: lists of lists that only say how long they are must not take memory for it. */
function readList(input: PackedReader): unknown[] {
  const list: unknown[] = []
  for (let left = input.count(); left > 0; left--) list.push(read(input))
  return list
}

function readV8(bytes: Uint8Array): unknown {
  try {
    return deserialize(bytes)
  } catch (error) {
    throw new RangeError('a kept result cannot be read', { cause: error })
  }
}

function readBigInt(hex: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(hex)) throw new RangeError('a kept result has a number without digits')
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`)
}

function readObject(input: PackedReader): object {
  const entries: [string, unknown][] = []
  for (let left = input.count(); left > 0; left--) {
    entries.push([read(input) as string, read(input)])
  }
  // fromEntries defines: a key named __proto__ is a key like any other.
  return Object.fromEntries(entries)
}
