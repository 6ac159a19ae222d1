import { createStore as createLmdbStore } from '../../lib/log/lmdb-store.js'
import type { CreateStore } from '../../lib/log/store.js'
import { type StallWord, takeStall } from './stall-word.js'

/** LMDB on a device that hangs when it is told to: at a flush. */
export const createStore: CreateStore<StallWord> = async ({ stallMs }, context) => {
  const store = await createLmdbStore({}, context)
  const flush = store.flush.bind(store)
  store.flush = () => {
    takeStall(stallMs)
    return flush()
  }
  return store
}
