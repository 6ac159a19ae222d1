import { type StoredLog, StoreFullError } from '../../../../lib/log/store.js'
import { ALL, batchOf } from '../../../../lib/log/store-contract-tools.js'
import { WalStore } from '../../../../lib/log/wal/wal-store.js'
import { Prng } from '../../../../lib/runtime/prng.js'
import { CrashDisk } from './crash-disk.js'
import {
  appended,
  compacted,
  describeLog,
  EMPTY_LOG,
  lastOf,
  type ModelLog,
  truncated,
} from './log-model.js'

const SEGMENT_BYTES = 64 * 1024

export interface HistoryTotals {
  flushes: number
  truncations: number
  compactions: number
  resets: number
  sets: number
  refused: number
  reopened: number
  tornFlushes: number
  segments: number
}

export function openOn(
  disk: CrashDisk,
  random: Prng,
  maxLogBytes = Number.POSITIVE_INFINITY,
): WalStore {
  return new WalStore({
    disk,
    directory: '/wal',
    segmentBytes: SEGMENT_BYTES,
    maxLogBytes,
    random: (length) => Uint8Array.from({ length }, () => random.integer(0, 255)),
    warn: (message) => {
      throw new Error(message)
    },
  })
}

interface Survivor {
  readonly disk: CrashDisk
  readonly store: WalStore
  readonly log: ModelLog
  readonly values: string | null
}

/**
 * A random life of a store, with a crash tried at each flush: the disk as the crash leaves it is opened,
 * and must hold what was acknowledged, or that and what was about to be.
 */
export class History {
  readonly #random: Prng
  readonly #totals: HistoryTotals
  #disk: CrashDisk
  #store: WalStore
  /** What the last flush made of the log, and what the next one will. */
  #log = EMPTY_LOG
  #staged = EMPTY_LOG
  #values: string | null = null
  #nextValues: string | null = null
  #term = 1
  /** What a crash left, to go on with. */
  #next: Survivor | null = null

  constructor(seed: number, totals: HistoryTotals) {
    this.#random = new Prng(seed)
    this.#totals = totals
    this.#disk = new CrashDisk()
    this.#disk.beforeSync = () => this.#tryCrash(0.4)
    this.#store = openOn(this.#disk, this.#random)
    this.#store.recover()
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#step()
      this.#goOn()
    }
    this.#tryCrash(1)
  }

  async #step(): Promise<void> {
    const random = this.#random
    const choice = random.integer(0, 99)
    if (choice < 60) return this.#append()
    if (choice < 75) return this.#truncate()
    if (choice < 83) return this.#compact()
    if (choice < 86) return this.#reset()
    if (choice < 93) return this.#set()
    await this.#flush()
  }

  async #append(): Promise<void> {
    const random = this.#random
    for (let count = random.integer(1, 3); count > 0; count--) {
      const last = lastOf(this.#staged)
      if (random.chance(0.2)) this.#term++
      const straddles = this.#staged.batches.length === 0 && last.index > 3 && random.chance(0.3)
      const from = straddles ? last.index - random.integer(0, 2) : last.index + 1
      const to = last.index + random.integer(1, 4)
      const size = random.chance(0.1) ? random.integer(2000, 30_000) : random.integer(0, 300)
      const batch = batchOf(from, to, Math.max(this.#term, last.term), last.term, size)
      this.#store.append([batch])
      if (straddles) this.#staged = { base: { index: from - 1, term: last.term }, batches: [batch] }
      else this.#staged = appended(this.#staged, batch)
    }
    if (random.chance(0.8)) await this.#flush()
  }

  async #truncate(): Promise<void> {
    const { batches } = this.#staged
    const from = Math.max(0, batches.length - this.#random.integer(1, 6))
    const batch = batches[from]
    if (batch === undefined) return
    this.#store.truncate(batch.firstIndex)
    this.#staged = truncated(this.#staged, batch.firstIndex)
    this.#term++
    this.#totals.truncations++
    if (this.#random.chance(0.3)) await this.#flush()
  }

  async #compact(): Promise<void> {
    const { base } = this.#staged
    const last = lastOf(this.#staged)
    const through = this.#random.chance(0.1)
      ? last.index
      : this.#random.integer(base.index, last.index)
    this.#store.compact(through)
    this.#staged = compacted(this.#staged, through)
    this.#totals.compactions++
    if (this.#random.chance(0.5)) await this.#flush()
  }

  async #reset(): Promise<void> {
    const index = lastOf(this.#staged).index + this.#random.integer(0, 50)
    this.#store.reset(index, this.#term)
    this.#staged = { base: { index, term: this.#term }, batches: [] }
    this.#totals.resets++
    if (this.#random.chance(0.5)) await this.#flush()
  }

  #set(): void {
    const values = `${this.#term}/${this.#random.integer(1, 1e9)}`
    const padding = this.#random.chance(0.03) ? 70_000 : this.#random.integer(0, 2000)
    this.#nextValues = values
    const copy = { 'a/hard-state': Buffer.from(values), 'b/hard-state': Buffer.from(values) }
    this.#store.set({ ...copy, 'a/other': Buffer.alloc(padding, 7) })
    this.#values = values
    this.#totals.sets++
    this.#tryCrash(0.5)
  }

  async #flush(): Promise<void> {
    if (this.#random.chance(0.04)) this.#refuseOneWrite()
    try {
      await this.#store.flush()
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error
      this.#staged = this.#log
      this.#totals.refused++
      return
    } finally {
      this.#disk.fault = null
    }
    this.#log = this.#staged
    this.#totals.flushes++
    this.#tryCrash(0.5)
  }

  #refuseOneWrite(): void {
    this.#disk.fault = (operation) => {
      if (operation !== 'write') return null
      this.#disk.fault = null
      return 'ENOSPC'
    }
  }

  /** A crash at this moment: what it leaves is looked at, and now and then the history's next life. */
  #tryCrash(chance: number): void {
    if (!this.#random.chance(chance) || this.#next !== null) return
    const disk = this.#disk.crashed(this.#random)
    const store = openOn(disk, this.#random)
    const found = this.#check(store, store.recover())
    if (this.#random.chance(0.15)) this.#next = { disk, store, ...found }
  }

  #goOn(): void {
    const next = this.#next
    if (next === null) return
    this.#next = null
    this.#disk.beforeSync = null
    this.#disk = next.disk
    this.#store = next.store
    this.#log = next.log
    this.#staged = next.log
    this.#values = next.values
    this.#nextValues = next.values
    this.#disk.beforeSync = () => this.#tryCrash(0.4)
    this.#totals.reopened++
  }

  #check(store: WalStore, found: StoredLog): { log: ModelLog; values: string | null } {
    if (found.voteFloor !== undefined) throw new Error('a torn frame became a floor for votes')
    const log = {
      base: { index: found.firstIndex - 1, term: found.prevTerm },
      batches: store.read(found.firstIndex, ALL, ALL),
    }
    const last = lastOf(log)
    const text = describeLog(log)
    const allowed = [describeLog(this.#log), describeLog(this.#staged)]
    if (found.lastIndex !== last.index || found.lastTerm !== last.term || !allowed.includes(text)) {
      throw new Error(`found     ${text}\nexpected  ${allowed[0]}\nor        ${allowed[1]}`)
    }
    if (text !== allowed[0]) this.#totals.tornFlushes++
    const value = store.get('a/hard-state')
    const values = value === null ? null : Buffer.from(value).toString()
    if (values !== this.#values && values !== this.#nextValues) {
      throw new Error(`found values ${values}, expected ${this.#values} or ${this.#nextValues}`)
    }
    this.#totals.segments = Math.max(this.#totals.segments, store.size())
    return { log, values }
  }
}
