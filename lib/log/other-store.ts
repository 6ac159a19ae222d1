import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataDirForeignError } from './store.js'

const FOLDERS = ['lmdb', 'wal'] as const

/**
 * A directory keeps the store it began with: with another one the node would not know its term, its vote
 * and its log any more (S16). @throws DataDirForeignError
 */
export function refuseOtherStore(dataDir: string, store: (typeof FOLDERS)[number]): void {
  if (existsSync(join(dataDir, store))) return
  const other = FOLDERS.find((folder) => existsSync(join(dataDir, folder)))
  if (other === undefined) return
  throw new DataDirForeignError(
    `${dataDir} was made with the ${other} store and not with the ${store} store; start the node with the store it began with`,
  )
}
