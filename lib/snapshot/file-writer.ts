import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.js'
import { fileError } from './errors.js'
import { CHUNK_HEADER_BYTES, encodeHead, encodeTrailer, HEADER_BYTES } from './file-layout.js'
import type { SnapshotFiles } from './files.js'
import type { SnapshotDirectory } from './snapshot-directory.js'
import type { NewSnapshot, SnapshotWriter, StoredSnapshot } from './store.js'

export interface FileWriterOptions {
  readonly snapshot: NewSnapshot
  readonly chunkBytes: number
  readonly files: SnapshotFiles
  readonly directory: SnapshotDirectory
  /** Gives the flushed file its final name, durably; cleans up after itself when it fails. */
  readonly publish: (temporary: string, as: NewSnapshot) => Promise<StoredSnapshot>
}

/** Room for a configuration that grows while a restored snapshot is on its way. */
const SPARE_META_BYTES = 64 * 1024

/**
 * A file system may write all that is not flushed of one file before it flushes a record of another, such
 * as the log's. So what is written is flushed while it is little.
 */
const MAX_UNFLUSHED_BYTES = 1024 * 1024

/** Writes one snapshot under a temporary name and renames it when everything is on disk. */
export class FileSnapshotWriter implements SnapshotWriter {
  readonly #options: FileWriterOptions
  readonly #path: string
  readonly #chunk: Buffer
  #file: FileHandle | null = null
  #headBytes = 0
  #filled = 0
  #unflushed = 0
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
      await writer.#writeHead()
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

  async commit(as?: NewSnapshot): Promise<StoredSnapshot> {
    assert(!this.#over, 'a snapshot is committed once')
    if (this.#filled > 0) await this.#writeChunk()
    await this.#write(
      encodeTrailer({ size: this.#written, bodyCrc: this.#bodyCrc, chunks: this.#chunks }),
    )
    if (as !== undefined) await this.#rewriteHead(as)
    await this.#flush()
    const stored = await this.#options.publish(this.#path, as ?? this.#options.snapshot)
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

  async #flushSome(): Promise<void> {
    this.#unflushed = 0
    try {
      await this.#file?.datasync()
    } catch (error) {
      throw fileError('flush', this.#path, error)
    }
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #writeHead(): Promise<void> {
    const { snapshot, chunkBytes } = this.#options
    const plain = encodeHead(snapshot, chunkBytes)
    const metaBytes = plain.length - HEADER_BYTES + SPARE_META_BYTES
    // Only where a restored snapshot stands is not known from the beginning.
    const head = snapshot.restored === true ? encodeHead(snapshot, chunkBytes, metaBytes) : plain
    this.#headBytes = head.length
    await this.#write(head)
  }

  async #rewriteHead(as: NewSnapshot): Promise<void> {
    const head = encodeHead(as, this.#options.chunkBytes, this.#headBytes - HEADER_BYTES)
    assert(head.length === this.#headBytes, 'what it turned out to be fits in its head', {
      expected: this.#headBytes,
      found: head.length,
    })
    await this.#write(head, 0)
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
    this.#unflushed += chunk.length
    if (this.#unflushed >= MAX_UNFLUSHED_BYTES) await this.#flushSome()
  }

  /** A write may be short: the rest is written again until it is all there or an error says why not. */
  async #write(bytes: Uint8Array, at: number | null = null): Promise<void> {
    const file = this.#file
    assert(file !== null, 'the snapshot file is open')
    let written = 0
    try {
      while (written < bytes.length) {
        const position = at === null ? null : at + written
        const length = bytes.length - written
        written += (await file.write(bytes, written, length, position)).bytesWritten
      }
    } catch (error) {
      throw fileError('write', this.#path, error)
    }
  }
}
