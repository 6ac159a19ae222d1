import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { copyBytes } from '../runtime/copy-bytes.js'
import { DataFile } from './data-file.js'
import { flushDirectory, makeDirectory } from './directory.js'
import { StoreFullError } from './store.js'

export type BinaryDatabase = Database<Buffer, Buffer>

export interface EnvironmentOptions {
  readonly path: string
  /** Of a new environment; an existing one keeps its own. */
  readonly pageSize: number
  readonly maxFileBytes: number
  readonly warn: (message: string) => void
}

/** LMDB's own name for an address space that is used up; nothing was written. */
const MDB_MAP_FULL = -30792
/** File space that batches leave to term and vote and to what makes room again. */
const HEADROOM_BYTES = 1024 * 1024
/** Pages that a transaction may change beside those of its batches. */
const MAX_OTHER_PAGES = 24

/**
 * The LMDB environment of one store: three databases, written by synchronous transactions that are on
 * disk when they return.
 *
 * lmdb-js by default commits first and flushes later (`overlappingSync`). That is switched off here:
 * a transaction then writes its pages, calls fdatasync, and writes the meta page through a descriptor
 * opened with O_DSYNC, all before `transactionSync` returns. test/log/lmdb-durability.test.ts looks at
 * the system calls.
 */
export class LmdbEnvironment {
  readonly path: string
  readonly log: BinaryDatabase
  readonly #root: RootDatabase
  /** The two copies of each value, in databases and so in pages of their own (S15). */
  readonly #values: readonly [BinaryDatabase, BinaryDatabase]
  readonly #file: DataFile
  readonly #pageBytes: number
  /** At or above the end of the last page that LMDB has ever used. */
  #usedBytes = Number.POSITIVE_INFINITY
  #failure: Error | null = null

  constructor(options: EnvironmentOptions) {
    const { path, pageSize, maxFileBytes, warn } = options
    makeDirectory(path, warn)
    this.path = path
    const encoding = 'binary'
    this.#root = open({
      path,
      pageSize,
      encoding,
      maxDbs: 4,
      maxReaders: 16,
      overlappingSync: false,
    })
    this.log = this.#open('log')
    this.#values = [this.#open('values-a'), this.#open('values-b')]
    this.#file = new DataFile(join(path, 'data.mdb'), maxFileBytes)
    this.#pageBytes = (this.log.getStats() as LogStats).pageSize
    flushDirectory(path, warn)
  }

  #open(name: string): BinaryDatabase {
    return this.#root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
  }

  /**
   * Runs `change` as one transaction that adds at most so many bytes of values; durable when it returns.
   * @throws StoreFullError when there was no room; nothing was written then. Any other error means
   * that a write or a flush failed, and the environment refuses everything afterwards.
   */
  commit(bytes: number, values: number, change: () => void): void {
    this.#assertUsable()
    this.#makeRoom(bytes, values)
    if (bytes > 0) this.#file.step(bytes)
    try {
      this.#root.transactionSync(change)
      this.#file.flushed()
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === MDB_MAP_FULL) {
        throw new StoreFullError(`no room in ${this.path}: ${error.message}`, { cause: error })
      }
      // S15: after a failed write or flush nobody knows what is on disk, and LMDB's own state is not to
      // be trusted either: its error path writes past the end of a message buffer.
      this.#failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  /** Whether a commit of batches would find room now. */
  hasRoom(bytes: number, values: number): boolean {
    try {
      this.#makeRoom(bytes, values)
      return true
    } catch (error) {
      if (error instanceof StoreFullError) return false
      throw error
    }
  }

  getValue(key: string): Uint8Array | null {
    this.#assertUsable()
    return this.#databaseOf(key).getBinary(Buffer.from(key)) ?? null
  }

  /** Inside `commit`. */
  putValue(key: string, value: Uint8Array): void {
    this.#databaseOf(key).putSync(Buffer.from(key), unshared(value))
  }

  #databaseOf(key: string): BinaryDatabase {
    return key.startsWith('b/') ? this.#values[1] : this.#values[0]
  }

  size(): number {
    return this.#file.size
  }

  async close(): Promise<void> {
    this.#file.close()
    await this.#root.close()
  }

  /** The file has space for the transaction even if LMDB uses no free page. @throws StoreFullError */
  #makeRoom(bytes: number, values: number): void {
    const most = this.#mostBytes(bytes, values)
    const needed = bytes > 0 ? most + HEADROOM_BYTES : most
    if (this.#usedBytes + needed > this.#file.size) {
      const { used, free } = this.#measure()
      this.#usedBytes = used
      // On a full disk LMDB lives on the pages that compaction gave back. A batch takes consecutive
      // ones, so there must be a few times as many as it needs.
      if (used + needed > this.#file.size) this.#grow(used + needed, free > 4 * needed)
      this.#file.keepAheadOf(used + needed)
    }
    this.#usedBytes += most
  }

  /** Bytes up to the last page ever used, and how many of them are free. */
  #measure(): { readonly used: number; readonly free: number } {
    const stats = this.log.getStats() as LogStats
    const pages = stats.lastPageNumber + 1
    const taken = pagesOf(stats) + pagesOf(stats.free) + MAX_OTHER_PAGES
    return { used: pages * this.#pageBytes, free: (pages - taken) * this.#pageBytes }
  }

  #grow(bytes: number, mayFail: boolean): void {
    try {
      this.#file.grow(bytes)
    } catch (error) {
      if (!(error instanceof StoreFullError && mayFail)) throw error
    }
  }

  /** What a transaction may take that finds no free page to use again. */
  #mostBytes(bytes: number, values: number): number {
    return bytes + (values + MAX_OTHER_PAGES) * this.#pageBytes
  }

  #assertUsable(): void {
    if (this.#failure === null) return
    throw new Error(`the store in ${this.path} failed before and was not reopened`, {
      cause: this.#failure,
    })
  }
}

/** What LMDB says of its pages; lmdb-js leaves it untyped. */
interface PageStats {
  readonly pageSize: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

interface LogStats extends PageStats {
  /** Of the environment: the last page ever used. */
  readonly lastPageNumber: number
  readonly free: PageStats
}

function pagesOf(stats: PageStats): number {
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages
}

let scratch = Buffer.alloc(256 * 1024)

/**
 * The bytes in ordinary memory, valid until the next call. lmdb-js asks for the address of the value's
 * ArrayBuffer, and the function it asks with does not take a SharedArrayBuffer: the process would
 * crash. The copy costs less than the checksum does.
 */
export function unshared(bytes: Uint8Array): Buffer {
  if (bytes.byteLength > scratch.length) scratch = Buffer.alloc(bytes.byteLength * 2)
  copyBytes(scratch, bytes)
  return scratch.subarray(0, bytes.byteLength)
}
