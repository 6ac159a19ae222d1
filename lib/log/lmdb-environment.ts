import { statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { flushDirectory, makeDirectory } from './directory.js'
import { StoreFullError } from './store.js'

export type BinaryDatabase = Database<Buffer, Buffer>

const MDB_MAP_FULL = -30792
const ENOSPC = 28
const EDQUOT = 122
const FULL = new Set<unknown>([MDB_MAP_FULL, ENOSPC, EDQUOT])

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
  #failure: Error | null = null

  constructor(path: string, pageSize: number, warn: (message: string) => void) {
    makeDirectory(path, warn)
    this.path = path
    this.#root = open({
      path,
      pageSize,
      encoding: 'binary',
      maxDbs: 4,
      maxReaders: 16,
      overlappingSync: false,
    })
    this.log = this.#open('log')
    this.#values = [this.#open('values-a'), this.#open('values-b')]
    flushDirectory(path, warn)
  }

  #open(name: string): BinaryDatabase {
    return this.#root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
  }

  /**
   * Runs `change` as one transaction; durable when it returns.
   * @throws StoreFullError when there was no room; nothing was written then. Any other error means
   * that a write or a flush failed, and the environment refuses everything afterwards.
   */
  commit(change: () => void): void {
    this.#usable()
    try {
      this.#root.transactionSync(change)
    } catch (error) {
      if (error instanceof Error && 'code' in error && FULL.has(error.code)) {
        throw new StoreFullError(`no room in ${this.path}: ${error.message}`, { cause: error })
      }
      // S15: after a failed flush nobody knows what is on disk; LMDB's own state is not to be trusted
      // either, and it does not survive a second transaction after a fatal error.
      this.#failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  /**
   * A disk that fills up in the middle of a write can look like a failing one (a short write), so the
   * room is looked at first. @throws StoreFullError
   */
  assertRoom(bytes: number, reserved: number): void {
    if (this.hasRoom(bytes, reserved)) return
    throw new StoreFullError(
      `${this.path} has no room for ${bytes} bytes beside the ${reserved} kept in reserve`,
    )
  }

  hasRoom(bytes: number, reserved: number): boolean {
    const { bavail, bsize } = statfsSync(this.path)
    return bavail * bsize >= bytes + reserved
  }

  getValue(key: string): Uint8Array | null {
    this.#usable()
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
    return statSync(join(this.path, 'data.mdb')).size
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  #usable(): void {
    if (this.#failure === null) return
    throw new Error(`the store in ${this.path} failed before and was not reopened`, {
      cause: this.#failure,
    })
  }
}

let scratch = Buffer.alloc(256 * 1024)

/**
 * The bytes in ordinary memory, valid until the next call. lmdb-js asks for the address of the value's
 * ArrayBuffer, and the function it asks with does not take a SharedArrayBuffer: the process would
 * crash. The copy costs a tenth of the checksum.
 */
export function unshared(bytes: Uint8Array): Buffer {
  if (bytes.byteLength > scratch.length) scratch = Buffer.alloc(bytes.byteLength * 2)
  scratch.set(bytes)
  return scratch.subarray(0, bytes.byteLength)
}
