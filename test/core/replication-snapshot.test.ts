import t from 'tap'
import { batch, type Output, probe, ReplicationBench } from './support/replication-bench.js'

const META = { index: 90, term: 5, size: 250 }
const want = (offset: number, transfer = 1): Output => ({ kind: 'wantChunk', transfer, offset })

/** A machine that needs a snapshot: the follower is empty, the log begins behind 90. */
function needing(): ReplicationBench {
  const bench = ReplicationBench.matched({ index: 0, term: 0 })
  bench.compacted(1)
  return bench
}

function sent(outputs: readonly Output[]): readonly number[] {
  return outputs.flatMap((output) => (output.kind === 'sendChunk' ? [output.chunk.offset] : []))
}

/** Up to the moment at which the follower holds all bytes and installs them. */
function installing(): ReplicationBench {
  const bench = needing()
  bench.chunk({ offset: 0, length: 250, done: true })
  bench.stored({ offset: 250 })
  return bench
}

t.test('what is compacted away is sent as a snapshot, from its beginning', async (t) => {
  const bench = ReplicationBench.matched({ index: 0, term: 0 })
  t.same(bench.compacted(1), [want(0)])
  t.equal(bench.machine.mode, 'snapshot')
})

t.test('one chunk is in flight, and the next is read meanwhile', async (t) => {
  const bench = needing()
  const outputs = bench.chunk({ offset: 0, length: 100 })
  t.match(outputs[0], { kind: 'sendChunk', chunk: { offset: 0 }, meta: META })
  t.same(outputs.slice(1), [want(100)])
  t.same(bench.chunk({ offset: 100, length: 100 }), [], 'not before the first is stored')
  const next = bench.stored({ offset: 100 })
  t.same(sent(next), [100])
  t.same(next.slice(1), [want(200)])
})

t.test('after the last chunk nothing more is read', async (t) => {
  const bench = needing()
  t.same(sent(bench.chunk({ offset: 0, length: 250, done: true })), [0])
  t.same(bench.stored({ offset: 250 }), [])
})

t.test('Raft §7: once it is installed replication goes on behind it', async (t) => {
  const bench = installing()
  t.same(bench.stored({ offset: 250, installed: true }), [
    { kind: 'snapshotSent', transfer: 1 },
    probe(2, 90, 5),
  ])
  t.equal(bench.machine.nextIndex, 91)
  t.same(bench.accept(2, 90), [
    { kind: 'matched', matchIndex: 90 },
    { kind: 'feed', feed: 2, fromIndex: 91, creditBytes: 1000 },
  ])
})

t.test(
  'after a broken connection it first asks whether the snapshot is there already',
  async (t) => {
    const bench = installing()
    bench.disconnect()
    t.same(bench.connect(), [probe(1, 90, 5)])
    t.same(bench.accept(1, 90), [
      { kind: 'matched', matchIndex: 90 },
      { kind: 'snapshotSent', transfer: 1 },
      { kind: 'feed', feed: 2, fromIndex: 91, creditBytes: 1000 },
    ])
  },
)

t.test('after a broken connection it goes on where the follower is known to be', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  bench.stored({ offset: 100 })
  bench.chunk({ offset: 100, length: 100 })
  bench.disconnect()
  bench.connect()
  const rejected = bench.reject(1, { term: 0, index: 1, lastIndex: 0 })
  t.same(rejected, [want(100)], 'the same transfer, from what was acknowledged')
  t.same(sent(bench.chunk({ offset: 100, length: 100 })), [100])
})

t.test('it goes on at the offset that the follower reports', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 50 })
  t.same(bench.stored({ offset: 150 }), [want(150)])
  t.same(bench.chunk({ offset: 50, length: 50 }), [], 'what was read ahead is of no use')
  t.same(sent(bench.chunk({ offset: 150, length: 100, done: true })), [150])
})

t.test('a follower that lost what it had stored is sent it again, not at full speed', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  const again = () => bench.stored({ offset: 0 })
  t.same(again(), [want(0)])
  bench.chunk({ offset: 0, length: 100 })
  t.same(again(), [], 'the second time it waits')
  t.equal(bench.machine.deadline(), bench.now + 50)
  t.same(bench.tickAtDeadline(), [want(0)])
})

t.test('an offset beyond the snapshot begins a new transfer', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  t.same(bench.stored({ offset: 999 }), [want(0, 2)])
})

t.test('a transfer that the follower gives up is begun anew', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  t.same(bench.stored({ failed: true }), [want(0, 2)])
  bench.chunk({ transfer: 2, offset: 0, length: 100 })
  const late = { offset: 100, installed: true }
  t.same(bench.stored({ transfer: 1, ...late }), [], 'answers to the old one say nothing')
})

t.test('a chunk that cannot be read begins anew, later and later', async (t) => {
  const bench = needing()
  t.same(bench.chunk({ offset: 0, failed: true, meta: null }), [want(0, 2)])
  t.same(bench.chunk({ transfer: 2, offset: 0, failed: true, meta: null }), [])
  t.equal(bench.machine.deadline(), bench.now + 50)
  t.same(bench.tickAtDeadline(), [want(0, 3)])
})

t.test('a failure to read is heard whatever offset it names', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  const failure = bench.chunk({ offset: 0, failed: true, meta: null })
  t.same(failure, [want(0, 2)])
})

t.test('chunks of another snapshot are never joined to the first ones', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  const other = { index: 95, term: 5, size: 300 }
  t.same(bench.chunk({ offset: 100, length: 100, meta: other }), [want(0, 2)])
})

t.test('chunks that nobody asked for are ignored', async (t) => {
  const bench = needing()
  t.same(bench.chunk({ transfer: 7, offset: 0, length: 100 }), [])
  t.same(bench.chunk({ offset: 100, length: 100 }), [])
  t.same(ReplicationBench.matched({ index: 0, term: 0 }).chunk({ offset: 0, length: 9 }), [])
})

t.test('S12: a chunk without answer drops the connection', async (t) => {
  const bench = needing()
  bench.chunk({ offset: 0, length: 100 })
  t.same(bench.tickAfter(9999), [])
  t.match(bench.tickAfter(10), [{ kind: 'dropConnection' }])
})

t.test('S12: a chunk that is never read begins anew', async (t) => {
  const bench = needing()
  t.same(bench.tickAtDeadline(), [want(0, 2)])
})

t.test('an install may take its time; it is asked after', async (t) => {
  const bench = installing()
  t.equal(bench.machine.deadline(), bench.now + 1000)
  t.same(bench.tickAtDeadline(), [probe(2, 90, 5)])
  t.same(bench.reject(2, { term: 0, index: 1, lastIndex: 0 }), [])
  t.same(bench.tickAtDeadline(), [probe(3, 90, 5)])
  t.match(bench.accept(3, 90), [{ kind: 'matched', matchIndex: 90 }, { kind: 'snapshotSent' }])
})

t.test('S12: an install that does not end is begun anew', async (t) => {
  const bench = installing()
  const startedAt = bench.now
  let request = 2
  for (;;) {
    const [output] = bench.tickAtDeadline()
    if (output?.kind !== 'append') {
      t.same(output, want(0, 2))
      break
    }
    bench.reject(request++, { term: 0, index: 1, lastIndex: 0 })
  }
  t.equal(bench.now - startedAt, 100_000)
})

t.test(
  'S16: a follower that lost acknowledged entries is found while it is sent a snapshot',
  async (t) => {
    const bench = ReplicationBench.matched({ index: 40, term: 3 })
    bench.compacted(1)
    bench.chunk({ offset: 0, length: 100 })
    bench.disconnect()
    bench.connect()
    const conflict = { term: 0, index: 31, lastIndex: 30 }
    t.same(bench.reject(1, conflict), [{ kind: 'lostState', lastIndex: 30 }])
  },
)

t.test('an empty snapshot is one empty chunk', async (t) => {
  const bench = needing()
  const meta = { index: 90, term: 5, size: 0 }
  t.same(sent(bench.chunk({ offset: 0, meta, done: true })), [0])
  t.same(bench.stored({ offset: 0 }), [])
  t.match(bench.stored({ installed: true })[0], { kind: 'snapshotSent' })
})

t.test('the next snapshot is another transfer', async (t) => {
  const bench = installing()
  bench.stored({ offset: 250, installed: true })
  bench.accept(2, 90)
  t.same(bench.compacted(2), [want(0, 2)])
  t.same(bench.machine.nextNumbers, { firstFeed: 3, firstTransfer: 3 })
  const late = batch(91, 1)
  t.same(bench.feed(2, late), [{ kind: 'release', batches: [late] }])
})
