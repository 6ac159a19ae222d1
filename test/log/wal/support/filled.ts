import type { StoredBatch } from '../../../../lib/log/store.js'
import { batchOf } from '../../../../lib/log/store-contract-tools.js'
import type { WalStore } from '../../../../lib/log/wal/wal-store.js'
import { Prng } from '../../../../lib/runtime/prng.js'
import { CrashDisk } from './crash-disk.js'
import { openOn } from './history.js'

export function opened(disk: CrashDisk, maxLogBytes?: number): WalStore {
  const store = openOn(disk, new Prng(1), maxLogBytes)
  store.recover()
  return store
}

/** Batches of three entries, from index 1, each of these sizes. */
export function batchesOf(sizes: readonly number[]): readonly StoredBatch[] {
  return sizes.map((size, at) => batchOf(3 * at + 1, 3 * at + 3, 1, at === 0 ? 0 : 1, size))
}

/** A disk with a log of these batches, each flushed on its own, and one value set before them. */
export async function filled(batches: readonly StoredBatch[]): Promise<CrashDisk> {
  const disk = new CrashDisk()
  const store = opened(disk)
  store.set({ 'a/x': Buffer.from('value'), 'b/x': Buffer.from('value') })
  for (const batch of batches) {
    store.append([batch])
    await store.flush()
  }
  await store.close()
  return disk.copy()
}

/** Changes bytes of a file. */
export function change(disk: CrashDisk, name: string, edit: (bytes: Buffer) => unknown): void {
  const inode = disk.inode(`/wal/${name}`)
  const bytes = Buffer.from(inode.current)
  const result = edit(bytes)
  const edited = Buffer.isBuffer(result) ? result : bytes
  inode.current = edited
  inode.durable = edited
}

/** Flips a bit of the file at each place where `bytes` stands. */
export function flipIn(disk: CrashDisk, name: string, bytes: Uint8Array, offset: number): void {
  change(disk, name, (file) => {
    const at = file.indexOf(bytes)
    if (at < 0) throw new Error(`${name} does not have these bytes`)
    file.writeUInt8(file.readUInt8(at + offset) ^ 4, at + offset)
  })
}

export function segmentNames(disk: CrashDisk): readonly string[] {
  return disk
    .list('/wal')
    .filter((name) => name.endsWith('.wal'))
    .sort()
}
