import type { LmdbStoreOptions } from './lmdb-options.js'
import { MemoryDisk } from './memory-disk.js'
import { MemoryStore } from './memory-store.js'
import { storedWith } from './other-store.js'
import type { StoreSpec } from './store.js'
import { type WalStoreOptions, walSettings } from './wal/wal-options.js'

/** The stores that RaftNode.start takes as `store`. Nothing is opened here: the log actor does that. */

function moduleBeside(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./${name}${extension}`, import.meta.url).href
}

/**
 * LMDB: the default. Each batch of entries is one value; each flush is one transaction that is on
 * disk before it returns.
 */
export function lmdbStore(options: LmdbStoreOptions = {}): StoreSpec {
  return { module: moduleBeside('lmdb-store'), options }
}

/**
 * A write-ahead log in segments that are written ahead of their use: one write and one flush for all
 * batches that came together.
 * @throws WalOptionError RAFT_CONFIG_INVALID
 */
export function walStore(options: WalStoreOptions = {}): StoreSpec {
  walSettings(options)
  return { module: moduleBeside('wal/wal-store'), options }
}

/** The store that a data directory was made with; null when there is none in it that this release has. */
export function storeOfDirectory(dataDir: string): StoreSpec | null {
  switch (storedWith(dataDir)) {
    case 'lmdb':
      return lmdbStore()
    case 'wal':
      return walStore()
    case null:
      return null
  }
}

/**
 * Memory of this process, for tests and for data that may be lost. A node started again with the same
 * spec, or with the same `disk`, finds what it had flushed.
 */
export function memoryStore(options: { readonly disk?: MemoryDisk } = {}): StoreSpec {
  const disk = options.disk ?? new MemoryDisk()
  return { module: 'memory', options: {}, create: () => new MemoryStore(disk) }
}
