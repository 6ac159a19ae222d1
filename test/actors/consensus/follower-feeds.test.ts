import t from 'tap'
import { ConsensusBench, initOf, logOf, pinsOf, present } from './support/consensus-bench.js'

function leadingFeed(bench: ConsensusBench, fromIndex: number, feed = 1): void {
  const fields = { peer: 'n2', term: bench.term, feed, fromIndex, creditBytes: 1 << 18 }
  bench.tell({ kind: 'feed', ...fields })
}

t.test('batches are pinned for the replicator that is told of them', async (t) => {
  const bench = ConsensusBench.leading()
  leadingFeed(bench, 3)
  const batch = bench.body()
  bench.tell({ kind: 'propose', proposal: 1, batch })
  t.match(bench.replicator('n2').take('batches'), [{ feed: 1, batches: [{ firstIndex: 3 }] }])
  t.equal(pinsOf(batch).replicators, 1)
})

t.test('a message that finds no room is told again later, without a pin meanwhile', async (t) => {
  const bench = ConsensusBench.leading()
  leadingFeed(bench, 3)
  const replicator = bench.replicator('n2')
  replicator.hasRoom = false
  const batch = bench.body()
  bench.tell({ kind: 'propose', proposal: 1, batch })
  t.equal(pinsOf(batch).replicators, 0)
  replicator.hasRoom = true
  bench.pass(50)
  t.match(replicator.take('batches'), [{ feed: 1, batches: [{ firstIndex: 3 }] }])
  t.equal(pinsOf(batch).replicators, 1)
})

t.test('credit bounds what is fed', async (t) => {
  const bench = ConsensusBench.leading()
  const fields = { peer: 'n2', term: bench.term, feed: 1, fromIndex: 3, creditBytes: 1 }
  bench.tell({ kind: 'feed', ...fields })
  bench.propose()
  bench.propose()
  const replicator = bench.replicator('n2')
  t.equal(replicator.take('batches').length, 1, 'one may exceed it')
  bench.tell({ kind: 'credit', peer: 'n2', feed: 1, bytes: 10_000 })
  t.equal(replicator.take('batches').length, 1)
})

t.test('what is compacted away is said once, and the feed ends', async (t) => {
  const termRuns = [{ firstIndex: 51, term: 1 }]
  const log = logOf(60, { firstIndex: 51, prevTerm: 1, termRuns, ...configured })
  const bench = ConsensusBench.leading({ log, snapshot })
  leadingFeed(bench, 40)
  bench.propose()
  const told = bench.replicator('n2').take('batches')
  t.match(told, [{ batches: [], compacted: true }])
  t.equal(told.length, 1)
})

t.test('a cold answer to a feed that is over is dropped', async (t) => {
  const bench = ConsensusBench.leading({ log: logOf(10, configured) })
  leadingFeed(bench, 3)
  const [read] = bench.log.take('read')
  leadingFeed(bench, 5, 2)
  const stale = { ...bench.batch(3, 1), pinned: false }
  bench.tell({ kind: 'logRead', request: present(read).request, batches: [stale] })
  t.same(bench.replicator('n2').take('batches'), [])
})

t.test('a cold answer that comes after the leadership was lost and won is dropped', async (t) => {
  const bench = ConsensusBench.leading({ log: logOf(10, configured) })
  leadingFeed(bench, 3)
  const [read] = bench.log.take('read')
  bench.tell({ kind: 'stalled', peer: 'n2', term: bench.term })
  bench.pass(3000)
  bench.flush()
  bench.vote()
  t.equal(bench.status.role, 'leader')
  leadingFeed(bench, 3)
  const stale = { ...bench.batch(3, 1), pinned: false }
  bench.tell({ kind: 'logRead', request: present(read).request, batches: [stale] })
  t.same(bench.replicator('n2').take('batches'), [])
})

t.test('the pins of a dead replicator are released, also those of evicted batches', async (t) => {
  const bench = ConsensusBench.leading({ tailMaxBytes: 100 })
  leadingFeed(bench, 3)
  const batch = bench.body(1, 1 << 17)
  bench.tell({ kind: 'propose', proposal: 1, batch })
  for (let i = 0; i < 5; i++) bench.propose()
  bench.flush()
  bench.matched('n2', 8)
  bench.apply()
  t.match(pinsOf(batch), { consensus: 0, replicators: 1 }, 'the tail has let it go')
  bench.unlink('replicator-n2')
  t.equal(pinsOf(batch).replicators, 0)
})

const { configurations } = initOf(3).log
const configured = { configurations }
const [configuration] = configurations
const snapshot = { index: 50, term: 1, configuration: present(configuration) }
