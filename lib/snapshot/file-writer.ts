import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.js'
import { fileError } from './errors.js'
import { CHUNK_HEADER_BYTES, encodeHead, encodeTrailer } from './file-layout.js'
import type { SnapshotFiles } from './files.js'
import type { SnapshotDirectory } from './snapshot-directory.js'
import type { NewSnapshot, SnapshotWriter, StoredSnapshot } from './store.js'

export interface FileWriterOptions {
  readonly snapshot: NewSnapshot
  readonly chunkBytes: number
  readonly files: SnapshotFiles
  readonly directory: SnapshotDirectory
  /** Gives the flushed file its final name, durably; cleans up after itself when it fails. */
  readonly publish: (temporary: string) => Promise<StoredSnapshot>
}

/** Writes one snapshot under a temporary name and renames it when everything is on disk. */
export class FileSnapshotWriter implements SnapshotWriter {
  readonly #options: FileWriterOptions
  readonly #path: string
  readonly #chunk: Buffer
  #file: FileHandle | null = null
  #filled = 0
  #written = 0
  #chunks = 0
  #bodyCrc = 0
  #over = false

  private constructor(options: FileWriterOptions) {
    this.#options = options
    this.#path = options.directory.temporaryFor(options.snapshot)
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_HEADER_BYTES + options.chunkBytes)
  }

  static async create(options: FileWriterOptions): Promise<FileSnapshotWriter> {
    const writer = new FileSnapshotWriter(options)
    try {
      writer.#file = await options.files.open(writer.#path, 'w')
      await writer.#write(encodeHead(options.snapshot, options.chunkBytes))
    } catch (error) {
      await writer.abort()
      throw fileError('create', writer.#path, error)
    }
    return writer
  }

  get written(): number {
    return this.#written
  }

  async write(bytes: Uint8Array): Promise<void> {
    assert(!this.#over, 'a finished snapshot takes no more bytes')
    let taken = 0
    while (taken < bytes.length) {
      const room = this.#options.chunkBytes - this.#filled
      const part = bytes.subarray(taken, taken + room)
      this.#chunk.set(part, CHUNK_HEADER_BYTES + this.#filled)
      this.#filled += part.length
      this.#written += part.length
      taken += part.length
      if (this.#filled === this.#options.chunkBytes) await this.#writeChunk()
    }
  }

  async commit(): Promise<StoredSnapshot> {
    assert(!this.#over, 'a snapshot is committed once')
    if (this.#filled > 0) await this.#writeChunk()
    await this.#write(
      encodeTrailer({ size: this.#written, bodyCrc: this.#bodyCrc, chunks: this.#chunks }),
    )
    await this.#flush()
    const stored = await this.#options.publish(this.#path)
    this.#over = true
    return stored
  }

  async abort(): Promise<void> {
    if (this.#over) return
    this.#over = true
    // Nothing here may hide the error that made the caller give up; open() removes what stays.
    await this.#close().catch(() => {})
    await this.#options.files.unlink(this.#path).catch(() => {})
  }

  async #flush(): Promise<void> {
    try {
      await this.#file?.sync()
      await this.#close()
    } catch (error) {
      throw fileError('flush', this.#path, error)
    }
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #writeChunk(): Promise<void> {
    const chunk = this.#chunk.subarray(0, CHUNK_HEADER_BYTES + this.#filled)
    const bytes = chunk.subarray(CHUNK_HEADER_BYTES)
    chunk.writeUInt32LE(this.#filled, 0)
    chunk.writeUInt32LE(crc32(bytes), 4)
    this.#bodyCrc = crc32(bytes, this.#bodyCrc)
    this.#filled = 0
    this.#chunks++
    await this.#write(chunk)
  }

  /** A write may be short: the rest is written again until it is all there or an error says why not. */
  async #write(bytes: Uint8Array): Promise<void> {
    const file = this.#file
    assert(file !== null, 'the snapshot file is open')
    let written = 0
    try {
      while (written < bytes.length) {
        written += (await file.write(bytes, written, bytes.length - written)).bytesWritten
      }
    } catch (error) {
      throw fileError('write', this.#path, error)
    }
  }
}
