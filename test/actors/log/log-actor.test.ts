import t from 'tap'
import { ENTRY_CONFIGURATION, encodeBatch, verifyBatch } from '../../../lib/log/batch.js'
import { encodeConfiguration } from '../../../lib/log/configuration-codec.js'
import { MemoryDisk } from '../../../lib/log/memory-disk.js'
import { batchBytes, pinned, unpin } from '../../../lib/log/slab.js'
import { memoryStore } from '../../../lib/log/stores.js'
import { hardState, LogHarness } from './support/log-harness.js'

const SERVERS = [{ id: 'n1', address: 'a:1', suffrage: 'voter', addedAt: 1 }] as const

t.test('an empty directory gets an identity and keeps it', async (t) => {
  const store = memoryStore()
  const first = await LogHarness.start(store)
  const found = await first.recovered()
  t.match(found, {
    identity: { cluster: 'c', nodeId: 'n1', incarnation: /^[0-9a-f]{32}$/ },
    fresh: true,
    hardState: { term: 0, votedFor: null, promisedLeaseMs: 0 },
    log: { firstIndex: 1, lastIndex: 0, lastTerm: 0, termRuns: [] },
    lastTime: 0,
    bootstrap: null,
  })
  t.ok(first.alive)
  await first.stop()
  t.notOk(first.alive)
  const second = await LogHarness.start(store)
  t.same((await second.recovered()).identity, found.identity)
  const other = await LogHarness.start()
  t.not((await other.recovered()).identity.incarnation, found.identity.incarnation)
})

t.test('the directory of another cluster or node is refused and left alone (S16)', async (t) => {
  const store = memoryStore()
  const first = await LogHarness.start(store)
  await first.stop()
  await t.rejects(LogHarness.start(store, { cluster: 'd' }), { code: 'RAFT_DATA_DIR_FOREIGN' })
  await t.rejects(LogHarness.start(store, { nodeId: 'n2' }), { code: 'RAFT_DATA_DIR_FOREIGN' })
  await (await LogHarness.start(store)).stop()
})

t.test('a burst of operations is one flush and one answer with the last number (S5)', async (t) => {
  const disk = new MemoryDisk()
  const log = await LogHarness.start(memoryStore({ disk }))
  await log.turn(hardState(1, 1))
  const before = disk.flushes
  const burst = [log.append(1, 1, 3, 1, 0), log.append(2, 4, 1), log.append(3, 5, 2)]
  await log.turn(...burst)
  t.equal(disk.flushes - before, 1)
  t.same(log.take(), [
    { kind: 'hardStateSaved', seq: 1 },
    { kind: 'logFlushed', seq: 3 },
  ])
  t.equal(disk.lastIndex, 6)
  await log.turn()
  t.same(log.take(), [], 'a turn that brings nothing flushes nothing')
})

t.test('a batch is unpinned for the log once it is flushed', async (t) => {
  const log = await LogHarness.start()
  await log.turn(hardState(1, 1))
  const batch = log.batch(1, 2, 1, 0)
  unpin(batch, 0)
  t.ok(pinned(batch.memory))
  await log.turn({ kind: 'append', seq: 1, batches: [batch] })
  t.notOk(pinned(batch.memory))
})

t.test('a very large burst is flushed before its end', async (t) => {
  const disk = new MemoryDisk()
  const log = await LogHarness.start(memoryStore({ disk }))
  await log.turn(hardState(1, 1))
  const before = disk.flushes
  const appends = Array.from({ length: 20 }, (_, n) => ({
    kind: 'append' as const,
    seq: n + 1,
    batches: [log.batch(n + 1, 1, 1, n === 0 ? 0 : 1, 1 << 20)],
  }))
  await log.turn(...appends)
  t.equal(disk.flushes - before, 3)
  t.match(log.take().at(-1), { kind: 'logFlushed', seq: 20 })
})

t.test('term and vote are there after a restart', async (t) => {
  const store = memoryStore()
  const first = await LogHarness.start(store)
  const saved = { term: 7, votedFor: 'n3', promisedLeaseMs: 500 }
  await first.turn({ kind: 'saveHardState', seq: 4, hardState: saved })
  await first.turn({
    kind: 'saveIncarnations',
    seq: 1,
    incarnations: { n2: { incarnation: 'i2', addedAt: 1 } },
  })
  t.same(first.take(), [
    { kind: 'hardStateSaved', seq: 4 },
    { kind: 'incarnationsSaved', seq: 1 },
  ])
  await first.stop()
  const second = await LogHarness.start(store)
  t.match(await second.recovered(), {
    hardState: saved,
    incarnations: { n2: { incarnation: 'i2', addedAt: 1 } },
    fresh: false,
  })
})

t.test('a vote that changes within its term is never written (Raft §5.2)', async (t) => {
  const log = await LogHarness.start()
  await log.turn(hardState(1, 3, 'n1'))
  await log.turn(hardState(2, 3, 'n2'))
  t.match(log.failures, [{ code: 'RAFT_INVARIANT' }])
  t.same(log.take(), [{ kind: 'hardStateSaved', seq: 1 }])
})

t.test('an entry whose term is not durable yet is never written (S5)', async (t) => {
  const disk = new MemoryDisk()
  const log = await LogHarness.start(memoryStore({ disk }))
  await log.turn(log.append(1, 1, 1, 1, 0))
  t.match(log.failures, [{ code: 'RAFT_INVARIANT' }])
  t.notOk(log.alive)
  t.equal(disk.lastIndex, 0)
})

t.test('a batch whose bytes changed since they were sealed is never written', async (t) => {
  const disk = new MemoryDisk()
  const log = await LogHarness.start(memoryStore({ disk }))
  await log.turn(hardState(1, 1))
  const batch = log.batch(1, 2, 1, 0)
  batchBytes(batch).fill(9, 80, 81)
  await log.turn({ kind: 'append', seq: 1, batches: [batch] })
  t.match(log.failures, [{ code: 'RAFT_CORRUPT' }])
  t.equal(disk.lastIndex, 0)
})

t.test('truncation, compaction and reset keep their place among the appends', async (t) => {
  const store = memoryStore()
  const log = await LogHarness.start(store)
  await log.turn(hardState(1, 4))
  await log.turn(log.append(1, 1, 3, 1, 0), log.append(2, 4, 2, 2, 1), log.append(3, 6, 2, 2))
  await log.turn({ kind: 'truncate', seq: 4, fromIndex: 6 }, log.append(5, 6, 1, 4, 2))
  await log.turn({ kind: 'compact', seq: 6, index: 4 })
  await log.stop()
  const again = await LogHarness.start(store)
  t.match((await again.recovered()).log, {
    firstIndex: 4,
    lastIndex: 6,
    prevTerm: 1,
    lastTerm: 4,
    termRuns: [
      { firstIndex: 4, term: 2 },
      { firstIndex: 6, term: 4 },
    ],
  })
  await again.turn({ kind: 'reset', seq: 1, index: 20, term: 4 }, again.append(2, 19, 4, 4, 3))
  t.same(again.failures, [])
  await again.stop()
  const third = await LogHarness.start(store)
  t.match((await third.recovered()).log, { firstIndex: 19, lastIndex: 22, prevTerm: 3 })
})

t.test('recovery finds the configurations and the newest time in the log', async (t) => {
  const store = memoryStore()
  const log = await LogHarness.start(store)
  await log.turn(hardState(1, 2))
  const configuration = { servers: SERVERS, outgoing: SERVERS }
  const data = encodeConfiguration(configuration)
  const head = { firstIndex: 4, term: 2, prevTerm: 1, time: 77 }
  const batch = encodeBatch([{ type: ENTRY_CONFIGURATION, data }], head)
  await log.turn(log.append(1, 1, 3, 1, 0), { kind: 'append', seq: 2, batches: [batch] })
  await log.stop()
  const again = await LogHarness.start(store)
  const { log: found, lastTime } = await again.recovered()
  t.same(found.configurations, [{ index: 4, configuration }])
  t.equal(lastTime, 77)
})

t.test('batches are read back in memory of their own that nobody pins', async (t) => {
  const log = await LogHarness.start()
  await log.turn(hardState(1, 1))
  await log.turn(log.append(1, 1, 3, 1, 0), log.append(2, 4, 2), log.append(3, 6, 1))
  log.take()
  await log.turn({ kind: 'read', request: 9, fromIndex: 2, toIndex: 5, maxBytes: 1 << 20 })
  const [reply] = log.take()
  t.match(reply, { kind: 'logRead', request: 9, batches: { length: 2 } })
  const batches = reply?.kind === 'logRead' ? reply.batches : []
  t.match(batches[0], { firstIndex: 1, count: 3, term: 1, prevTerm: 0, pinned: false })
  t.equal(batches[0]?.memory, batches[1]?.memory)
  for (const ref of batches) t.equal(verifyBatch(batchBytes(ref)).firstIndex, ref.firstIndex)
  await log.turn({ kind: 'read', request: 10, fromIndex: 7, toIndex: 9, maxBytes: 1 })
  t.same(log.take(), [{ kind: 'logRead', request: 10, batches: [] }])
})

t.test('statistics count flushes and bytes', async (t) => {
  const log = await LogHarness.start()
  await log.turn(hardState(1, 1))
  await log.turn(log.append(1, 1, 3, 1, 0))
  await log.turn(log.append(2, 4, 1), log.append(3, 5, 1))
  t.match(await log.ask({ kind: 'stats' }), { flushes: 2, appendedBatches: 3 })
  const stats = (await log.ask({ kind: 'stats' })) as { appendedBytes: number; storeBytes: number }
  t.equal(stats.appendedBytes, stats.storeBytes)
})
