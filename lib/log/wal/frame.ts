import { crc32 } from 'node:zlib'
import { BatchError } from '../batch-error.js'
import { readU64, viewOf, writeU64 } from '../batch-layout.js'
import type { LogPoint } from '../staged-log.js'
import { SECTOR_BYTES } from './segment-layout.js'

/**
 * A frame is what one flush writes: whole sectors, so that no flush ever touches a sector that holds
 * acknowledged data. It is a header, the batches as they are, padding, and the header once more:
 *
 *   mark 8 bytes (from the segment's salt), version u16, flags u16 (1: cleared), batches u32,
 *   sequence u64 (of the segment), number u64 (of the frame, counted through all segments),
 *   offset u32 (of the frame in the segment), length u32 (of the whole frame),
 *   base index u64, base term u64, kept index u64, kept term u64, last index u64, last term u64,
 *   valuesVersion u64, headersCrc u32 (over the headers of all batches), previous u32 (crc of the
 *   frame before), zero u32, crc u32 (over all before, and over the salt)
 *
 * The meaning: of the log so far keep what ends at `kept` (nothing when cleared), append the batches,
 * then drop what ends at or below `base`. So a truncation is a line in the log, not a change of it,
 * and nothing that was written is ever written again.
 */
export interface FrameHeader {
  readonly sequence: number
  readonly number: number
  readonly offset: number
  readonly length: number
  readonly batches: number
  readonly cleared: boolean
  readonly base: LogPoint
  readonly kept: LogPoint
  readonly last: LogPoint
  /** Of the small values (values-file.ts), when the frame was written. */
  readonly valuesVersion: number
  readonly headersCrc: number
  readonly previous: number
}

export const FRAME_HEADER_BYTES = 112

const VERSION = 1
const CLEARED = 1
const CRC_AT = FRAME_HEADER_BYTES - 4

/** What makes a frame one of this segment: nobody who does not read the file can imitate it. */
export interface FrameSeal {
  readonly mark: Uint8Array
  readonly seed: number
}

export function frameSeal(salt: Uint8Array): FrameSeal {
  return { mark: salt.slice(0, 8).map((byte) => byte ^ 0xff), seed: crc32(salt) }
}

/** Length of a frame with so many bytes of batches. */
export function frameLength(bodyBytes: number): number {
  const bytes = 2 * FRAME_HEADER_BYTES + bodyBytes
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES
}

/** The header's bytes; the last four are the crc that the next frame names as `previous`. */
export function encodeFrame(frame: FrameHeader, seal: FrameSeal): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  const view = viewOf(bytes)
  bytes.set(seal.mark)
  view.setUint16(8, VERSION, true)
  view.setUint16(10, frame.cleared ? CLEARED : 0, true)
  view.setUint32(12, frame.batches, true)
  writeU64(view, 16, frame.sequence)
  writeU64(view, 24, frame.number)
  view.setUint32(32, frame.offset, true)
  view.setUint32(36, frame.length, true)
  writePoint(view, 40, frame.base)
  writePoint(view, 56, frame.kept)
  writePoint(view, 72, frame.last)
  writeU64(view, 88, frame.valuesVersion)
  view.setUint32(96, frame.headersCrc, true)
  view.setUint32(100, frame.previous, true)
  view.setUint32(CRC_AT, crc32(bytes.subarray(0, CRC_AT), seal.seed), true)
  return bytes
}

export function frameCrc(header: Uint8Array): number {
  return viewOf(header).getUint32(CRC_AT, true)
}

export function hasMark(bytes: Uint8Array, at: number, { mark }: FrameSeal): boolean {
  for (let byte = 0; byte < mark.length; byte++) {
    if (bytes[at + byte] !== mark[byte]) return false
  }
  return true
}

/** Null unless the bytes are a header that was written with this seal and is as it was written. */
export function decodeFrame(
  bytes: Uint8Array,
  seal: FrameSeal,
): { readonly frame: FrameHeader; readonly crc: number } | null {
  if (bytes.byteLength < FRAME_HEADER_BYTES || !hasMark(bytes, 0, seal)) return null
  const header = bytes.subarray(0, FRAME_HEADER_BYTES)
  const crc = frameCrc(header)
  if (crc !== crc32(header.subarray(0, CRC_AT), seal.seed)) return null
  const view = viewOf(header)
  const version = view.getUint16(8, true)
  if (version !== VERSION) {
    throw new BatchError('version', `a frame has version ${version}: a later release wrote it`)
  }
  const frame = {
    sequence: readU64(view, 16),
    number: readU64(view, 24),
    offset: view.getUint32(32, true),
    length: view.getUint32(36, true),
    batches: view.getUint32(12, true),
    cleared: view.getUint16(10, true) === CLEARED,
    base: readPoint(view, 40),
    kept: readPoint(view, 56),
    last: readPoint(view, 72),
    valuesVersion: readU64(view, 88),
    headersCrc: view.getUint32(96, true),
    previous: view.getUint32(100, true),
  }
  return { frame, crc }
}

function writePoint(view: DataView, at: number, point: LogPoint): void {
  writeU64(view, at, point.index)
  writeU64(view, at + 8, point.term)
}

function readPoint(view: DataView, at: number): LogPoint {
  return { index: readU64(view, at), term: readU64(view, at + 8) }
}
