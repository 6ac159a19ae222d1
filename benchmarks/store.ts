import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { loadStore } from '../lib/log/load.js'
import type { StoreSpec } from '../lib/log/store.js'
import { lmdbStore, memoryStore, walStore } from '../lib/log/stores.js'
import { now } from '../lib/runtime/clock.js'
import type { Surroundings } from './benchmark.js'
import type { StoreName } from './cluster/node-calls.js'
import { amount, oneOf, type SettingsOf, whole } from './flags.js'
import { OPERATIONS, type OperationName, WrittenLog } from './store-operations.js'

const STORES: Readonly<Record<StoreName, () => StoreSpec>> = {
  lmdb: lmdbStore,
  wal: walStore,
  memory: memoryStore,
}

const flags = {
  store: oneOf('lmdb', 'wal', 'memory'),
  size: whole(256, 0, 1_048_576),
  /** Entries of one StoreLogs call. */
  batch: whole(64, 1, 4096),
  /** For each operation. */
  seconds: amount(1, 0.01, 600),
}

type Settings = SettingsOf<typeof flags>

/**
 * The operations that hashicorp/raft's bench package times, each in a store of its own; every call
 * returns flushed. One line an operation: calls a second, and flushes among them.
 */
async function run(settings: Settings, { dir, report }: Surroundings): Promise<void> {
  for (const operation of Object.keys(OPERATIONS) as OperationName[]) {
    report({ operation, ...(await measureOperation(operation, settings, dir)) })
  }
}

export interface OperationFigures {
  /** Calls. */
  readonly ops_s: number
  readonly flushes: number
}

/** One operation in a new store in `dir`. */
export async function measureOperation(
  operation: OperationName,
  { store: name, size, batch, seconds }: Settings,
  dir: string,
): Promise<OperationFigures> {
  const dataDir = await mkdtemp(join(dir, 'store-'))
  const store = await loadStore(STORES[name](), { nodeId: 'n1', dataDir, now, warn: () => {} })
  try {
    await store.recover()
    const call = await OPERATIONS[operation](new WrittenLog(store, size), batch)
    await repeat(call, seconds * 200)
    return await repeat(call, seconds * 1000)
  } finally {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function repeat(
  call: () => Promise<number>,
  milliseconds: number,
): Promise<OperationFigures> {
  const begin = now()
  let calls = 0
  let flushes = 0
  while (now() - begin < milliseconds) {
    flushes += await call()
    calls++
  }
  return { ops_s: Math.round((calls * 1000) / (now() - begin)), flushes }
}

export const benchmark = { flags, run }
