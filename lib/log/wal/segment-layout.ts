import { crc32 } from 'node:zlib'
import { readU64, viewOf, writeU64 } from '../batch-layout.js'

/**
 * A segment is a file of fixed size, filled before it is used:
 *
 *   0      header, 64 bytes: magic u32, version u16, zero u16, sequence u64, size u64, salt 16 bytes,
 *          20 bytes zero, crc u32
 *   4096   the same header once more
 *   8192   frames, one behind the other (frame.ts), then fill to the end
 *
 * Fill is the salt, repeated. The salt is random and the segment's own, so a sector of fill says for
 * certain "nothing was ever written here", which zeros could not say: zeros may be data, or damage.
 */

export const SECTOR_BYTES = 512
export const PAGE_BYTES = 4096
/** Where the first frame begins. */
export const FRAMES_AT = 2 * PAGE_BYTES
export const SALT_BYTES = 16

const HEADER_BYTES = 64
const MAGIC = 0x57505254 // "TRPW"
const VERSION = 1
/** A sector of fill may have suffered a little and still be recognized; a written one is never so close. */
const FILL_DAMAGE = 16

export interface SegmentHeader {
  readonly sequence: number
  /** Of the file, in bytes; a multiple of PAGE_BYTES. */
  readonly size: number
  readonly salt: Uint8Array
}

/** Sequence and first index, both 16 hexadecimal digits: names sort as the segments do. */
export function segmentName(sequence: number, firstIndex: number): string {
  return `${hex(sequence)}-${hex(firstIndex)}.wal`
}

/** Null for a name that is not one of a segment: such files are left alone. */
export function parseSegmentName(
  name: string,
): { readonly sequence: number; readonly firstIndex: number } | null {
  const found = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(name)
  if (found === null) return null
  const sequence = Number.parseInt(found[1] ?? '', 16)
  const firstIndex = Number.parseInt(found[2] ?? '', 16)
  return Number.isSafeInteger(sequence) && Number.isSafeInteger(firstIndex)
    ? { sequence, firstIndex }
    : null
}

/** The first FRAMES_AT bytes of a segment. */
export function encodeSegmentStart(header: SegmentHeader): Uint8Array {
  const bytes = fillOf(header.salt, FRAMES_AT)
  for (const at of [0, PAGE_BYTES]) {
    const copy = bytes.subarray(at, at + SECTOR_BYTES).fill(0)
    const view = viewOf(copy)
    view.setUint32(0, MAGIC, true)
    view.setUint16(4, VERSION, true)
    writeU64(view, 8, header.sequence)
    writeU64(view, 16, header.size)
    copy.set(header.salt, 24)
    view.setUint32(HEADER_BYTES - 4, crc32(copy.subarray(0, HEADER_BYTES - 4)), true)
  }
  return bytes
}

/** What the first FRAMES_AT bytes of a file say, by either copy; a reason when neither will do. */
export function decodeSegmentStart(bytes: Uint8Array): SegmentHeader | string {
  let reason = 'it is too short'
  for (const at of [0, PAGE_BYTES]) {
    const copy = bytes.subarray(at, at + HEADER_BYTES)
    if (copy.byteLength < HEADER_BYTES) continue
    const view = viewOf(copy)
    if (
      view.getUint32(0, true) !== MAGIC ||
      view.getUint32(HEADER_BYTES - 4, true) !== crc32(copy.subarray(0, HEADER_BYTES - 4))
    ) {
      reason = 'both copies of its header are damaged'
      continue
    }
    const version = view.getUint16(4, true)
    if (version !== VERSION) return `it has version ${version}: a later release wrote it`
    const salt = copy.slice(24, 24 + SALT_BYTES)
    return { sequence: readU64(view, 8), size: readU64(view, 16), salt }
  }
  return reason
}

/** So many bytes of fill, a multiple of the salt's length, beginning at a sector. */
export function fillOf(salt: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, salt)
}

/** Whether nothing was ever written to the sector. `fill` is one sector of the segment's fill. */
export function isFill(sector: Uint8Array, fill: Uint8Array): boolean {
  if (Buffer.compare(sector, fill) === 0) return true
  let different = 0
  for (let at = 0; at < SECTOR_BYTES; at++) {
    if (sector[at] !== fill[at] && ++different > FILL_DAMAGE) return false
  }
  return true
}

function hex(value: number): string {
  return value.toString(16).padStart(16, '0')
}
