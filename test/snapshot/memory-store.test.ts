import t from 'tap'
import { isPromise } from '../../lib/runtime/promise.js'
import { MemorySnapshotStore, MemorySnapshots } from '../../lib/snapshot/memory-store.js'
import { memorySnapshotStore } from '../../lib/snapshot/stores.js'
import { pattern, snapshotAt } from './support/snapshots.js'
import { storeContract } from './support/store-contract.js'

storeContract('memory', () => {
  const disk = new MemorySnapshots()
  return {
    open: async () => new MemorySnapshotStore(disk),
    damage: async (index) => {
      const held = [...disk.held.values()].find(({ stored }) => stored.index === index)
      held?.bytes.fill(0, -1)
    },
  }
})

t.test('every method of the memory store is synchronous', async (t) => {
  const store = new MemorySnapshotStore()
  const writer = store.create(snapshotAt(1))
  writer.write(pattern(10))
  const stored = writer.commit()
  if (isPromise(writer) || isPromise(stored)) throw new Error('a promise')
  t.notOk(isPromise(store.open()))
  t.strictSame(Buffer.from(store.read(stored, 2, 3)), Buffer.from(pattern(10).subarray(2, 5)))
})

t.test('a planted fault is what the operation fails with', async (t) => {
  const disk = new MemorySnapshots()
  const store = new MemorySnapshotStore(disk)
  for (const planted of ['create', 'write', 'commit'] as const) {
    disk.fault = (operation) => {
      if (operation === planted) throw new Error(planted)
    }
    const attempt = () => {
      const writer = store.create(snapshotAt(1))
      writer.write(pattern(1))
      writer.commit()
    }
    t.throws(attempt, { message: planted })
    t.strictSame(store.list(), [])
  }
})

t.test('stores of one spec share what they hold', async (t) => {
  const spec = memorySnapshotStore()
  const context = { nodeId: 'n1', dataDir: '' }
  const first = await spec.create?.(null, context)
  await (await first?.create(snapshotAt(1)))?.commit()
  const second = await spec.create?.(null, context)
  t.match(await second?.open(), [{ index: 1 }])
})
