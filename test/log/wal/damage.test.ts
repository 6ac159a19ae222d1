import t from 'tap'
import { StoreCorruptError, type StoredLog } from '../../../lib/log/store.js'
import { ALL, batchOf } from '../../../lib/log/store-contract-tools.js'
import { Prng } from '../../../lib/runtime/prng.js'
import type { CrashDisk } from './support/crash-disk.js'
import { batchesOf, change, filled, flipIn, opened, segmentNames } from './support/filled.js'
import { openOn } from './support/history.js'

function recovered(disk: CrashDisk): StoredLog {
  return openOn(disk, new Prng(2)).recover()
}

/** The first bytes of a batch: where it stands in a file. */
function headOf(batch: { readonly bytes: Uint8Array } | undefined): Uint8Array {
  return Buffer.from(batch?.bytes.subarray(0, 64) ?? [])
}

const [first = ''] = ['0000000000000001-0000000000000001.wal']

t.test('a flipped bit anywhere is never a shorter log without a word (S15)', async (t) => {
  const batches = batchesOf([100, 3000, 7000, 20, 9000, 4000, 100, 3000])
  const disk = await filled(batches)
  const last = 3 * batches.length
  const random = new Prng(11)
  const totals = { whole: 0, floor: 0, corrupt: 0 }
  t.ok(segmentNames(disk).length > 1, `${segmentNames(disk).length} segments`)
  for (let flips = 0; flips < 1500; flips++) {
    const damaged = disk.copy()
    const names = damaged.list('/wal')
    const name = names[random.integer(0, names.length - 1)] ?? ''
    change(damaged, name, (bytes) => {
      // Half of the flips go to where a log begins, the rest anywhere.
      const at = random.integer(0, (random.chance(0.5) ? bytes.length : 20_000) - 1)
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integer(0, 7)), at)
    })
    let store: ReturnType<typeof openOn>
    try {
      store = openOn(damaged, new Prng(3))
      const found = store.recover()
      if (store.get('a/x')?.length !== 5) t.fail(`flip ${flips} in ${name} lost a value`)
      if (found.voteFloor !== undefined) {
        totals.floor++
        if (found.voteFloor.index !== last) t.fail(`flip ${flips} in ${name}: a wrong floor`)
      } else {
        totals.whole++
        const read = store.read(1, ALL, ALL)
        const same = read.every(
          ({ bytes }, at) => Buffer.compare(bytes, Buffer.from(batches[at]?.bytes ?? [])) === 0,
        )
        if (found.lastIndex !== last || !same)
          t.fail(`flip ${flips} in ${name}: ${found.lastIndex}`)
      }
    } catch (error) {
      if (!(error instanceof StoreCorruptError)) throw error
      totals.corrupt++
    }
  }
  t.comment(totals)
  t.ok(totals.whole > 0 && totals.corrupt > 0)
})

t.test('a damaged batch with others behind it is reported with its index', async (t) => {
  const batches = batchesOf([100, 3000, 100])
  for (const offset of [10, 70, 2000]) {
    const disk = await filled(batches)
    flipIn(disk, first, headOf(batches[1]), offset)
    t.throws(() => recovered(disk), { code: 'RAFT_CORRUPT', index: 4 }, `at ${offset}`)
  }
})

t.test('a damaged last batch is left out and is a floor, until something is flushed', async (t) => {
  // Zeros in it are data: they do not make it look as if it had never been written.
  const batches = [...batchesOf([100, 100]), batchOf(7, 9, 2, 1, 0)]
  const last = batchOf(7, 9, 2, 1, 3000)
  last.bytes.fill(0, 64 + 8 + 100, 64 + 8 + 2900)
  const disk = await filled([...batches.slice(0, 2), last])
  const found = { lastIndex: 6, lastTerm: 1, voteFloor: { index: 9, term: 2 } }
  t.match(recovered(disk), found, 'it does not match its checksum')
  const again = opened(disk)
  t.match(recovered(disk), found, 'as long as nothing is flushed')
  again.append([batchOf(7, 7, 3, 1)])
  await again.flush()
  t.match(recovered(disk), { lastIndex: 7, lastTerm: 3, voteFloor: undefined })
})

t.test('the whole batches of a damaged last frame are kept', async (t) => {
  const disk = await filled([])
  const store = opened(disk)
  const batches = batchesOf([100, 200, 300])
  store.append(batches)
  await store.flush()
  flipIn(disk, first, headOf(batches[1]), 80)
  t.match(recovered(disk), { lastIndex: 3, voteFloor: { index: 9, term: 1 } })
})

t.test('damage to what was truncated or compacted later does no harm', async (t) => {
  const batches = batchesOf([100, 100, 100])
  for (const change of ['truncate', 'compact'] as const) {
    const disk = await filled(batches)
    const store = opened(disk)
    if (change === 'truncate') store.truncate(7)
    else store.compact(9)
    await store.flush()
    store.append([batchOf(change === 'truncate' ? 7 : 10, 10, 2, 1)])
    await store.flush()
    flipIn(disk, first, headOf(batches[2]), 80)
    t.match(recovered(disk), { lastIndex: 10, lastTerm: 2, voteFloor: undefined }, change)
  }
})

t.test('either header of a frame and of a segment will do, and not neither', async (t) => {
  const batches = batchesOf([3000, 3000])
  const disk = await filled(batches)
  const frameAt = 8192
  change(disk, first, (bytes) => {
    bytes.fill(0, 0, 64)
    bytes.fill(0, frameAt, frameAt + 8)
  })
  t.match(recovered(disk), { lastIndex: 6, voteFloor: undefined })
  const both = disk.copy()
  change(both, first, (bytes) => {
    bytes.fill(0, 4096, 4096 + 64)
  })
  t.throws(() => recovered(both), { code: 'RAFT_CORRUPT', message: /both copies of its header/ })
  change(disk, first, (bytes) => {
    const length = 9728
    bytes.fill(0, frameAt + length - 112, frameAt + length)
  })
  t.throws(() => recovered(disk), { code: 'RAFT_CORRUPT', index: 1 })
})

t.test('what is missing is noticed', async (t) => {
  const disk = await filled(batchesOf(Array.from({ length: 14 }, () => 5000)))
  const names = segmentNames(disk)
  t.ok(names.length >= 4, `${names.length} segments`)
  for (const [at, name] of names.entries()) {
    const without = disk.copy()
    without.remove(`/wal/${name}`)
    const store = opened(disk.copy())
    t.ok(store.read(1, ALL, ALL).length === 14)
    if (at < names.length - 1) {
      t.throws(() => recovered(without), { code: 'RAFT_CORRUPT' }, `segment ${at}`)
    }
  }
  const values = disk.copy()
  values.remove('/wal/values.dat')
  t.throws(() => recovered(values), { code: 'RAFT_CORRUPT', message: /values\.dat is missing/ })
  const short = disk.copy()
  change(short, names.at(-1) ?? '', (bytes) => bytes.subarray(0, 40_000))
  t.throws(() => recovered(short), { code: 'RAFT_CORRUPT', message: /too short/ })
  const other = disk.copy()
  other.rename(`/wal/${names[1]}`, '/wal/0000000000000009-0000000000000004.wal')
  t.throws(() => recovered(other), { code: 'RAFT_CORRUPT' })
})

t.test('a log that is older than the values, or the other way round, is reported', async (t) => {
  const disk = await filled(batchesOf([100, 100]))
  const before = disk.copy()
  const store = opened(disk)
  store.append([batchOf(7, 7, 1, 1)])
  await store.flush()
  store.set({ 'a/x': Buffer.from('newer') })
  const values = Buffer.from(disk.inode('/wal/values.dat').current)
  const old = before.copy()
  change(old, 'values.dat', () => values)
  t.throws(() => recovered(old), { code: 'RAFT_CORRUPT', index: 7 }, 'the log is older')
  store.append([batchOf(8, 8, 1, 1)])
  await store.flush()
  change(disk, 'values.dat', () => before.inode('/wal/values.dat').current)
  t.throws(() => recovered(disk), { code: 'RAFT_CORRUPT', message: /term and vote .* are older/ })
})

t.test('a value outlives the damage of one copy, and of the same one again', async (t) => {
  const disk = await filled([])
  for (let round = 0; round < 3; round++) {
    const file = disk.inode('/wal/values.dat').current
    const at = file.indexOf('value')
    change(disk, 'values.dat', (bytes) => {
      bytes.writeUInt8(0x20, at)
    })
    const store = opened(disk)
    t.equal(Buffer.from(store.get('a/x') ?? []).toString(), 'value')
  }
  change(disk, 'values.dat', (bytes) => bytes.fill(0))
  t.throws(() => opened(disk), { code: 'RAFT_CORRUPT', message: /no copy of term and vote/ })
})

t.test('two torn writes of values do not make up one that was given up', async (t) => {
  const disk = await filled([])
  const file = (): Buffer => Buffer.from(disk.inode('/wal/values.dat').current)
  const padding = { 'a/y': Buffer.alloc(2000, 7) }
  /** Of what changed, only the first sector of each copy arrives, or only the others. */
  const tear = (before: Buffer, after: Buffer, arrives: 'first' | 'others'): void => {
    const copyBytes = before.length / 4
    change(disk, 'values.dat', () => {
      const torn = Buffer.from(before)
      for (let at = 0; at < torn.length; at += 512) {
        const isFirst = at % copyBytes === 0
        if (isFirst === (arrives === 'first')) after.copy(torn, at, at, at + 512)
      }
      return torn
    })
  }
  const before = file()
  opened(disk).set({ ...padding, 'a/x': Buffer.from('first') })
  tear(before, file(), 'first')
  const store = opened(disk)
  t.equal(Buffer.from(store.get('a/x') ?? []).toString(), 'value')
  const given = file()
  store.set({ ...padding, 'a/x': Buffer.from('other') })
  tear(given, file(), 'others')
  t.equal(Buffer.from(opened(disk).get('a/x') ?? []).toString(), 'value')
})

t.test('leftovers of a crash and files of others are no part of the log', async (t) => {
  const disk = await filled(batchesOf([100, 100]))
  for (const name of ['next.tmp', 'values.tmp', 'notes.txt', '1-1.wal', `${first}.bak`]) {
    disk.create(`/wal/${name}`).write([Buffer.alloc(100, 1)], 0)
  }
  t.match(recovered(disk), { lastIndex: 6 })
  t.notOk(disk.list('/wal').includes('next.tmp'))
  t.ok(disk.list('/wal').includes('notes.txt'))
})

t.test('old segments that power loss brought back are removed', async (t) => {
  const batches = batchesOf(Array.from({ length: 14 }, () => 5000))
  const disk = await filled(batches)
  const [oldest = ''] = segmentNames(disk)
  const store = opened(disk)
  const bytes = disk.inode(`/wal/${oldest}`).current
  store.compact(36)
  await store.flush()
  await store.close()
  t.notOk(segmentNames(disk).includes(oldest))
  disk.create(`/wal/${oldest}`).write([bytes], 0)
  t.match(recovered(disk), { firstIndex: 37, lastIndex: 42 })
  t.notOk(segmentNames(disk).includes(oldest))
})
