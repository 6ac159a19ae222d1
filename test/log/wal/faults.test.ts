import t from 'tap'
import { ALL, batchOf } from '../../../lib/log/store-contract-tools.js'
import { walStore } from '../../../lib/log/stores.js'
import type { WalStore } from '../../../lib/log/wal/wal-store.js'
import { Prng } from '../../../lib/runtime/prng.js'
import { CrashDisk } from './support/crash-disk.js'
import { batchesOf, opened, segmentNames } from './support/filled.js'
import { openOn } from './support/history.js'

async function append(store: WalStore, from: number, to: number, size: number): Promise<void> {
  for (let index = from; index <= to; index++) {
    store.append([batchOf(index, index, 1, index === 1 ? 0 : 1, size)])
    await store.flush()
  }
}

/** Appends until the store refuses; returns the last index that it took. */
async function fillUp(store: WalStore, from: number): Promise<number> {
  for (let index = from; ; index++) {
    try {
      await append(store, index, index, 10_000)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'RAFT_STORAGE_FULL') {
        return index - 1
      }
      throw error
    }
  }
}

t.test(
  'a full disk refuses appends, takes everything else, and goes on when there is room',
  async (t) => {
    for (const limited of ['disk', 'option'] as const) {
      const disk = new CrashDisk()
      if (limited === 'disk') disk.limit = 700_000
      const store = opened(disk, limited === 'option' ? 400_000 : undefined)
      let last = await fillUp(store, 1)
      t.ok(last > 15, `${last} entries by the ${limited}`)
      t.equal(store.hasRoom(10_000), false)
      t.same(store.read(last + 1, ALL, ALL), [], 'nothing of the refused append is there')
      t.match(openOn(disk.crashed(new Prng(1)), new Prng(2)).recover(), { lastIndex: last })
      for (let round = 0; round < 5; round++) store.set({ 'a/x': Buffer.from(String(round)) })
      store.truncate(last)
      await store.flush()
      last--
      store.compact(last - 5)
      await store.flush()
      await new Promise(setImmediate)
      t.equal(store.hasRoom(10_000), true, 'compaction made room')
      await append(store, last + 1, last + 3, 10_000)
      t.match(openOn(disk.crashed(new Prng(1)), new Prng(2)).recover(), { lastIndex: last + 3 })
      await store.close()
    }
  },
)

t.test('a write that is refused for want of room leaves the log as it was', async (t) => {
  const disk = new CrashDisk()
  const store = opened(disk)
  await append(store, 1, 2, 100)
  disk.fault = (operation, name) => {
    if (operation !== 'write' || !name.endsWith('.wal')) return null
    disk.fault = null
    return 'EDQUOT'
  }
  store.append([batchOf(3, 3, 1, 1, 5000)])
  t.throws(() => store.flush(), {
    code: 'RAFT_STORAGE_FULL',
    message: /write of \/wal\/.*\.wal failed: EDQUOT/,
  })
  await append(store, 3, 4, 50)
  t.match(openOn(disk.crashed(new Prng(1)), new Prng(2)).recover(), { lastIndex: 4 })
})

t.test('a failed flush is final: the store takes nothing afterwards (S15)', async (t) => {
  for (const what of ['append', 'set'] as const) {
    const disk = new CrashDisk()
    const store = opened(disk)
    await append(store, 1, 2, 100)
    let calls = 0
    disk.fault = (operation) => {
      if (operation === 'fdatasync') calls++
      return operation === 'fdatasync' ? 'EIO' : null
    }
    const call = () =>
      what === 'set' ? store.set({ x: Buffer.from('1') }) : append(store, 3, 3, 100)
    await t.rejects(async () => call(), {
      code: 'EIO',
      message: /fdatasync of \/wal\/.* failed: EIO/,
    })
    disk.fault = null
    if (what === 'append') t.throws(() => store.flush(), /failed before and was not reopened/)
    t.throws(() => store.set({ x: Buffer.from('2') }), /failed before/)
    t.equal(calls, 1, 'the flush is not tried again')
  }
})

t.test('a flush that says "no room" is a failed flush', async (t) => {
  const disk = new CrashDisk()
  const store = opened(disk)
  disk.fault = (operation, name) =>
    operation === 'fdatasync' && name.endsWith('.wal') ? 'ENOSPC' : null
  await t.rejects(append(store, 1, 1, 100), { code: 'ENOSPC' })
})

t.test('an append writes one file and flushes it once', async (t) => {
  const disk = new CrashDisk()
  const store = opened(disk)
  store.append([batchOf(1, 1, 1, 0)])
  await store.flush()
  let writes = 0
  disk.fault = (operation) => {
    if (operation === 'write') writes++
    return null
  }
  const before = disk.syncs
  store.append(batchesOf([100, 200]).map((_, at) => batchOf(at + 2, at + 2, 1, 1)))
  await store.flush()
  t.same([writes, disk.syncs - before], [1, 1])
  store.truncate(3)
  store.append([batchOf(3, 4, 2, 1)])
  store.compact(2)
  await store.flush()
  t.same([writes, disk.syncs - before], [2, 2], 'truncated, appended and compacted at once')
  store.set({ 'a/x': Buffer.from('1') })
  t.same(disk.syncs - before, 3)
})

t.test('segments that hold nothing of the log are removed', async (t) => {
  const disk = new CrashDisk()
  const store = opened(disk)
  for (let index = 1; index <= 60; index++) {
    await append(store, index, index, 6000)
    if (index > 5) store.compact(index - 5)
  }
  await store.flush()
  await store.close()
  t.ok(segmentNames(disk).length <= 2, segmentNames(disk).join(' '))
  t.match(openOn(disk.copy(), new Prng(2)).recover(), { firstIndex: 56, lastIndex: 60 })
})

t.test('options that cannot be are refused with what they may be', async (t) => {
  for (const options of [{ segmentBytes: 1000 }, { segmentBytes: 2 ** 31 }, { maxLogBytes: 1 }]) {
    t.throws(() => walStore(options), {
      code: 'RAFT_CONFIG_INVALID',
      message: /walStore: .* found/,
    })
  }
})
