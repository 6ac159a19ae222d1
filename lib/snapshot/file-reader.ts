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
import { Scratch } from './scratch.js'
import type { StoredSnapshot } from './store.js'

/** Read at once. */
const READ_BYTES = 1024 * 1024

/** A finished snapshot file. Every method opens it anew: nothing stays open between calls. */
export class SnapshotFile {
  readonly path: string
  readonly stored: StoredSnapshot
  readonly #files: SnapshotFiles
  readonly #scratch: Scratch
  readonly #header: FileHeader
  readonly #trailer: FileTrailer

  private constructor(
    files: SnapshotFiles,
    scratch: Scratch,
    path: string,
    header: FileHeader,
    trailer: FileTrailer,
    stored: StoredSnapshot,
  ) {
    this.#files = files
    this.#scratch = scratch
    this.path = path
    this.#header = header
    this.#trailer = trailer
    this.stored = stored
  }

  /** Reads and checks header, meta and trailer. @throws SnapshotStoreError */
  static open(files: SnapshotFiles, path: string, scratch = new Scratch()): Promise<SnapshotFile> {
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
      return new SnapshotFile(files, scratch, path, header, trailer, stored)
    })
  }

  /** Checks every chunk and the whole. False when it is damaged. @throws SnapshotStoreError of the disk */
  verify(): Promise<boolean> {
    return withFile(this.#files, this.path, async (file) => {
      let crc = 0
      const good = await this.#readChunks(file, 0, this.#trailer.chunks - 1, (bytes) => {
        crc = crc32(bytes, crc)
      })
      return good && crc === this.#trailer.bodyCrc
    })
  }

  /**
   * Fills `into` with state from `offset` on, checked chunk by chunk; returns how many bytes there were.
   * @throws SnapshotStoreError
   */
  readInto(offset: number, into: Uint8Array): Promise<number> {
    const { chunkBytes } = this.#header
    const end = Math.min(offset + into.length, this.#trailer.size)
    if (offset >= end) return Promise.resolve(0)
    return withFile(this.#files, this.path, async (file) => {
      const first = Math.floor(offset / chunkBytes)
      const last = Math.floor((end - 1) / chunkBytes)
      const good = await this.#readChunks(file, first, last, (bytes, at) => {
        const part = bytes.subarray(Math.max(0, offset - at), end - at)
        into.set(part, Math.max(at, offset) - offset)
      })
      if (!good) throw corrupt(this.path, `near offset ${offset} of its state`)
      return end - offset
    })
  }

  /** Visits the state in chunks `first` to `last`, in memory that is used again. False: one is damaged. */
  async #readChunks(
    file: FileHandle,
    first: number,
    last: number,
    visit: (bytes: Uint8Array, offset: number) => void,
  ): Promise<boolean> {
    const { chunkBytes, metaLength } = this.#header
    const stride = chunkBytes + CHUNK_HEADER_BYTES
    const atOnce = Math.max(1, Math.floor(READ_BYTES / chunkBytes))
    return this.#scratch.with(Math.min(atOnce, last - first + 1) * stride, async (memory) => {
      for (let from = first; from <= last; from += atOnce) {
        const to = Math.min(from + atOnce, last + 1)
        const stateEnd = Math.min(to * chunkBytes, this.#trailer.size)
        const length = stateEnd - from * chunkBytes + (to - from) * CHUNK_HEADER_BYTES
        const raw = memory.subarray(0, length)
        const read = await readInto(file, raw, HEADER_BYTES + metaLength + from * stride)
        if (read < length) return false
        for (let chunk = from; chunk < to; chunk++) {
          const start = (chunk - from) * stride
          const bytes = raw.subarray(start + CHUNK_HEADER_BYTES, start + stride)
          if (raw.readUInt32LE(start) !== bytes.length) return false
          if (raw.readUInt32LE(start + 4) !== crc32(bytes)) return false
          visit(bytes, chunk * chunkBytes)
        }
      }
      return true
    })
  }
}

/** Up to `length` bytes at `position`; fewer only when the file ends. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  return bytes.subarray(0, await readInto(file, bytes, position))
}

/** Fills `bytes`; fewer only when the file ends. */
async function readInto(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let filled = 0
  while (filled < bytes.length) {
    const left = bytes.length - filled
    const { bytesRead } = await file.read(bytes, filled, left, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
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
