import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { assert } from '../../core/assert.js'
import type { LogIndex, Term } from '../../core/types.js'
import { runSteps, type Steps } from '../../runtime/steps.js'
import { readHeader } from '../batch-layout.js'
import { makeDirectory } from '../directory.js'
import { lockDirectory } from '../directory-lock.js'
import { refuseOtherStore } from '../other-store.js'
import { damagedLog } from '../recovery.js'
import { type LogPoint, StagedLog } from '../staged-log.js'
import {
  type Store,
  type StoreContext,
  StoreCorruptError,
  type StoredBatch,
  type StoredLog,
  StoreFullError,
} from '../store.js'
import { DirectMemory } from './direct-writer.js'
import { isRefusal } from './disk.js'
import { nodeDisk } from './node-disk.js'
import { hasSegments } from './open-segments.js'
import { VALUES_NAME, ValuesFile } from './values-file.js'
import { WalLog, type WalLogOptions } from './wal-log.js'
import { type WalStoreOptions, walSettings } from './wal-options.js'

export type { WalStoreOptions }

const START: LogPoint = { index: 0, term: 0 }

/** Opens the store in `dataDir/wal` and locks `dataDir`. */
export async function createStore(options: WalStoreOptions, context: StoreContext): Promise<Store> {
  const settings = walSettings(options)
  const warn = once((message) => context.warn(message))
  makeDirectory(context.dataDir, warn)
  const lock = await lockDirectory(context.dataDir)
  try {
    refuseOtherStore(context.dataDir, 'wal')
    const directory = join(context.dataDir, 'wal')
    makeDirectory(directory, warn)
    const disk = nodeDisk(warn, settings.directIo ? DirectMemory.make() : null)
    const log = {
      ...settings,
      disk,
      directory,
      random: randomBytes,
      warn: (message: string) => context.warn(message),
    }
    return new WalStore(log, () => lock.release())
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The log in segments, the small values in a file of their own. The README here has the format. */
export class WalStore implements Store {
  readonly #directory: string
  readonly #values: ValuesFile
  readonly #log: WalLog
  readonly #release: () => Promise<void>
  /** What the last flush made of the log. */
  #saved = { base: START, last: START }
  #staged: StagedLog
  #failure: unknown = null

  constructor(options: WalLogOptions, release: () => Promise<void> = async () => {}) {
    const { disk, directory } = options
    this.#directory = directory
    this.#release = release
    if (disk.list(directory).includes(VALUES_NAME)) {
      this.#values = ValuesFile.open(disk, directory)
    } else {
      // The values come first, so a log without them lost them.
      if (hasSegments(disk, directory)) throw missing(join(directory, VALUES_NAME))
      this.#values = ValuesFile.create(disk, directory)
    }
    this.#log = new WalLog(options)
    this.#staged = new StagedLog(this.#log.segments, START, START)
  }

  recover(): StoredLog {
    const { base, last, floor, number, valuesVersion } = this.#log.open()
    if (number < this.#values.frames) {
      throw damagedLog(
        last.index + 1,
        `${this.#values.frames} frames were written, and the last that is there is frame ${number}`,
      )
    }
    if (valuesVersion > this.#values.version) {
      throw new StoreCorruptError(
        `term and vote of ${this.#directory} are older than its log: expected version ${valuesVersion}, found ${this.#values.version}. Move the data directory away and add this node again as a new member.`,
        0,
      )
    }
    this.#saved = { base, last }
    this.#rollBack()
    const log = {
      firstIndex: base.index + 1,
      lastIndex: last.index,
      prevTerm: base.term,
      lastTerm: last.term,
    }
    return floor === null ? log : { ...log, voteFloor: floor }
  }

  append(batches: readonly StoredBatch[]): void {
    for (const batch of batches) {
      const { prevTerm } = readHeader(batch.bytes)
      const { last, base } = this.#staged
      this.#staged.append(batch, prevTerm)
      const straddles = batch.firstIndex <= base.index
      assert(straddles || prevTerm === last.term, 'the log has another term before a batch', {
        firstIndex: batch.firstIndex,
        prevTerm,
        lastTerm: last.term,
      })
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

  flush(): void | Promise<void> {
    if (!this.#isStaged()) return
    return runSteps(this.#flush())
  }

  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): StoredBatch[] {
    return this.#staged.read(fromIndex, toIndex, maxBytes, (end) =>
      this.#log.segments.read(fromIndex, end, maxBytes),
    )
  }

  hasRoom(bytes: number): boolean {
    return this.#log.hasRoom(bytes)
  }

  get(key: string): Uint8Array | null {
    return this.#values.get(key)
  }

  set(values: Readonly<Record<string, Uint8Array>>): void {
    this.#assertUsable()
    try {
      this.#values.set(values, this.#log.frames)
    } catch (error) {
      if (isRefusal(error)) throw new StoreFullError(error.message, { cause: error })
      this.#failure = error
      throw error
    }
  }

  size(): number {
    return this.#log.bytes + this.#values.bytes
  }

  async close(): Promise<void> {
    await this.#log.close()
    this.#values.close()
    await this.#release()
  }

  *#flush(): Steps {
    this.#assertUsable()
    try {
      yield* this.#log.write(this.#staged, this.#values.version)
    } catch (error) {
      // S15: after a failed write or flush nobody knows what is on disk.
      if (error instanceof StoreFullError) this.#rollBack()
      else this.#failure = error
      throw error
    }
    const { base, last } = this.#staged
    this.#saved = { base, last }
    this.#rollBack()
  }

  #isStaged(): boolean {
    const { base, kept, cleared, added } = this.#staged
    const saved = this.#saved
    return (
      added.length > 0 ||
      cleared ||
      kept.index < saved.last.index ||
      base.index !== saved.base.index
    )
  }

  /** Drops what is staged: the log is what the last flush made it. */
  #rollBack(): void {
    this.#staged = new StagedLog(this.#log.segments, this.#saved.base, this.#saved.last)
  }

  #assertUsable(): void {
    if (this.#failure === null) return
    throw new Error(`the store in ${this.#directory} failed before and was not reopened`, {
      cause: this.#failure,
    })
  }
}

function missing(path: string): StoreCorruptError {
  return new StoreCorruptError(
    `${path} is missing, and the log beside it is not: term and vote are lost. Move the data directory away and add this node again as a new member.`,
    0,
  )
}

function once(warn: (message: string) => void): (message: string) => void {
  let warned = false
  return (message) => {
    if (!warned) warn(message)
    warned = true
  }
}
