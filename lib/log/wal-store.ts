import { type Store, StoreUnavailableError } from './store.js'

/** The segmented write-ahead log comes with a later release; its name is taken here. */
export function createStore(): Store {
  throw new StoreUnavailableError(
    'walStore() is not available in this release; use lmdbStore(), the default',
  )
}
