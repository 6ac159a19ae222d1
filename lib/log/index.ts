/**
 * Stores: where a node keeps its log and the little that must be durable at once. To write one, export
 * `createStore` from a module, give it as `store: { module: url, options }`, and run `storeContract`
 * over it in your tests.
 */

export * from './batch.js'
export { MemoryDisk } from './memory-disk.js'
export * from './store.js'
export { type StoreCheck, storeContract } from './store-contract.js'
export { lmdbStore, memoryStore, walStore } from './stores.js'
