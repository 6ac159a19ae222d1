import t from 'tap'
import { appendsOf, heartbeatsOf, pins, ReplicatorBench, TERM } from './support/replicator-bench.js'

t.test(
  'S11: while consensus is blocked for less than leaderStallTimeoutMs heartbeats go on',
  async (t) => {
    const bench = ReplicatorBench.leading()
    bench.consensusRuns = false
    bench.pass(4900)
    t.equal(heartbeatsOf(bench.heartbeat.sent).length, 50)
    t.same(bench.take('stalled'), [])
  },
)

t.test('S11: past it the replicator falls silent for the term, for ever', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.consensusRuns = false
  bench.pass(5200)
  t.same(bench.take('stalled'), [{ kind: 'stalled', peer: 'n2', term: TERM }])
  t.ok(bench.board.isRevoked(TERM))
  t.ok(bench.data.closed)
  bench.consensusRuns = true
  bench.heartbeat.take()
  bench.pass(500)
  bench.tell({ kind: 'probe', term: TERM, probe: 9 })
  bench.lead()
  t.same(bench.heartbeat.sent, [])
  bench.lead({ term: TERM + 1 })
  t.equal(heartbeatsOf(bench.heartbeat.sent).length, 1)
})

t.test('S11: so it does when the oldest append has waited that long for its flush', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.board.oldestUnflushedAt = bench.context.now()
  bench.pass(4900)
  t.same(bench.take('stalled'), [])
  bench.pass(300)
  t.equal(bench.take('stalled').length, 1)
})

t.test('S11: a flush that comes in time is forgotten', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.board.oldestUnflushedAt = bench.context.now()
  bench.pass(4000)
  bench.board.oldestUnflushedAt = 0
  bench.pass(4000)
  t.same(bench.take('stalled'), [])
})

t.test('S11: no append leaves either, and what was fed for it is unpinned', async (t) => {
  const bench = ReplicatorBench.replicating({ heartbeatIntervalMs: 100_000, maxAppendBytes: 10 })
  bench.consensusRuns = false
  bench.pass(5200)
  const batches = [bench.batch(11, TERM, 6), bench.batch(12), bench.batch(13)]
  bench.tell({ kind: 'batches', feed: 1, batches, compacted: false })
  t.same(appendsOf(bench.data.sent), [])
  t.same(batches.map(pins), [0, 0, 0])
  t.equal(bench.take('stalled').length, 1)
})

t.test(
  'S11: a replicator that is started anew stays silent in a term that was revoked',
  async (t) => {
    const bench = ReplicatorBench.connected()
    const { board } = bench
    t.notOk(board.isRevoked(TERM))
    bench.lead()
    bench.consensusRuns = false
    bench.pass(5200)
    bench.heartbeat.take()
    bench.consensusRuns = true
    bench.pass(100)
    bench.tell({ kind: 'unlead' })
    bench.lead({ addedAt: 20 })
    t.same(bench.heartbeat.sent, [])
  },
)
