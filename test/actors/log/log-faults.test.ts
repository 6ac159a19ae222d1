import t from 'tap'
import { MemoryDisk } from '../../../lib/log/memory-disk.js'
import { StoreFullError } from '../../../lib/log/store.js'
import { memoryStore } from '../../../lib/log/stores.js'
import { hardState, LogHarness } from './support/log-harness.js'

/** A log with entries 1 to 5 in term 2, and its disk. */
async function begun(): Promise<{ disk: MemoryDisk; log: LogHarness }> {
  const disk = new MemoryDisk()
  const log = await LogHarness.start(memoryStore({ disk }))
  await log.turn(hardState(1, 2))
  await log.turn(log.append(1, 1, 3, 1, 0), log.append(2, 4, 2, 2, 1))
  log.take()
  return { disk, log }
}

t.test(
  'after a failed flush nothing is acknowledged and nothing is tried again (S5, S15)',
  async (t) => {
    const { disk, log } = await begun()
    disk.faults.failFlush = Object.assign(new Error('i/o error'), { code: 'EIO' })
    await log.turn(log.append(3, 6, 1, 2))
    t.match(log.failures, [{ message: 'i/o error' }])
    t.notOk(log.alive, 'the inbound actor stops answering heartbeats (S9)')
    disk.faults.failFlush = null
    const before = disk.flushes
    await log.turn(log.append(4, 7, 1, 2), hardState(2, 3))
    t.equal(disk.flushes, before)
    t.same(log.take(), [])
  },
)

t.test('a term and vote that could not be flushed are never confirmed (S5)', async (t) => {
  const { disk, log } = await begun()
  disk.faults.failFlush = new Error('i/o error')
  await log.turn(hardState(2, 3, 'n2'))
  t.notOk(log.alive)
  t.same(log.take(), [])
})

t.test(
  'a full disk refuses the burst, then everything until the refusal is seen (S15)',
  async (t) => {
    const { disk, log } = await begun()
    disk.faults.maxBytes = disk.bytes
    await log.turn({ kind: 'truncate', seq: 3, fromIndex: 4 }, log.append(4, 4, 9, 2, 1))
    t.match(log.take(), [{ kind: 'logRefused', seq: 3, lastIndex: 5 }])
    await log.turn(log.append(5, 13, 1, 2), { kind: 'truncate', seq: 6, fromIndex: 4 })
    t.same(log.take(), [], 'issued before the refusal was seen: void')
    t.equal(disk.lastIndex, 5)
    t.ok(log.alive)
    t.same(log.failures, [])
  },
)

t.test('reads, compaction and term and vote go on while the disk is full', async (t) => {
  const { disk, log } = await begun()
  disk.faults.maxBytes = disk.bytes
  await log.turn(log.append(3, 6, 9, 2))
  await log.turn({ kind: 'refusalSeen', seq: 3 }, hardState(2, 5), {
    kind: 'read',
    request: 1,
    fromIndex: 1,
    toIndex: 5,
    maxBytes: 1 << 20,
  })
  await log.turn({ kind: 'compact', seq: 4, index: 3 })
  t.match(log.take(), [
    { kind: 'logRefused', seq: 3 },
    { kind: 'hardStateSaved', seq: 2 },
    { kind: 'logRead', batches: { length: 2 } },
    { kind: 'logFlushed', seq: 4 },
  ])
})

t.test('writes resume when space returns, and not before the refusal was seen', async (t) => {
  const { disk, log } = await begun()
  disk.faults.maxBytes = disk.bytes
  await log.turn(log.append(3, 6, 9, 2))
  log.take()
  log.fireTimers()
  t.same(log.take(), [], 'still full')
  disk.faults.maxBytes = Number.POSITIVE_INFINITY
  log.fireTimers()
  t.same(log.take(), [], 'the refusal is not seen yet')
  await log.turn({ kind: 'refusalSeen', seq: 3 })
  log.fireTimers()
  t.same(log.take(), [{ kind: 'logWritable' }])
  await log.turn(log.append(4, 6, 9, 2))
  t.same(log.take(), [{ kind: 'logFlushed', seq: 4 }])
  t.equal(log.timers, 0)
})

t.test('a store that refuses an append at once keeps what came before it', async (t) => {
  const disk = new MemoryDisk()
  const store = memoryStore({ disk })
  const refusing = {
    ...store,
    create: (...given: Parameters<NonNullable<typeof store.create>>) => {
      const inner = store.create?.(...given) as import('../../../lib/log/store.js').Store
      const append = inner.append.bind(inner)
      inner.append = (batches) => {
        if (batches.some((batch) => batch.firstIndex === 6)) throw new StoreFullError('full')
        return append(batches)
      }
      return inner
    },
  }
  const log = await LogHarness.start(refusing)
  await log.turn(hardState(1, 1))
  log.take()
  await log.turn(log.append(1, 1, 5, 1, 0), log.append(2, 6, 1), log.append(3, 7, 1))
  t.match(log.take(), [
    { kind: 'logFlushed', seq: 1 },
    { kind: 'logRefused', seq: 2, lastIndex: 5 },
  ])
})

t.test('a term and vote that find no room are saved once there is some', async (t) => {
  const { disk, log } = await begun()
  disk.faults.failFlush = new StoreFullError('no room')
  await log.turn(hardState(2, 3, 'n1'))
  await log.turn(hardState(3, 4, 'n2'))
  await log.turn(log.append(3, 6, 1, 4, 2))
  t.match(log.take(), [{ kind: 'logRefused', seq: 3, lastIndex: 5 }])
  log.fireTimers()
  t.same(log.take(), [])
  disk.faults.failFlush = null
  await log.turn({ kind: 'refusalSeen', seq: 3 })
  log.fireTimers()
  t.same(log.take(), [{ kind: 'hardStateSaved', seq: 3 }, { kind: 'logWritable' }])
  t.same(log.failures, [])
})

t.test('a torn last batch is left out and its end stays a floor for votes (S15)', async (t) => {
  const { disk, log } = await begun()
  disk.faults.writeBack = 'manual'
  await log.turn(log.append(3, 6, 4, 2))
  disk.crash({ keep: 0, tear: true })
  disk.faults.writeBack = 'immediate'
  const store = memoryStore({ disk })
  const again = await LogHarness.start(store)
  const floor = { voteFloor: { index: 9, term: 2 } }
  t.match((await again.recovered()).log, { lastIndex: 5, lastTerm: 2, ...floor })
  t.match(again.warnings, [/torn/])
  await again.turn(again.append(1, 6, 1, 2))
  disk.crash()
  const third = await LogHarness.start(store)
  t.match((await third.recovered()).log, { lastIndex: 6, ...floor }, 'outlives the torn batch')
  await third.turn(third.append(1, 7, 3, 2))
  await third.turn({ kind: 'truncate', seq: 2, fromIndex: 7 })
  disk.crash()
  const fourth = await LogHarness.start(store)
  t.equal((await fourth.recovered()).log.voteFloor, undefined, 'lifted once the log was past it')
})

t.test('damage before the end of the log is reported with its index (S15)', async (t) => {
  const { disk } = await begun()
  disk.crash()
  disk.damage(2, 'body')
  const store = memoryStore({ disk })
  await t.rejects(LogHarness.start(store), { code: 'RAFT_CORRUPT', index: 1 })
  await t.rejects(LogHarness.start(store), { code: 'RAFT_CORRUPT' }, 'and the disk is not locked')
})

t.test('a damaged header is damage wherever it is (S15)', async (t) => {
  const { disk } = await begun()
  disk.crash()
  disk.damage(5, 'header')
  await t.rejects(LogHarness.start(memoryStore({ disk })), { code: 'RAFT_CORRUPT', index: 4 })
})

t.test('a batch that is damaged while the node runs is found when it is read', async (t) => {
  const { disk, log } = await begun()
  disk.damage(4, 'body')
  await log.turn({ kind: 'read', request: 1, fromIndex: 1, toIndex: 5, maxBytes: 1 << 20 })
  t.match(log.failures, [{ code: 'RAFT_CORRUPT', index: 4 }])
  t.same(log.take(), [])
})

t.test('one damaged copy of term and vote is made up for by the other (S15)', async (t) => {
  for (const damaged of ['a/hard-state', 'b/hard-state']) {
    const { disk } = await begun()
    disk.crash()
    disk.damageValue(damaged)
    const again = await LogHarness.start(memoryStore({ disk }))
    t.match(await again.recovered(), { hardState: { term: 2 } })
  }
})

t.test('without a good copy of term and vote the node does not start (S15)', async (t) => {
  const { disk } = await begun()
  disk.crash()
  disk.damageValue('a/hard-state')
  disk.damageValue('b/hard-state')
  const started = LogHarness.start(memoryStore({ disk }))
  await t.rejects(started, { code: 'RAFT_CORRUPT', message: /both copies of hard-state/ })
})
