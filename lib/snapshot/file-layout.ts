import { crc32 } from 'node:zlib'
import type { IndexedConfiguration } from '../core/types.js'
import { SnapshotStoreError } from './errors.js'
import type { NewSnapshot } from './store.js'

/**
 * One file per snapshot, little-endian:
 *
 *     header   64 bytes: magic, version, chunk size, index, term, length and checksum of the meta
 *     meta     JSON: the configuration, whether a user's restore made it, and blanks
 *     body     chunks: length u32, crc32 u32, bytes; all of the chunk size but the last
 *     trailer  32 bytes: magic, size of the state, its crc32, number of chunks
 *
 * Chunks of one size let a reader find any offset without reading what precedes it. The trailer comes
 * last because the size is known only then; a file without one was never finished.
 */

export const HEADER_BYTES = 64
export const TRAILER_BYTES = 32
export const CHUNK_HEADER_BYTES = 8

const HEADER_MAGIC = 'TROUPESN'
const TRAILER_MAGIC = 'TROUPEND'
/** The layout that this release writes, and the only one it reads. */
export const SNAPSHOT_VERSION = 1
const MAX_META_BYTES = 64 * 1024 * 1024
const MAX_CHUNK_BYTES = 64 * 1024 * 1024

export interface FileHeader {
  readonly index: number
  readonly term: number
  readonly chunkBytes: number
  readonly metaLength: number
  readonly metaCrc: number
}

/** What is in the meta. */
export interface SnapshotFileMeta {
  readonly configuration: IndexedConfiguration
  readonly restored?: boolean
}

export interface FileTrailer {
  readonly size: number
  readonly bodyCrc: number
  readonly chunks: number
}

/**
 * Header and meta, ready to be written. `metaBytes`: a length that the meta is filled up to, so that it can
 * be written anew with something longer.
 */
export function encodeHead(snapshot: NewSnapshot, chunkBytes: number, metaBytes = 0): Buffer {
  const { configuration, restored } = snapshot
  const text = Buffer.from(JSON.stringify({ configuration, restored }))
  const meta = Buffer.alloc(Math.max(text.length, metaBytes), ' ')
  text.copy(meta)
  const head = Buffer.alloc(HEADER_BYTES + meta.length)
  head.write(HEADER_MAGIC, 0, 'latin1')
  head.writeUInt16LE(SNAPSHOT_VERSION, 8)
  head.writeUInt32LE(chunkBytes, 12)
  head.writeBigUInt64LE(BigInt(snapshot.index), 16)
  head.writeBigUInt64LE(BigInt(snapshot.term), 24)
  head.writeUInt32LE(meta.length, 32)
  head.writeUInt32LE(crc32(meta), 36)
  head.writeUInt32LE(crc32(head.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4)
  meta.copy(head, HEADER_BYTES)
  return head
}

/** @throws SnapshotStoreError RAFT_CORRUPT */
export function decodeHeader(bytes: Buffer, path: string): FileHeader {
  checkFrame(bytes, HEADER_BYTES, HEADER_MAGIC, 'header', path)
  const version = bytes.readUInt16LE(8)
  if (version !== SNAPSHOT_VERSION) {
    throw corrupt(
      path,
      `expected version ${SNAPSHOT_VERSION}, found ${version}: a later release wrote it`,
    )
  }
  const header = {
    index: readNumber(bytes, 16, path),
    term: readNumber(bytes, 24, path),
    chunkBytes: bytes.readUInt32LE(12),
    metaLength: bytes.readUInt32LE(32),
    metaCrc: bytes.readUInt32LE(36),
  }
  const { chunkBytes, metaLength } = header
  if (chunkBytes < 1 || chunkBytes > MAX_CHUNK_BYTES || metaLength > MAX_META_BYTES) {
    throw corrupt(
      path,
      `its header names ${chunkBytes}-byte chunks and ${metaLength} bytes of meta`,
    )
  }
  return header
}

/** @throws SnapshotStoreError RAFT_CORRUPT */
export function decodeMeta(bytes: Buffer, header: FileHeader, path: string): SnapshotFileMeta {
  if (bytes.length !== header.metaLength || crc32(bytes) !== header.metaCrc) {
    throw corrupt(path, 'its meta does not match the checksum in the header')
  }
  try {
    const meta = JSON.parse(bytes.toString()) as SnapshotFileMeta
    if (Array.isArray(meta.configuration.configuration.servers)) return meta
  } catch {
    // Said below.
  }
  throw corrupt(path, 'its meta names no configuration')
}

export function encodeTrailer(trailer: FileTrailer): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES)
  bytes.write(TRAILER_MAGIC, 0, 'latin1')
  bytes.writeBigUInt64LE(BigInt(trailer.size), 8)
  bytes.writeUInt32LE(trailer.bodyCrc, 16)
  bytes.writeUInt32LE(trailer.chunks, 20)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, TRAILER_BYTES - 4)), TRAILER_BYTES - 4)
  return bytes
}

/** @throws SnapshotStoreError RAFT_CORRUPT */
export function decodeTrailer(bytes: Buffer, path: string): FileTrailer {
  checkFrame(bytes, TRAILER_BYTES, TRAILER_MAGIC, 'trailer', path)
  return {
    size: readNumber(bytes, 8, path),
    bodyCrc: bytes.readUInt32LE(16),
    chunks: bytes.readUInt32LE(20),
  }
}

/** Checks the lengths that header and trailer claim against each other and the file's own. */
export function checkLengths(
  header: FileHeader,
  trailer: FileTrailer,
  fileBytes: number,
  path: string,
): void {
  const chunks = Math.ceil(trailer.size / header.chunkBytes)
  const bodyBytes = trailer.size + chunks * CHUNK_HEADER_BYTES
  const expected = HEADER_BYTES + header.metaLength + bodyBytes + TRAILER_BYTES
  if (chunks !== trailer.chunks || expected !== fileBytes) {
    throw corrupt(
      path,
      `${trailer.size} bytes of state in ${trailer.chunks} chunks make a file of ${expected} bytes, found ${fileBytes}`,
    )
  }
}

export function corrupt(path: string, what: string): SnapshotStoreError {
  return new SnapshotStoreError(
    'RAFT_CORRUPT',
    `the snapshot ${path} is damaged: ${what}. An older one is used if there is any; otherwise remove this member and add it again`,
    { details: { path } },
  )
}

function checkFrame(bytes: Buffer, length: number, magic: string, what: string, path: string) {
  if (bytes.length !== length) {
    throw corrupt(path, `its ${what} has ${bytes.length} bytes instead of ${length}`)
  }
  if (bytes.toString('latin1', 0, 8) !== magic) throw corrupt(path, `it has no ${what}`)
  const stored = bytes.readUInt32LE(length - 4)
  if (crc32(bytes.subarray(0, length - 4)) !== stored) {
    throw corrupt(path, `its ${what} does not match its checksum`)
  }
}

function readNumber(bytes: Buffer, offset: number, path: string): number {
  const value = bytes.readBigUInt64LE(offset)
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  // never rounded.
  throw corrupt(path, `expected a number up to 2^53-1, found ${value}`)
}
