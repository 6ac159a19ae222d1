import t from 'tap'
import { append, batch, type Output, probe, ReplicationBench } from './support/replication-bench.js'

const END = { index: 40, term: 7 }

/** Requests among the outputs, as the number of batches in each. */
function sizes(outputs: readonly Output[]): readonly number[] {
  return outputs.flatMap((output) => (output.kind === 'append' ? [output.batches.length] : []))
}

function run(firstIndex: number, count: number) {
  return Array.from({ length: count }, (_, i) => batch(firstIndex + i, 1))
}

t.test('batches that come together go together, up to maxAppendBytes', async (t) => {
  const bench = ReplicationBench.matched(END)
  t.same(sizes(bench.feed(1, ...run(41, 7))), [3, 3, 1])
})

t.test('a batch larger than maxAppendBytes goes alone', async (t) => {
  const bench = ReplicationBench.matched(END)
  const large = { ...batch(41, 1), length: 900 }
  t.same(sizes(bench.feed(1, large, batch(42, 1))), [1, 1])
})

t.test('S18: the window is bounded in requests', async (t) => {
  const bench = ReplicationBench.matched(END, { maxAppendBytes: 100 })
  t.same(sizes(bench.feed(1, ...run(41, 6))), [1, 1, 1, 1])
  t.same(bench.machine.inflight, { requests: 4, bytes: 400 })
  t.same(sizes(bench.accept(3, 42)), [1, 1], 'two are acknowledged, two go')
})

t.test('S18: the window is bounded in bytes', async (t) => {
  const bench = ReplicationBench.matched(END)
  const wide = (firstIndex: number) => ({ ...batch(firstIndex, 1), length: 450 })
  t.same(sizes(bench.feed(1, wide(41), wide(42), wide(43))), [1, 1])
  t.same(bench.machine.inflight.bytes, 900)
  t.same(sizes(bench.accept(2, 41)), [1])
})

t.test('S18: a batch larger than the window waits until nothing else is in flight', async (t) => {
  const bench = ReplicationBench.matched(END)
  const huge = { ...batch(42, 1), length: 5000 }
  t.same(sizes(bench.feed(1, batch(41, 1), huge)), [1])
  t.same(sizes(bench.accept(2, 41)), [1])
  t.same(bench.machine.inflight.bytes, 5000)
})

t.test('credit is given back in portions, as batches are acknowledged', async (t) => {
  const bench = ReplicationBench.matched(END)
  const credits: number[] = []
  for (let i = 0; i < 10; i++) {
    bench.feed(1, batch(41 + i, 1))
    for (const output of bench.accept(2 + i, 41 + i)) {
      if (output.kind === 'credit') credits.push(output.bytes)
    }
  }
  t.same(credits, [300, 300, 300], 'at least a quarter of the window each')
})

t.test('what is fed and not sent takes credit too', async (t) => {
  const bench = ReplicationBench.matched(END, { maxInflightRequests: 1 })
  bench.feed(1, ...run(41, 10))
  const credits = bench.accept(2, 43).filter(({ kind }) => kind === 'credit')
  t.same(credits, [{ kind: 'credit', feed: 1, bytes: 300 }])
})

t.test('batches of a feed that was replaced are given back', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.disconnect()
  bench.connect()
  bench.accept(1, 40)
  const late = batch(41, 1)
  t.same(bench.feed(1, late), [{ kind: 'release', batches: [late] }])
  t.same(sizes(bench.feed(2, late)), [1])
})

t.test('a gap in the feed is asked for again', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.feed(1, batch(41, 1))
  const late = batch(43, 1)
  t.same(bench.feed(1, late), [
    { kind: 'release', batches: [late] },
    { kind: 'feed', feed: 2, fromIndex: 42, creditBytes: 900 },
  ])
})

t.test('S6: a feed that begins with another batch is a broken invariant', async (t) => {
  t.throws(() => ReplicationBench.matched(END).feed(1, batch(42, 1)), { code: 'RAFT_INVARIANT' })
  t.throws(() => ReplicationBench.matched(END).feed(1, batch(39, 2)), { code: 'RAFT_INVARIANT' })
})

t.test('S6: so is a batch that misnames the term before it', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.feed(1, batch(41, 1))
  t.throws(() => bench.feed(1, batch(42, 1, 7, 6)), { code: 'RAFT_INVARIANT' })
})

t.test('a log that is compacted under the feed makes a snapshot necessary', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.feed(1, batch(41, 1))
  t.same(bench.compacted(1), [{ kind: 'wantChunk', transfer: 1, offset: 0 }])
  t.same(bench.accept(2, 41), [], 'S1: what was sent before is not waited for')
})

t.test('each request carries the newest commit index', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.commit(39)
  const a = batch(41, 1)
  t.same(bench.feed(1, a), [append(2, [a], 39)])
})

t.test('an idle follower hears of a new commit index within commitTimeoutMs', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.feed(1, batch(41, 2))
  bench.accept(2, 42)
  t.equal(bench.machine.deadline(), bench.now + 50)
  t.same(bench.commit(42), [], 'not at once: the next batch may carry it')
  t.same(bench.tickAtDeadline(), [probe(3, 42, 7, 42)])
  t.same(bench.accept(3, 42), [])
  t.equal(bench.machine.deadline(), null, 'it knows all there is to know')
})

t.test('as long as the commit index may move, an idle machine looks again', async (t) => {
  const bench = ReplicationBench.matched(END)
  for (let i = 0; i < 3; i++) {
    t.equal(bench.machine.deadline(), bench.now + 50)
    t.same(bench.tickAtDeadline(), [])
  }
  bench.commit(30)
  t.same(bench.tickAtDeadline(), [probe(2, 40, 7, 30)])
})

t.test('with something in flight no commit index is sent alone', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.feed(1, batch(41, 1))
  bench.commit(40)
  t.same(bench.tickAfter(60), [])
  t.equal(bench.machine.deadline(), bench.now + 10_000 - 60)
})

t.test('a commit index behind what was sent is told again on a new connection', async (t) => {
  const bench = ReplicationBench.matched(END)
  bench.commit(40)
  bench.tickAtDeadline()
  bench.disconnect()
  t.same(bench.connect(), [probe(1, 40, 7, 40)])
})
