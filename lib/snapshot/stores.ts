import { resolve } from 'node:path'
import type { FileSnapshotOptions } from './file-store.js'
import { MemorySnapshotStore, MemorySnapshots } from './memory-store.js'
import type { SnapshotStoreSpec } from './store.js'

/** Snapshots as files, by default in the folder `snapshots` of the node's data directory. */
export function fileSnapshotStore(options: FileSnapshotOptions = {}): SnapshotStoreSpec {
  const { directory } = options
  return {
    module: moduleBeside('file-store'),
    options: directory === undefined ? options : { ...options, directory: resolve(directory) },
  }
}

/** Snapshots in memory. Give `shared` to keep them when the node is closed and started again. */
export function memorySnapshotStore(shared = new MemorySnapshots()): SnapshotStoreSpec {
  return {
    module: moduleBeside('memory-store'),
    options: null,
    create: () => new MemorySnapshotStore(shared),
  }
}

/** The neighbour's URL with the extension of this file, so that loaders of TypeScript work too. */
function moduleBeside(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./${name}${extension}`, import.meta.url).href
}
