import t from 'tap'
import { append, batch, probe, ReplicationBench, TERM } from './support/replication-bench.js'

const feed = (feed: number, fromIndex: number, creditBytes = 1000) => ({
  kind: 'feed' as const,
  feed,
  fromIndex,
  creditBytes,
})
const matched = (matchIndex: number) => ({ kind: 'matched' as const, matchIndex })

t.test(
  'Raft §5.3: a new leader probes at the end of its log with an empty AppendEntries',
  async (t) => {
    const bench = new ReplicationBench({ index: 40, term: 6 })
    t.equal(bench.machine.nextIndex, 41)
    t.same(bench.connect(), [probe(1, 40, 6)])
    t.equal(bench.machine.mode, 'probe')
  },
)

t.test('nothing is sent before the data connection is open', async (t) => {
  const bench = new ReplicationBench({ index: 40, term: 6 })
  t.same(bench.commit(12), [])
  t.equal(bench.machine.deadline(), null)
  t.same(bench.connect(), [probe(1, 40, 6, 12)])
})

t.test('a probe that is taken reports the match and opens the feed behind it', async (t) => {
  const bench = new ReplicationBench({ index: 40, term: 6 })
  bench.connect()
  t.same(bench.accept(1, 40), [matched(40), feed(1, 41)])
  t.equal(bench.machine.mode, 'pipeline')
})

t.test(
  'S6: whole batches are sent, with the previous entry that the first of them names',
  async (t) => {
    const bench = ReplicationBench.matched({ index: 40, term: 6 })
    const [a, b] = [batch(41, 3, 7, 6), batch(44, 2)]
    t.same(bench.feed(1, a, b), [append(2, [a, b])])
    t.equal(bench.machine.nextIndex, 46)
  },
)

t.test(
  'S6: a batch that begins below nextIndex is sent whole; the follower skips the rest',
  async (t) => {
    const bench = ReplicationBench.matched({ index: 40, term: 6 })
    const whole = batch(38, 5, 6, 4)
    t.same(bench.feed(1, whole), [append(2, [whole])])
    t.same(bench.accept(2, 42), [matched(42)])
  },
)

t.test('S1: a success acknowledges all earlier requests of the connection', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  for (const first of [41, 42, 43]) bench.feed(1, batch(first, 1))
  t.equal(bench.machine.inflight.requests, 3)
  t.same(bench.accept(4, 43), [matched(43), { kind: 'credit', feed: 1, bytes: 300 }])
  t.same(bench.machine.inflight, { requests: 0, bytes: 0 })
  t.same(bench.accept(3, 42), [], 'the earlier answers come too late to say anything')
})

t.test('S1: a success that does not end where its request ends drops the connection', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.feed(1, batch(41, 3))
  const [first] = bench.accept(2, 99)
  t.match(first, { kind: 'dropConnection', reason: /43.*99/ })
  t.equal(bench.machine.matchIndex, 40)
})

t.test('S1: after a rejection every answer to an earlier number is ignored', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  for (const first of [41, 42, 43]) bench.feed(1, batch(first, 1))
  t.same(bench.reject(3, { term: 0, index: 41, lastIndex: 40 }), [probe(5, 40, 6)])
  t.same(bench.accept(2, 41), [])
  t.same(bench.accept(4, 43), [])
  t.same(bench.reject(4, { term: 0, index: 41, lastIndex: 40 }), [])
  t.equal(bench.machine.matchIndex, 40)
  t.same(bench.accept(5, 40), [feed(2, 41)])
})

t.test('S1: matchIndex never goes back in a session', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.feed(1, batch(41, 5))
  bench.accept(2, 45)
  bench.disconnect()
  t.same(bench.connect(), [probe(1, 45, 7)], 'the search begins at the match')
  t.same(bench.accept(1, 45), [feed(2, 46)], 'and reports nothing that is known')
})

t.test('S1: requests are numbered from 1 on each connection', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.feed(1, batch(41, 1))
  bench.disconnect()
  t.same(bench.connect(), [probe(1, 40, 6)])
  t.same(bench.accept(2, 41), [], 'number 2 was sent on the connection before')
})

t.test('S2: answers of an earlier term are dropped', async (t) => {
  const bench = new ReplicationBench({ index: 40, term: 6 })
  bench.connect()
  t.same(bench.accept(1, 40, TERM - 1), [])
  t.same(bench.reject(1, { term: 0, index: 1, lastIndex: 0 }, TERM - 1), [])
  t.equal(bench.machine.inflight.requests, 1)
})

for (const answer of ['accept', 'reject', 'chunk'] as const) {
  t.test(`Raft §5.1: a higher term in an answer (${answer}) ends the machine`, async (t) => {
    const bench = ReplicationBench.matched({ index: 40, term: 6 })
    const conflict = { term: 0, index: 1, lastIndex: 0 }
    if (answer === 'accept') t.same(bench.accept(99, 40, 8), [{ kind: 'higherTerm', term: 8 }])
    if (answer === 'reject') {
      t.same(bench.reject(99, conflict, 9), [{ kind: 'higherTerm', term: 9 }])
    }
    if (answer === 'chunk') t.same(bench.stored({ term: 8 }), [{ kind: 'higherTerm', term: 8 }])
    t.equal(bench.machine.mode, 'ended')
    t.equal(bench.machine.deadline(), null)
    t.same(bench.connect(), [])
    t.same(bench.accept(99, 40, 12), [], 'it is told once')
  })
}

t.test('an ended machine gives back what it is still fed', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.accept(99, 40, 8)
  const late = batch(41, 2)
  t.same(bench.feed(1, late), [{ kind: 'release', batches: [late] }])
})

t.test('S7: a batch of a later term is a broken invariant', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  t.throws(() => bench.feed(1, batch(41, 1, TERM + 1)), { code: 'RAFT_INVARIANT' })
})

t.test('S16: a rejection that ends below the match is a lost state, and the end', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.feed(1, batch(41, 5))
  bench.accept(2, 45)
  bench.disconnect()
  bench.connect()
  const conflict = { term: 0, index: 44, lastIndex: 43 }
  t.same(bench.reject(1, conflict), [{ kind: 'lostState', lastIndex: 43 }])
  t.equal(bench.machine.mode, 'ended')
})

t.test('S16: so is another entry at the place of an acknowledged one', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.disconnect()
  bench.connect()
  const conflict = { term: 3, index: 38, lastIndex: 50 }
  t.same(bench.reject(1, conflict), [{ kind: 'lostState', lastIndex: 50 }])
})

t.test(
  'S12: without an answer within replicationStallTimeoutMs the connection is dropped',
  async (t) => {
    const bench = ReplicationBench.matched({ index: 40, term: 6 })
    bench.feed(1, batch(41, 1))
    t.same(bench.tickAfter(9999), [])
    t.match(bench.tickAfter(1), [{ kind: 'dropConnection', reason: /10000 ms/ }])
    t.equal(bench.machine.mode, 'probe')
    t.same(bench.disconnect(), [])
    t.same(bench.connect(), [probe(1, 40, 6)])
  },
)

t.test('S12: an answer that acknowledges something renews the deadline', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.feed(1, batch(41, 1))
  bench.feed(1, batch(42, 1))
  bench.now += 9000
  bench.accept(2, 41)
  t.equal(bench.machine.deadline(), bench.now + 10_000)
  t.same(bench.tickAfter(9000), [])
})

t.test('S12: sending more does not renew the deadline', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  const deadline = bench.now + 10_000
  bench.feed(1, batch(41, 1))
  bench.now += 5000
  bench.feed(1, batch(42, 1))
  t.equal(bench.machine.deadline(), deadline)
})

t.test('a connection that opens while another is thought open begins anew', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  bench.feed(1, batch(41, 1))
  t.same(bench.connect(), [probe(1, 40, 6)])
})

t.test('a rejection without a conflict drops the connection', async (t) => {
  const bench = new ReplicationBench({ index: 40, term: 6 })
  bench.connect()
  const reply = { term: TERM, request: 1, success: false, matchIndex: 0 } as const
  const outputs = bench.step({ kind: 'appendReply', reply: { kind: 'appendReply', ...reply } })
  t.match(outputs, [{ kind: 'dropConnection' }])
})

t.test('end gives back the batches that wait', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 }, { maxInflightRequests: 1 })
  const [a, b] = [batch(41, 1), batch(42, 1)]
  bench.feed(1, a)
  t.same(bench.feed(1, b), [])
  t.same(bench.machine.end(), [{ kind: 'release', batches: [b] }])
  t.same(bench.machine.nextNumbers, { firstFeed: 2, firstTransfer: 1 })
})
