import { join } from 'node:path'
import { assert } from '../core/assert.js'
import { errnoOf, fileError, SnapshotStoreError } from './errors.js'
import { corrupt } from './file-layout.js'
import { SnapshotFile } from './file-reader.js'
import { FileSnapshotWriter } from './file-writer.js'
import { nodeFiles, type SnapshotFiles } from './files.js'
import { newestFirst, snapshotKey } from './order.js'
import { Scratch } from './scratch.js'
import { SnapshotDirectory } from './snapshot-directory.js'
import type {
  CreateSnapshotStore,
  NewSnapshot,
  SnapshotStore,
  SnapshotStoreContext,
  SnapshotWriter,
  StoredSnapshot,
} from './store.js'

/** What `fileSnapshotStore` takes. */
export interface FileSnapshotOptions {
  /** Where the files go. Default: `snapshots` in the node's data directory. */
  readonly directory?: string
  /** State bytes under one checksum. Default 256 KiB. */
  readonly chunkBytes?: number
}

const DEFAULT_CHUNK_BYTES = 256 * 1024

/** Snapshots as files of one directory; `file-layout.ts` says what is in them. */
export class FileSnapshotStore implements SnapshotStore {
  readonly #files: SnapshotFiles
  readonly #directory: SnapshotDirectory
  readonly #chunkBytes: number
  readonly #warn: (fields: object, message: string) => void
  readonly #scratch = new Scratch()
  readonly #held = new Map<string, SnapshotFile>()
  /** Their bodies were read and checked by this process. */
  readonly #verified = new Set<string>()

  constructor(
    options: FileSnapshotOptions,
    context: SnapshotStoreContext,
    files: SnapshotFiles = nodeFiles,
  ) {
    const path = options.directory ?? join(context.dataDir, 'snapshots')
    this.#warn = context.warn ?? (() => {})
    this.#files = files
    this.#directory = new SnapshotDirectory(path, files, this.#warn)
    this.#chunkBytes = options.chunkBytes ?? DEFAULT_CHUNK_BYTES
  }

  /** whether the file system makes a rename durable on request. */
  get directoryFlushable(): boolean {
    return this.#directory.flushable
  }

  async open(): Promise<readonly StoredSnapshot[]> {
    this.#held.clear()
    this.#verified.clear()
    for (const path of await this.#directory.open()) {
      try {
        const file = await SnapshotFile.open(this.#files, path, this.#scratch)
        this.#held.set(snapshotKey(file.stored), file)
      } catch (error) {
        if (!(error instanceof SnapshotStoreError && error.code === 'RAFT_CORRUPT')) throw error
        this.#warn({ path }, error.message)
      }
    }
    return this.list()
  }

  list(): readonly StoredSnapshot[] {
    return [...this.#held.values()].map((file) => file.stored).sort(newestFirst)
  }

  async create(snapshot: NewSnapshot): Promise<SnapshotWriter> {
    const { index, term } = snapshot
    assert(index > 0 && term > 0, 'a snapshot has an index and a term', { index, term })
    await this.#directory.ensure()
    return FileSnapshotWriter.create({
      snapshot,
      chunkBytes: this.#chunkBytes,
      files: this.#files,
      directory: this.#directory,
      publish: (temporary, as) => this.#publish(as, temporary),
    })
  }

  /** The snapshot exists from the rename on, and durably so from the directory's flush on. */
  async #publish(snapshot: NewSnapshot, temporary: string): Promise<StoredSnapshot> {
    const key = snapshotKey(snapshot)
    const path = this.#directory.fileFor(snapshot)
    const replaces = this.#held.has(key)
    try {
      await this.#files.rename(temporary, path)
    } catch (error) {
      throw fileError('rename', temporary, error)
    }
    try {
      // Read back: what cannot be opened again must not make anyone drop log entries.
      const file = await SnapshotFile.open(this.#files, path, this.#scratch)
      if (replaces) this.#adopt(key, file)
      await this.#directory.flush()
      this.#adopt(key, file)
      return file.stored
    } catch (error) {
      // The state of an index is the same in both files, so a replaced one is never taken away.
      if (!replaces) await this.#files.unlink(path).catch(() => {})
      throw error
    }
  }

  #adopt(key: string, file: SnapshotFile): void {
    this.#held.set(key, file)
    this.#verified.delete(key)
  }

  async read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.max(0, Math.min(maxBytes, snapshot.size - offset)))
    await this.readInto(snapshot, offset, bytes)
    return bytes
  }

  async readInto(snapshot: StoredSnapshot, offset: number, into: Uint8Array): Promise<number> {
    const file = this.#find(snapshot)
    if (!(await this.#isWhole(file))) throw corrupt(file.path, 'its body fails a checksum')
    return file.readInto(offset, into)
  }

  async verify(snapshot: StoredSnapshot): Promise<boolean> {
    const file = this.#find(snapshot)
    // What was verified before may have been deleted or cut off since.
    const now = await SnapshotFile.open(this.#files, file.path, this.#scratch)
    return now.stored.checksum === snapshot.checksum && (await this.#isWhole(file))
  }

  /** Its body is read once by each process. */
  async #isWhole(file: SnapshotFile): Promise<boolean> {
    const key = snapshotKey(file.stored)
    if (this.#verified.has(key)) return true
    const good = await file.verify()
    if (good) this.#verified.add(key)
    return good
  }

  async remove(snapshot: StoredSnapshot): Promise<void> {
    const key = snapshotKey(snapshot)
    const file = this.#held.get(key)
    if (file === undefined) return
    try {
      await this.#files.unlink(file.path)
    } catch (error) {
      // Somebody else has deleted it: that is what was wanted.
      if (errnoOf(error) !== 'ENOENT') throw fileError('delete', file.path, error)
    }
    this.#held.delete(key)
    this.#verified.delete(key)
  }

  close(): void {
    this.#held.clear()
  }

  #find(snapshot: StoredSnapshot): SnapshotFile {
    const file = this.#held.get(snapshotKey(snapshot))
    if (file !== undefined) return file
    throw new SnapshotStoreError(
      'RAFT_STORE_FAILED',
      `there is no snapshot at index ${snapshot.index} of term ${snapshot.term}`,
    )
  }
}

export const createSnapshotStore: CreateSnapshotStore<FileSnapshotOptions | undefined> = (
  options,
  context,
) => new FileSnapshotStore(options ?? {}, context)
