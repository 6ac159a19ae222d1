import { assert } from '../core/assert.js'
import type { LogIndex } from '../core/types.js'
import { type BatchHeader, readHeader } from './batch-layout.js'
import { type BinaryDatabase, unshared } from './lmdb-environment.js'
import type { StoredBatch } from './store.js'

/** The batches on disk: one value each, under the first index as 8 bytes big-endian. */
export class LmdbLog {
  readonly #database: BinaryDatabase

  constructor(database: BinaryDatabase) {
    this.#database = database
  }

  /** Every batch from the first that begins at or above `index`, with its key, oldest first. */
  *from(index: LogIndex): Generator<readonly [LogIndex, Uint8Array]> {
    // Keys are collected first: the range's transaction must not stay open between two of them.
    for (const key of this.#keys(index, Number.MAX_SAFE_INTEGER)) {
      yield [indexOf(key), this.#valueOf(key)]
    }
  }

  /** Header of the batch that holds `index`. */
  holding(index: LogIndex): BatchHeader {
    const batch = this.#find(index)
    assert(batch !== null, 'no batch on disk holds the index', { index })
    return readHeader(batch)
  }

  /** As Store.read, of what is on disk up to `toIndex`. */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): StoredBatch[] {
    const found: StoredBatch[] = []
    let bytes = 0
    for (let index = fromIndex; index <= toIndex && bytes < maxBytes; ) {
      const value = this.#find(index)
      if (value === null) break
      const batch = toStored(value)
      if (batch.lastIndex < index) break
      found.push(batch)
      bytes += value.byteLength
      index = batch.lastIndex + 1
    }
    return found
  }

  /** Inside a commit, as are all below. `batch` comes behind everything stored. */
  put(batch: StoredBatch): void {
    const stored: unknown = this.#database.putSync(
      keyOf(batch.firstIndex),
      unshared(batch.bytes),
      APPEND,
    )
    assert(stored === true, 'a batch is stored out of order', { firstIndex: batch.firstIndex })
  }

  removeFrom(index: LogIndex): void {
    for (const key of this.#keys(index, Number.MAX_SAFE_INTEGER)) this.#database.removeSync(key)
  }

  /** Removes batches that begin below `index`, at most `limit` of them. Returns how many. */
  removeBelow(index: LogIndex, limit: number): number {
    const keys = this.#keys(0, index, limit)
    for (const key of keys) this.#database.removeSync(key)
    return keys.length
  }

  clear(): void {
    this.#database.clearSync()
  }

  /** Keys from `from` to below `to`. */
  #keys(from: LogIndex, to: LogIndex, limit?: number): readonly Buffer[] {
    const range = { start: keyOf(from), end: keyOf(to) }
    return [...this.#database.getKeys(limit === undefined ? range : { ...range, limit })]
  }

  /** The last batch that begins at or below `index`. */
  #find(index: LogIndex): Buffer | null {
    const range = { start: keyOf(index), reverse: true, limit: 1 }
    const [key] = this.#database.getKeys(range)
    return key === undefined ? null : this.#valueOf(key)
  }

  #valueOf(key: Buffer): Buffer {
    const value = this.#database.getBinary(key)
    assert(value !== undefined, 'a batch vanished while it was read', { firstIndex: indexOf(key) })
    return value
  }
}

const APPEND = { append: true }

function toStored(bytes: Uint8Array): StoredBatch {
  const { firstIndex, lastIndex, term } = readHeader(bytes)
  return { firstIndex, lastIndex, term, bytes }
}

/** Keys sort as the indexes do, and have no 32-bit limit. */
function keyOf(firstIndex: LogIndex): Buffer {
  const key = Buffer.alloc(8)
  key.writeBigUInt64BE(BigInt(firstIndex))
  return key
}

function indexOf(key: Buffer): LogIndex {
  return Number(key.readBigUInt64BE())
}
