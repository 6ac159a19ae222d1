import { crc32 } from 'node:zlib'
import { readU64, viewOf, writeU64 } from '../batch-layout.js'

/**
 * The file of small values has two slots of two copies each; all four are equally long, a multiple of
 * PAGE_BYTES. A copy: magic u32, format u16, place u16 (which of the four), version u64, frames u64,
 * length u32, crc u32 (over the 28 bytes before it and the payload), payload. The payload is every
 * value: keyLength u16, valueLength u32, key, value.
 */
export interface Values {
  /** Counted up by each write. */
  readonly version: number
  /** Number of the last frame that was flushed when this was written (frame.ts). */
  readonly frames: number
  readonly entries: ReadonlyMap<string, Uint8Array>
}

/** Of copies: slot 0 has the first two, slot 1 the others. */
export const COPIES = 4

const HEADER_BYTES = 32
const MAGIC = 0x56505254 // "TRPV"
const FORMAT = 1
const CRC_AT = HEADER_BYTES - 4

/** One copy for each of the two places. */
export function encodeValues(values: Values, places: readonly number[]): readonly Uint8Array[] {
  const encoder = new TextEncoder()
  const pieces = [...values.entries].map(([key, value]) => ({ key: encoder.encode(key), value }))
  const length = pieces.reduce((sum, { key, value }) => sum + 6 + key.length + value.length, 0)
  const payload = new Uint8Array(length)
  const view = viewOf(payload)
  let at = 0
  for (const { key, value } of pieces) {
    view.setUint16(at, key.length, true)
    view.setUint32(at + 2, value.length, true)
    payload.set(key, at + 6)
    payload.set(value, at + 6 + key.length)
    at += 6 + key.length + value.length
  }
  return places.map((place) => encodeCopy(values, place, payload))
}

/** Null unless the bytes begin with a copy that was written to this place and is as it was written. */
export function decodeValues(bytes: Uint8Array, place: number): Values | null {
  if (bytes.byteLength < HEADER_BYTES) return null
  const view = viewOf(bytes)
  const length = view.getUint32(24, true)
  if (view.getUint32(0, true) !== MAGIC || HEADER_BYTES + length > bytes.byteLength) return null
  const payload = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length)
  if (view.getUint32(CRC_AT, true) !== checksum(bytes, payload)) return null
  if (view.getUint16(4, true) !== FORMAT || view.getUint16(6, true) !== place) return null
  return { version: readU64(view, 8), frames: readU64(view, 16), entries: decodeEntries(payload) }
}

function encodeCopy(values: Values, place: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC, true)
  view.setUint16(4, FORMAT, true)
  view.setUint16(6, place, true)
  writeU64(view, 8, values.version)
  writeU64(view, 16, values.frames)
  view.setUint32(24, payload.length, true)
  bytes.set(payload, HEADER_BYTES)
  view.setUint32(CRC_AT, checksum(bytes, payload), true)
  return bytes
}

function checksum(copy: Uint8Array, payload: Uint8Array): number {
  const crc = crc32(copy.subarray(0, CRC_AT))
  // zlib forgets its start value over memory that is not there, which an empty array may be.
  return payload.length === 0 ? crc : crc32(payload, crc)
}

function decodeEntries(payload: Uint8Array): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>()
  const view = viewOf(payload)
  for (let at = 0; at < payload.length; ) {
    const keyEnd = at + 6 + view.getUint16(at, true)
    const valueEnd = keyEnd + view.getUint32(at + 2, true)
    const key = new TextDecoder().decode(payload.subarray(at + 6, keyEnd))
    entries.set(key, payload.slice(keyEnd, valueEnd))
    at = valueEnd
  }
  return entries
}
