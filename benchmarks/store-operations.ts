import { ENTRY_COMMAND, encodeBatch, readHeader } from '../lib/log/batch.js'
import { batchBytes } from '../lib/log/slab.js'
import type { Store, StoredBatch } from '../lib/log/store.js'
import { Prng } from '../lib/runtime/prng.js'

/** Prepares the store and returns what is timed: a call that resolves to the flushes it took. */
type Prepare = (log: WrittenLog, batch: number) => Promise<() => Promise<number>>

/** A store tells its first and last index once, when it is opened; here they are read, entry and all. */
export const OPERATIONS = {
  StoreLog: async (log) => () => log.append(1),
  StoreLogs: async (log, batch) => () => log.append(batch),
  GetLog: async (log) => {
    await log.fill(1000, 10)
    const random = new Prng(1)
    return () => log.get(1 + (random.next() % 10_000))
  },
  FirstIndex: async (log) => {
    await log.fill(1000, 10)
    return () => log.get(1)
  },
  LastIndex: async (log) => {
    await log.fill(1000, 10)
    return () => log.get(10_000)
  },
  DeleteRange: async (log) => {
    await log.fill(20_000, 3)
    return () => log.deleteOldest(3)
  },
  Set: async (log) => () => log.set('a/key', new Uint8Array(64)),
  Get: async (log) => {
    await log.set('a/key', new Uint8Array(64))
    return () => log.read('a/key')
  },
  SetUint64: async (log) => () => log.set('a/number', new Uint8Array(8)),
  GetUint64: async (log) => {
    await log.set('a/number', new Uint8Array(8))
    return () => log.read('a/number')
  },
} as const satisfies Readonly<Record<string, Prepare>>

export type OperationName = keyof typeof OPERATIONS

/** A log that is written and read as the log actor does it. */
export class WrittenLog {
  readonly #store: Store
  readonly #data: Uint8Array
  #first = 1
  #last = 0

  constructor(store: Store, size: number) {
    this.#store = store
    this.#data = new Uint8Array(size).fill(7)
  }

  async append(count: number): Promise<number> {
    await this.#store.append([this.#batch(count)])
    await this.#store.flush()
    return 1
  }

  /** `batches` batches, flushed a hundred at a time. */
  async fill(batches: number, entries: number): Promise<void> {
    for (let n = 1; n <= batches; n++) {
      await this.#store.append([this.#batch(entries)])
      if (n % 100 === 0) await this.#store.flush()
    }
    await this.#store.flush()
  }

  async get(index: number): Promise<number> {
    const [batch] = await this.#store.read(index, index, 1)
    if (batch === undefined || readHeader(batch.bytes).lastIndex < index) throw new Error('missing')
    return 0
  }

  /** Goes on with fresh entries when there are no more. */
  async deleteOldest(count: number): Promise<number> {
    if (this.#first + count > this.#last) await this.fill(20_000, count)
    this.#first += count
    await this.#store.compact(this.#first - 1)
    await this.#store.flush()
    return 1
  }

  async set(key: string, value: Uint8Array): Promise<number> {
    await this.#store.set({ [key]: value })
    return 1
  }

  async read(key: string): Promise<number> {
    if ((await this.#store.get(key)) === null) throw new Error('missing')
    return 0
  }

  #batch(count: number): StoredBatch {
    const firstIndex = this.#last + 1
    const entries = Array.from({ length: count }, () => ({ type: ENTRY_COMMAND, data: this.#data }))
    const head = { firstIndex, term: 1, prevTerm: firstIndex === 1 ? 0 : 1, time: 1 }
    const bytes = batchBytes(encodeBatch(entries, head))
    this.#last += count
    return { firstIndex, lastIndex: this.#last, term: 1, bytes }
  }
}
