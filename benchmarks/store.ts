import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENTRY_COMMAND, encodeBatch, readHeader } from '../lib/log/batch.js'
import { loadStore } from '../lib/log/load.js'
import { batchBytes } from '../lib/log/slab.js'
import type { Store, StoredBatch, StoreSpec } from '../lib/log/store.js'
import { lmdbStore, memoryStore, walStore } from '../lib/log/stores.js'
import type { Flags } from './run.js'

const STORES: Readonly<Record<string, () => StoreSpec>> = {
  lmdb: lmdbStore,
  wal: walStore,
  memory: memoryStore,
}

interface Settings {
  readonly store: string
  readonly size: number
  /** Entries of one StoreLogs call. */
  readonly batch: number
  /** For each operation. */
  readonly seconds: number
}

/**
 * The operations that hashicorp/raft's bench package times, each in a store of its own; every call
 * returns flushed. One line an operation: calls a second, and flushes among them.
 */
export async function run(flags: Flags): Promise<void> {
  const settings: Settings = {
    store: String(flags.store ?? 'lmdb'),
    size: Number(flags.size ?? 256),
    batch: Number(flags.batch ?? 64),
    seconds: Number(flags.seconds ?? 1),
  }
  for (const [operation, prepare] of Object.entries(OPERATIONS)) {
    const figures = await measure(settings, prepare)
    print({ bench: 'store', ...settings, operation, ...figures }, flags)
  }
}

/** Prepares the store and returns what is timed: a call that resolves to the flushes it took. */
type Prepare = (log: Log, settings: Settings) => Promise<() => Promise<number>>

const OPERATIONS: Readonly<Record<string, Prepare>> = {
  StoreLog: async (log) => () => log.append(1),
  StoreLogs:
    async (log, { batch }) =>
    () =>
      log.append(batch),
  GetLog: async (log) => {
    await log.fill(1000, 10)
    return () => log.get(1 + Math.floor(Math.random() * 10_000))
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
}

async function measure(settings: Settings, prepare: Prepare): Promise<object> {
  const spec = STORES[settings.store]
  if (spec === undefined) throw new Error(`expected --store lmdb, wal or memory`)
  const dataDir = await mkdtemp(join(tmpdir(), 'troupe-store-'))
  const context = { nodeId: 'n1', dataDir, now: () => performance.now(), warn: () => {} }
  const store = await loadStore(spec(), context)
  try {
    await store.recover()
    const call = await prepare(new Log(store, settings.size), settings)
    await repeat(call, settings.seconds * 200)
    return await repeat(call, settings.seconds * 1000)
  } finally {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function repeat(
  call: () => Promise<number>,
  milliseconds: number,
): Promise<{ readonly ops_s: number; readonly flushes: number }> {
  const start = performance.now()
  let calls = 0
  let flushes = 0
  while (performance.now() - start < milliseconds) {
    flushes += await call()
    calls++
  }
  return { ops_s: Math.round((calls * 1000) / (performance.now() - start)), flushes }
}

/** A log that is written and read as the log actor does it. */
class Log {
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

function print(line: Readonly<Record<string, unknown>>, flags: Flags): void {
  if (flags.json === true) process.stdout.write(`${JSON.stringify(line)}\n`)
  else {
    const { operation, ops_s, flushes } = line
    process.stdout.write(`${String(operation).padEnd(12)} ${String(ops_s).padStart(10)} ops/s `)
    process.stdout.write(`${String(flushes).padStart(8)} flushes\n`)
  }
}
