import { crc32 } from 'node:zlib'
import { BackupError, ByteSource } from './byte-source.js'

/**
 * A backup: the state of the key-value machine at one index, checked from the first byte to the last.
 * All numbers are little-endian.
 *
 *     header   24 bytes: magic, version u16, zero u16, length u32 and crc32 u32 of the meta, crc32 of these
 *     meta     JSON: application, cluster, node, index, term, size, createdAt
 *     state    pieces: length u32, crc32 u32, bytes; all of 256 KiB but the last
 *     trailer  24 bytes: zero u32, magic, size u64, crc32 u32 of the state, crc32 of these
 *
 * Whoever has the trailer has everything before it; without one a backup was cut short.
 */

/** What is in a backup. */
export interface BackupMeta {
  readonly application: typeof APPLICATION
  readonly cluster: string
  /** The node that wrote it. */
  readonly node: string
  /** Of the last entry that the state holds. */
  readonly index: number
  readonly term: number
  /** Bytes of state. */
  readonly size: number
  /** ISO 8601. */
  readonly createdAt: string
}

export const APPLICATION = 'troupe-kv'

const HEADER_MAGIC = 'TROUPEBK'
const TRAILER_MAGIC = 'TRPE'
const VERSION = 1
const HEADER_BYTES = 24
const TRAILER_BYTES = 24
const PIECE_HEADER_BYTES = 8
const PIECE_BYTES = 256 * 1024
const MAX_META_BYTES = 1024 * 1024
const MAX_PIECE_BYTES = 16 * 1024 * 1024

/** Length of the whole backup. */
export function backupBytes(meta: BackupMeta): number {
  const pieces = Math.ceil(meta.size / PIECE_BYTES)
  return encodeHead(meta).length + meta.size + pieces * PIECE_HEADER_BYTES + TRAILER_BYTES
}

/** @throws Error when the state has another size than the meta says; the backup then has no trailer. */
export async function* encodeBackup(
  meta: BackupMeta,
  state: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeHead(meta)
  let [crc, written] = [0, 0]
  for await (const piece of inPieces(state)) {
    crc = crc32(piece, crc)
    written += piece.length
    const head = Buffer.alloc(PIECE_HEADER_BYTES)
    head.writeUInt32LE(piece.length, 0)
    head.writeUInt32LE(crc32(piece), 4)
    yield head
    yield piece
  }
  if (written !== meta.size) {
    throw new Error(`a snapshot of ${meta.size} bytes has given ${written}`)
  }
  yield encodeTrailer(written, crc)
}

/** Reads a backup piece by piece. Every method throws a BackupError when what comes is no whole backup. */
export class BackupReader {
  /** Why it was refused, for whoever gets only the consequences to see. */
  failure: unknown = null
  readonly #source: ByteSource

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = new ByteSource(bytes)
  }

  /** Comes first, once. */
  meta(): Promise<BackupMeta> {
    return this.#guarded(async () => {
      const header = await this.#source.take(HEADER_BYTES, 'its header')
      if (header.toString('latin1', 0, 8) !== HEADER_MAGIC) {
        throw new BackupError('this is no backup of troupe')
      }
      checkSum(header, 'its header')
      const version = header.readUInt16LE(8)
      if (version !== VERSION) {
        throw new BackupError(
          `expected version ${VERSION}, found ${version}: a later release wrote it`,
        )
      }
      const length = header.readUInt32LE(12)
      if (length > MAX_META_BYTES) throw new BackupError(`its meta would have ${length} bytes`)
      const bytes = await this.#source.take(length, 'its meta')
      if (crc32(bytes) !== header.readUInt32LE(16)) throw damaged('its meta')
      return checkedMeta(parsed(bytes))
    })
  }

  /** The state. Its last piece comes once the trailer, and nothing behind it, was seen. */
  async *state(meta: Pick<BackupMeta, 'size'>): AsyncGenerator<Uint8Array, void, undefined> {
    let [crc, read] = [0, 0]
    let last: Buffer | null = null
    for (;;) {
      const piece: Buffer | null = await this.#guarded(() => this.#piece(read))
      if (piece === null) break
      crc = crc32(piece, crc)
      read += piece.length
      if (last !== null) yield last
      last = piece
    }
    await this.#guarded(() => this.#checkEnd(meta, read, crc))
    if (last !== null) yield last
  }

  /** Takes and drops the rest, up to about so many bytes. */
  drain(maxBytes: number): Promise<void> {
    return this.#source.drain(maxBytes)
  }

  /** Null at the trailer. */
  async #piece(offset: number): Promise<Buffer | null> {
    const what = `the state at offset ${offset}`
    const length = (await this.#source.take(4, what)).readUInt32LE(0)
    if (length === 0) return null
    if (length > MAX_PIECE_BYTES) throw damaged(what)
    const crc = (await this.#source.take(4, what)).readUInt32LE(0)
    const bytes = await this.#source.take(length, what)
    if (crc32(bytes) !== crc) throw damaged(what)
    return bytes
  }

  async #checkEnd(meta: Pick<BackupMeta, 'size'>, read: number, crc: number): Promise<void> {
    const rest = await this.#source.take(TRAILER_BYTES - 4, 'its trailer')
    const trailer = Buffer.concat([Buffer.alloc(4), rest])
    if (trailer.toString('latin1', 4, 8) !== TRAILER_MAGIC) throw damaged('its trailer')
    checkSum(trailer, 'its trailer')
    const size = Number(trailer.readBigUInt64LE(8))
    if (size !== read || size !== meta.size || trailer.readUInt32LE(16) !== crc) {
      throw new BackupError(`it has ${read} bytes of state where ${meta.size} belong, or others`)
    }
    if (!(await this.#source.ended())) throw new BackupError('bytes follow its trailer')
  }

  async #guarded<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.failure ??= error
      throw error
    }
  }
}

function encodeHead(meta: BackupMeta): Buffer {
  const json = Buffer.from(JSON.stringify(meta))
  const head = Buffer.alloc(HEADER_BYTES + json.length)
  head.write(HEADER_MAGIC, 0, 'latin1')
  head.writeUInt16LE(VERSION, 8)
  head.writeUInt32LE(json.length, 12)
  head.writeUInt32LE(crc32(json), 16)
  head.writeUInt32LE(crc32(head.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4)
  json.copy(head, HEADER_BYTES)
  return head
}

function encodeTrailer(size: number, crc: number): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.write(TRAILER_MAGIC, 4, 'latin1')
  trailer.writeBigUInt64LE(BigInt(size), 8)
  trailer.writeUInt32LE(crc, 16)
  trailer.writeUInt32LE(crc32(trailer.subarray(0, TRAILER_BYTES - 4)), TRAILER_BYTES - 4)
  return trailer
}

/** The same bytes in pieces of one size, so that the length of the whole is known before it is sent. */
async function* inPieces(state: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(PIECE_BYTES)
  let filled = 0
  for await (const bytes of state) {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + PIECE_BYTES - filled)
      piece.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < PIECE_BYTES) continue
      yield piece
      piece = Buffer.allocUnsafe(PIECE_BYTES)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

function parsed(json: Buffer): Partial<BackupMeta> | null {
  try {
    return JSON.parse(json.toString()) as Partial<BackupMeta> | null
  } catch {
    throw new BackupError('its meta is not JSON')
  }
}

function checkedMeta(meta: Partial<BackupMeta> | null): BackupMeta {
  if (meta?.application !== APPLICATION) {
    throw new BackupError(`it holds the state of ${meta?.application}, not of ${APPLICATION}`)
  }
  for (const field of ['index', 'term', 'size'] as const) {
    const number = meta[field] ?? -1
    if (!Number.isSafeInteger(number) || number < 0) {
      throw new BackupError(`its ${field} is no whole number`)
    }
  }
  return meta as BackupMeta
}

/** The last four bytes are the checksum of those before them. */
function checkSum(bytes: Buffer, what: string): void {
  const end = bytes.length - 4
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) throw damaged(what)
}

function damaged(what: string): BackupError {
  return new BackupError(`${what} does not match its checksum`)
}
