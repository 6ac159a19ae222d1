import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { fileError } from './errors.js'
import {
  CHUNK_HEADER_BYTES,
  checkLengths,
  corrupt,
  decodeHeader,
  decodeMeta,
  decodeTrailer,
  type FileHeader,
  type FileTrailer,
  HEADER_BYTES,
  TRAILER_BYTES,
} from './file-layout.js'
import type { SnapshotFiles } from './files.js'
import type { StoredSnapshot } from './store.js'

/** Read at once while a whole file is checked. */
const VERIFY_BYTES = 1024 * 1024

/** A finished snapshot file. Every method opens it anew: nothing stays open between calls. */
export class SnapshotFile {
  readonly path: string
  readonly stored: StoredSnapshot
  readonly #files: SnapshotFiles
  readonly #header: FileHeader
  readonly #trailer: FileTrailer

  private constructor(
    files: SnapshotFiles,
    path: string,
    header: FileHeader,
    trailer: FileTrailer,
    stored: StoredSnapshot,
  ) {
    this.#files = files
    this.path = path
    this.#header = header
    this.#trailer = trailer
    this.stored = stored
  }

  /** Reads and checks header, meta and trailer. @throws SnapshotStoreError */
  static open(files: SnapshotFiles, path: string): Promise<SnapshotFile> {
    return withFile(files, path, async (file) => {
      const { size: fileBytes } = await file.stat()
      const header = decodeHeader(await readAt(file, 0, HEADER_BYTES), path)
      const meta = await readAt(file, HEADER_BYTES, header.metaLength)
      const { configuration, restored } = decodeMeta(meta, header, path)
      const tail = Math.max(0, fileBytes - TRAILER_BYTES)
      const trailer = decodeTrailer(await readAt(file, tail, TRAILER_BYTES), path)
      checkLengths(header, trailer, fileBytes, path)
      const { index, term } = header
      const what = { index, term, configuration, ...(restored === true && { restored }) }
      const { size, bodyCrc: checksum } = trailer
      const stored = { ...what, size, checksum }
      return new SnapshotFile(files, path, header, trailer, stored)
    })
  }

  /** Checks every chunk and the whole. False when it is damaged. @throws SnapshotStoreError of the disk */
  verify(): Promise<boolean> {
    return withFile(this.#files, this.path, async (file) => {
      const { chunks } = this.#trailer
      const atOnce = Math.max(1, Math.floor(VERIFY_BYTES / this.#header.chunkBytes))
      let crc = 0
      for (let first = 0; first < chunks; first += atOnce) {
        const last = Math.min(first + atOnce, chunks) - 1
        const bytes = await this.#readChunks(file, first, last)
        if (bytes === null) return false
        crc = crc32(bytes, crc)
      }
      return crc === this.#trailer.bodyCrc
    })
  }

  /** State from `offset`, checked chunk by chunk. @throws SnapshotStoreError */
  read(offset: number, maxBytes: number): Promise<Uint8Array> {
    const { chunkBytes } = this.#header
    const end = Math.min(offset + maxBytes, this.#trailer.size)
    if (offset >= end) return Promise.resolve(new Uint8Array(0))
    return withFile(this.#files, this.path, async (file) => {
      const first = Math.floor(offset / chunkBytes)
      const last = Math.floor((end - 1) / chunkBytes)
      const bytes = await this.#readChunks(file, first, last)
      if (bytes === null) throw corrupt(this.path, `near offset ${offset} of its state`)
      const start = offset - first * chunkBytes
      return bytes.subarray(start, start + end - offset)
    })
  }

  /** The state in chunks `first` to `last` in memory of its own; null when one is damaged. */
  async #readChunks(file: FileHandle, first: number, last: number): Promise<Uint8Array | null> {
    const { chunkBytes, metaLength } = this.#header
    const stride = chunkBytes + CHUNK_HEADER_BYTES
    const stateEnd = Math.min((last + 1) * chunkBytes, this.#trailer.size)
    const stateBytes = stateEnd - first * chunkBytes
    const rawBytes = stateBytes + (last - first + 1) * CHUNK_HEADER_BYTES
    const raw = await readAt(file, HEADER_BYTES + metaLength + first * stride, rawBytes)
    if (raw.length !== rawBytes) return null
    const state = new Uint8Array(stateBytes)
    for (let start = 0, filled = 0; start < rawBytes; start += stride) {
      const bytes = raw.subarray(start + CHUNK_HEADER_BYTES, start + stride)
      if (raw.readUInt32LE(start) !== bytes.length) return null
      if (raw.readUInt32LE(start + 4) !== crc32(bytes)) return null
      state.set(bytes, filled)
      filled += bytes.length
    }
    return state
  }
}

/** Up to `length` bytes at `position`; fewer only when the file ends. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

async function withFile<T>(
  files: SnapshotFiles,
  path: string,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  try {
    const file = await files.open(path, 'r')
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileError('read', path, error)
  }
}
