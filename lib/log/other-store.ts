import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataDirForeignError } from './store.js'

/** The stores of this package that keep a folder of their name in the data directory, and a file in it. */
const STORES = { lmdb: 'data.mdb', wal: 'values.dat' } as const

export type StoredWith = keyof typeof STORES

/** Which store a data directory was made with; null when there is none of these in it. */
export function storedWith(dataDir: string): StoredWith | null {
  for (const [store, file] of Object.entries(STORES)) {
    if (existsSync(join(dataDir, store, file))) return store as StoredWith
  }
  return null
}

/**
 * A directory keeps the store it began with: with another one the node would not know its term, its vote
 * and its log any more (S16). @throws DataDirForeignError
 */
export function refuseOtherStore(dataDir: string, store: StoredWith): void {
  const other = storedWith(dataDir)
  if (other === null || other === store) return
  throw new DataDirForeignError(
    `${dataDir} was made with the ${other} store and not with the ${store} store; start the node with the store it began with`,
  )
}
