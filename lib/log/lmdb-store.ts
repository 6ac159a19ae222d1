import { join } from 'node:path'
import type { LogIndex, Term } from '../core/types.js'
import { runSteps } from '../runtime/steps.js'
import { readHeader } from './batch-layout.js'
import { makeDirectory } from './directory.js'
import { type DirectoryLock, lockDirectory } from './directory-lock.js'
import { LmdbEnvironment } from './lmdb-environment.js'
import { LmdbLog } from './lmdb-log.js'
import type { LmdbStoreOptions } from './lmdb-options.js'
import { refuseOtherStore } from './other-store.js'
import { RecoveryScan } from './recovery.js'
import { readSealed, sealed } from './sealed-value.js'
import { type LogPoint, StagedLog } from './staged-log.js'
import {
  type Store,
  type StoreContext,
  StoreCorruptError,
  type StoredBatch,
  type StoredLog,
  StoreFullError,
} from './store.js'

export type { LmdbStoreOptions }

const DEFAULT_PAGE_BYTES = 16 * 1024
const FORMAT = 1
/** Batches among the bytes of a refused append, when asked whether there is room again. */
const MAX_BATCHES_GUESSED = 16
/** Compacted batches that one flush removes: all at once would hold up the appends behind them. */
const REMOVED_PER_FLUSH = 256

/** Opens the store in `dataDir/lmdb` and locks `dataDir`. */
export async function createStore(
  options: LmdbStoreOptions,
  context: StoreContext,
): Promise<Store> {
  const warn = once((message) => context.warn(message))
  makeDirectory(context.dataDir, warn)
  const lock = await lockDirectory(context.dataDir)
  let environment: LmdbEnvironment | null = null
  try {
    refuseOtherStore(context.dataDir, 'lmdb')
    environment = new LmdbEnvironment({
      path: join(context.dataDir, 'lmdb'),
      pageSize: options.pageSize ?? DEFAULT_PAGE_BYTES,
      maxFileBytes: options.maxFileBytes ?? Number.POSITIVE_INFINITY,
      warn,
    })
    return new LmdbStore(environment, lock)
  } catch (error) {
    await environment?.close()
    await lock.release()
    throw error
  }
}

/**
 * The log in LMDB: a batch is one value; a flush is one transaction with everything staged, on disk
 * when it returns. LMDB writes a transaction whole or not at all, so a crash tears nothing; damage to
 * the file is found by the batches' checksums.
 */
export class LmdbStore implements Store {
  readonly #environment: LmdbEnvironment
  readonly #log: LmdbLog
  readonly #lock: DirectoryLock
  /** What the last flush made of the log. `end` is the last index on disk, a torn batch included. */
  #saved: { readonly base: LogPoint; readonly last: LogPoint; readonly end: LogIndex }
  #staged: StagedLog
  #stagedBytes = 0
  /** Compacted batches may still be on disk. */
  #leftovers = true

  constructor(environment: LmdbEnvironment, lock: DirectoryLock) {
    this.#environment = environment
    this.#log = new LmdbLog(environment.log)
    this.#lock = lock
    this.#checkFormat()
    const base = this.#readBase()
    this.#saved = { base, last: base, end: base.index }
    this.#staged = new StagedLog(this.#log, base, base)
  }

  recover(): StoredLog {
    const { base } = this.#saved
    const scan = new RecoveryScan(base)
    for (const [index, bytes] of this.#log.from(base.index + 1)) scan.accept(index, bytes)
    const found = scan.finish()
    const last = { index: found.lastIndex, term: found.lastTerm }
    this.#saved = { base, last, end: found.voteFloor?.index ?? last.index }
    this.#rollBack()
    return found
  }

  append(batches: readonly StoredBatch[]): void {
    for (const batch of batches) {
      this.#staged.append(batch, readHeader(batch.bytes).prevTerm)
      this.#stagedBytes += batch.bytes.byteLength
    }
  }

  truncate(fromIndex: LogIndex): void {
    this.#staged.truncate(fromIndex)
  }

  compact(throughIndex: LogIndex): void {
    this.#staged.compact(throughIndex)
  }

  reset(index: LogIndex, term: Term): void {
    this.#staged.reset(index, term)
  }

  flush(): void {
    if (!this.#isStaged()) return
    try {
      const { length } = this.#staged.added
      this.#environment.commit(this.#stagedBytes, length, () => this.#write())
    } catch (error) {
      if (error instanceof StoreFullError) this.#rollBack()
      throw error
    }
    const { base, last } = this.#staged
    this.#saved = { base, last, end: last.index }
    this.#rollBack()
  }

  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): StoredBatch[] {
    return this.#staged.read(fromIndex, toIndex, maxBytes, (end) =>
      this.#log.read(fromIndex, end, maxBytes),
    )
  }

  hasRoom(bytes: number): boolean {
    return this.#environment.hasRoom(bytes, MAX_BATCHES_GUESSED)
  }

  get(key: string): Uint8Array | null {
    return this.#environment.getValue(key)
  }

  set(values: Readonly<Record<string, Uint8Array>>): void {
    this.#environment.commit(0, 0, () => this.#putValues(values))
  }

  size(): number {
    return this.#environment.size()
  }

  async close(): Promise<void> {
    await this.#environment.close()
    await this.#lock.release()
  }

  #isStaged(): boolean {
    const { base, kept, cleared, added } = this.#staged
    const saved = this.#saved
    return added.length > 0 || cleared || kept.index < saved.end || base.index !== saved.base.index
  }

  /** The staged operations, inside a transaction. */
  #write(): void {
    const { base, kept, cleared, added } = this.#staged
    if (cleared) this.#log.clear()
    else if (kept.index < this.#saved.end) this.#log.removeFrom(kept.index + 1)
    for (const batch of added) this.#log.put(batch)
    if (base !== this.#saved.base) {
      this.#putValues(sealed('log-base', encode(base)))
      this.#leftovers = true
    }
    if (!this.#leftovers) return
    this.#leftovers = this.#log.removeBelow(base.index + 1, REMOVED_PER_FLUSH) > 0
  }

  /** Drops what is staged: the log is what the last flush made it. */
  #rollBack(): void {
    this.#stagedBytes = 0
    this.#staged = new StagedLog(this.#log, this.#saved.base, this.#saved.last)
  }

  #putValues(values: Readonly<Record<string, Uint8Array>>): void {
    for (const [key, value] of Object.entries(values)) this.#environment.putValue(key, value)
  }

  #checkFormat(): void {
    const format = this.#readValue('format')
    if (format === null) {
      this.set(sealed('format', encode(FORMAT)))
    } else if (format !== FORMAT) {
      throw new StoreCorruptError(
        `expected store format ${FORMAT}, found ${JSON.stringify(format)}: a later release wrote it`,
        0,
      )
    }
  }

  #readBase(): LogPoint {
    const base = this.#readValue('log-base') as LogPoint | null
    return base ?? { index: 0, term: 0 }
  }

  #readValue(name: string): unknown {
    const bytes = runSteps(readSealed((key) => this.get(key), name))
    if (bytes === null) return null
    return JSON.parse(Buffer.from(bytes as Uint8Array).toString())
  }
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

function once(warn: (message: string) => void): (message: string) => void {
  let warned = false
  return (message) => {
    if (!warned) warn(message)
    warned = true
  }
}
