import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { HardState } from '../core/types.js'
import { loadStore } from '../log/load.js'
import { inspectSealed } from '../log/sealed-value.js'
import { type Store, StoreCorruptError, type StoredLog } from '../log/store.js'
import { storeOfDirectory } from '../log/stores.js'
import { now } from '../runtime/clock.js'
import { errnoOf } from '../snapshot/errors.js'
import { SnapshotFile } from '../snapshot/file-reader.js'
import { nodeFiles } from '../snapshot/files.js'
import { newestFirst } from '../snapshot/order.js'
import { Failure } from './failure.js'
import { noteLine } from './output.js'

/** Who a data directory belongs to, as the log actor writes it. */
export interface StoredIdentity {
  readonly cluster: string
  readonly nodeId: string
  readonly incarnation: string
}

/** A small value, kept twice. */
export interface StoredValue {
  readonly name: string
  /** Null: none of its copies is whole, or there is none. */
  readonly value: unknown
  readonly copies: number
  readonly damaged: number
}

/** A snapshot file, good or bad. */
export interface FoundSnapshot {
  readonly path: string
  readonly file: SnapshotFile | null
  /** Why it cannot be opened. */
  readonly problem: string | null
}

/** Everything that a node makes durable under a name of its own. */
const valueNames = ['identity', 'hard-state', 'incarnations', 'bootstrap', 'vote-floor', 'log-base']

/** The data directory of a node that is not running. It is locked while it is open. */
export class OfflineDirectory {
  readonly path: string
  readonly store: Store
  readonly values: readonly StoredValue[]
  readonly #found: StoredLog | StoreCorruptError

  private constructor(
    path: string,
    store: Store,
    values: readonly StoredValue[],
    found: StoredLog | StoreCorruptError,
  ) {
    this.path = path
    this.store = store
    this.values = values
    this.#found = found
  }

  /** @throws Failure when it is none; DataDirLockedError while its node runs. */
  static async open(dir: string): Promise<OfflineDirectory> {
    const path = resolve(dir)
    const spec = storeOfDirectory(path)
    if (spec === null) {
      throw new Failure(
        `${path} is no data directory of a node: there is no lmdb/data.mdb and no wal/values.dat in it`,
      )
    }
    const warn = (message: string) => noteLine(`troupe: ${message}`)
    const context = { nodeId: '', dataDir: path, now, warn }
    const store = await loadStore(spec, context)
    try {
      const values = valueNames.map((name) => storedValue(store, name))
      return new OfflineDirectory(path, store, values, await recovered(store))
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** Null: it is damaged. */
  get log(): StoredLog | null {
    return this.#found instanceof StoreCorruptError ? null : this.#found
  }

  get damage(): StoreCorruptError | null {
    return this.#found instanceof StoreCorruptError ? this.#found : null
  }

  get identity(): StoredIdentity | null {
    return this.#value('identity') as StoredIdentity | null
  }

  get hardState(): HardState | null {
    return this.#value('hard-state') as HardState | null
  }

  /** Newest first, damaged ones last. Nothing in the folder is touched. */
  async snapshots(): Promise<readonly FoundSnapshot[]> {
    const folder = join(this.path, 'snapshots')
    const names = await readdir(folder).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    })
    const paths = names
      .filter((name) => name.endsWith('.snapshot'))
      .map((name) => join(folder, name))
    const found = await Promise.all(paths.map(openSnapshot))
    return found.sort((a, b) => {
      if (a.file === null || b.file === null)
        return Number(a.file === null) - Number(b.file === null)
      return newestFirst(a.file.stored, b.file.stored)
    })
  }

  async close(): Promise<void> {
    await this.store.close()
  }

  #value(name: string): unknown {
    return this.values.find((value) => value.name === name)?.value ?? null
  }
}

async function recovered(store: Store): Promise<StoredLog | StoreCorruptError> {
  try {
    return await store.recover()
  } catch (error) {
    if (error instanceof StoreCorruptError) return error
    throw error
  }
}

function storedValue(store: Store, name: string): StoredValue {
  const { payload, copies, damaged } = inspectSealed(
    (key) => store.get(key) as Uint8Array | null,
    name,
  )
  const value = payload === null ? null : JSON.parse(Buffer.from(payload).toString())
  return { name, value, copies, damaged }
}

async function openSnapshot(path: string): Promise<FoundSnapshot> {
  try {
    return { path, file: await SnapshotFile.open(nodeFiles, path), problem: null }
  } catch (error) {
    return { path, file: null, problem: (error as Error).message }
  }
}
