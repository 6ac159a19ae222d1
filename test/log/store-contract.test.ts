import t from 'tap'
import { createStore as createLmdbStore } from '../../lib/log/lmdb-store.js'
import { loadStore } from '../../lib/log/load.js'
import { MemoryDisk } from '../../lib/log/memory-disk.js'
import { MemoryStore } from '../../lib/log/memory-store.js'
import type { CreateStore } from '../../lib/log/store.js'
import { storeContract } from '../../lib/log/store-contract.js'
import { createStore as createWalStore } from '../../lib/log/wal/wal-store.js'

/** Memory, with one disk for each directory, so that it outlives the store. */
function memoryStores(): CreateStore {
  const disks = new Map<string, MemoryDisk>()
  return (_options, { dataDir }) => {
    const disk = disks.get(dataDir) ?? new MemoryDisk()
    disks.set(dataDir, disk)
    return new MemoryStore(disk)
  }
}

const module = new URL('../../lib/examples/store/file-store.js', import.meta.url).href
const stores: readonly (readonly [string, CreateStore])[] = [
  ['memory', memoryStores()],
  ['lmdb', createLmdbStore as CreateStore],
  ['wal', createWalStore as CreateStore],
  ['a store of the user’s own', (options, context) => loadStore({ module, options }, context)],
]

for (const [name, createStore] of stores) {
  t.test(`the contract holds for ${name}`, async (t) => {
    for (const check of storeContract(createStore)) {
      t.test(check.name, async () => {
        await check.run()
      })
    }
  })
}

t.test('a store module that cannot be loaded says what to do', async (t) => {
  const context = { nodeId: 'n1', dataDir: '/nonexistent', now: () => 0, warn: () => {} }
  const missing = new URL('./fixtures/none.js', import.meta.url).href
  await t.rejects(async () => loadStore({ module: missing, options: {} }, context), {
    code: 'RAFT_MODULE_LOAD',
    message: /Build it first/,
  })
  const other = new URL('../../lib/log/ring.js', import.meta.url).href
  await t.rejects(async () => loadStore({ module: other, options: {} }, context), {
    code: 'RAFT_MODULE_LOAD',
    message: /does not export a function createStore/,
  })
})
