import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.js'
import type { LogIndex, Term } from '../core/types.js'
import { BatchError } from './batch-error.js'

/**
 * The bytes of an entry batch, the same in memory, on disk and on the wire. All numbers are
 * little-endian.
 *
 * Header, 64 bytes: magic u32, version u16, flags u16, firstIndex u64, term u64, prevTerm u64,
 * time u64 (the leader's clock, ms since the epoch), count u32, bodyLength u32, bodyCrc u32,
 * 8 bytes zero, headerCrc u32 over everything before it.
 *
 * Body, `count` entries: dataLength u32, type u8, flags u8, extensionsLength u16, [identity, as the
 * flags say: entry-identity.ts], data, extensions.
 */

export const BATCH_HEADER_BYTES = 64
/** Bytes of an entry before its identity, data and extensions. */
export const ENTRY_HEADER_BYTES = 8
export const MAX_EXTENSION_BYTES = 0xffff

const MAGIC = 0x42505254 // "TRPB"
const VERSION = 1

export const OFFSET_COUNT = 40
export const OFFSET_BODY_LENGTH = 44
export const OFFSET_BODY_CRC = 48
const OFFSET_HEADER_CRC = 60

/** Data is a command for the state machine. */
export const ENTRY_COMMAND = 0 as const
/** The first entry of a term: nothing, so that what came before can be committed (Raft §5.4.2). */
export const ENTRY_NOOP = 1 as const
/** Data is the members, from this entry on. */
export const ENTRY_CONFIGURATION = 2 as const
/** Nothing, to learn when everything before it is applied. */
export const ENTRY_BARRIER = 3 as const
/** Opens a client session; its data is a SessionOpening, its result the session's client id. */
export const ENTRY_SESSION_OPEN = 4 as const
/** Uses a session without a command, so that it does not expire. */
export const ENTRY_SESSION_KEEP_ALIVE = 5 as const
/** Ends a session. */
export const ENTRY_SESSION_CLOSE = 6 as const
export const LAST_ENTRY_TYPE = ENTRY_SESSION_CLOSE
/** What an entry is for. */
export type EntryType =
  | typeof ENTRY_COMMAND
  | typeof ENTRY_NOOP
  | typeof ENTRY_CONFIGURATION
  | typeof ENTRY_BARRIER
  | typeof ENTRY_SESSION_OPEN
  | typeof ENTRY_SESSION_KEEP_ALIVE
  | typeof ENTRY_SESSION_CLOSE

/** Where a batch goes in the log, and when its leader took it. */
export interface BatchHead {
  readonly firstIndex: LogIndex
  readonly term: Term
  /** Term of the entry before firstIndex. */
  readonly prevTerm: Term
  /** Leader's wall clock in ms; a fraction is cut off. */
  readonly time: number
}

/** A header as it was read: checked, with what follows from it. */
export interface BatchHeader extends BatchHead {
  readonly lastIndex: LogIndex
  readonly count: number
  /** Header and body. */
  readonly length: number
  readonly bodyCrc: number
}

/** A view for reading and writing numbers of the bytes in place. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const HIGH = 0x1_0000_0000

export function writeU64(view: DataView, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'not a whole number from 0 to 2^53-1', {
    value,
  })
  view.setUint32(offset, value % HIGH, true)
  view.setUint32(offset + 4, Math.floor(value / HIGH), true)
}

export function readU64(view: DataView, offset: number): number {
  const value = view.getUint32(offset + 4, true) * HIGH + view.getUint32(offset, true)
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new BatchError('range', `expected a number up to 2^53-1, found about ${value}`)
  }
  return value
}

/** Fills in all of the header but count, bodyLength and bodyCrc, which must already be there. */
export function writeHead(bytes: Uint8Array, head: BatchHead): void {
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC, true)
  view.setUint16(4, VERSION, true)
  view.setUint16(6, 0, true)
  writeU64(view, 8, head.firstIndex)
  writeU64(view, 16, head.term)
  writeU64(view, 24, head.prevTerm)
  writeU64(view, 32, Math.max(0, Math.floor(head.time)))
  view.setUint32(52, 0, true)
  view.setUint32(56, 0, true)
  view.setUint32(OFFSET_HEADER_CRC, crc32(bytes.subarray(0, OFFSET_HEADER_CRC)), true)
}

/** Writes what the body determines; the rest follows with `writeHead`. */
export function writeBodyFacts(bytes: Uint8Array, count: number, bodyLength: number): void {
  const view = viewOf(bytes)
  const body = bytes.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + bodyLength)
  view.setUint32(OFFSET_COUNT, count, true)
  view.setUint32(OFFSET_BODY_LENGTH, bodyLength, true)
  view.setUint32(OFFSET_BODY_CRC, crc32(body), true)
}

/**
 * Reads and checks a header (not the body). `bytes` may hold more than the batch.
 * @throws BatchError when it is too short, foreign, of a later version, damaged or out of range.
 */
export function readHeader(bytes: Uint8Array): BatchHeader {
  if (bytes.byteLength < BATCH_HEADER_BYTES) {
    throw new BatchError(
      'length',
      `an entry batch has a header of ${BATCH_HEADER_BYTES} bytes, found ${bytes.byteLength} bytes`,
    )
  }
  const view = viewOf(bytes)
  const magic = view.getUint32(0, true)
  if (magic !== MAGIC) {
    throw new BatchError('magic', `expected an entry batch, found bytes ${hex(magic)}`)
  }
  const crc = crc32(bytes.subarray(0, OFFSET_HEADER_CRC))
  const stored = view.getUint32(OFFSET_HEADER_CRC, true)
  if (crc !== stored) {
    throw new BatchError('header', `the header's checksum is ${hex(crc)}, not ${hex(stored)}`)
  }
  // The version is judged after the checksum, so a flipped bit is damage and not "a later version".
  const version = view.getUint16(4, true)
  if (version !== VERSION || view.getUint16(6, true) !== 0) {
    throw new BatchError(
      'version',
      `expected entry batch version ${VERSION}, found ${version}: a later release wrote it`,
    )
  }
  return checkedHeader(view)
}

function checkedHeader(view: DataView): BatchHeader {
  const count = view.getUint32(OFFSET_COUNT, true)
  const bodyLength = view.getUint32(OFFSET_BODY_LENGTH, true)
  const firstIndex = readU64(view, 8)
  const term = readU64(view, 16)
  const prevTerm = readU64(view, 24)
  const lastIndex = firstIndex + count - 1
  // Raft §5.3: terms never decrease along the log, and both terms and indexes count from 1.
  if (
    count < 1 ||
    firstIndex < 1 ||
    firstIndex > Number.MAX_SAFE_INTEGER - (count - 1) ||
    term < 1 ||
    prevTerm > term ||
    bodyLength < count * ENTRY_HEADER_BYTES
  ) {
    throw new BatchError(
      'range',
      `a batch cannot be ${count} entries of ${bodyLength} bytes from index ${firstIndex} in term ${term} after term ${prevTerm}`,
    )
  }
  return {
    firstIndex,
    lastIndex,
    term,
    prevTerm,
    time: readU64(view, 32),
    count,
    length: BATCH_HEADER_BYTES + bodyLength,
    bodyCrc: view.getUint32(OFFSET_BODY_CRC, true),
  }
}

/**
 * Checks header and body of exactly one batch.
 * @throws BatchError
 */
export function verifyBatch(bytes: Uint8Array): BatchHeader {
  const header = readHeader(bytes)
  if (bytes.byteLength !== header.length) {
    throw new BatchError(
      'length',
      `the batch at index ${header.firstIndex} has ${header.length} bytes, found ${bytes.byteLength}`,
    )
  }
  const crc = crc32(bytes.subarray(BATCH_HEADER_BYTES))
  if (crc !== header.bodyCrc) {
    throw new BatchError(
      'body',
      `the body of the batch at index ${header.firstIndex} has checksum ${hex(crc)}, not ${hex(header.bodyCrc)}`,
    )
  }
  return header
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
