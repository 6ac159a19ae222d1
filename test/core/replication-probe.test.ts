import t from 'tap'
import { batch, type Output, probe, ReplicationBench } from './support/replication-bench.js'

const lookup = (feed: number, fromIndex: number): Output => ({
  kind: 'feed',
  feed,
  fromIndex,
  creditBytes: 1,
})

/** Runs rejections and look-ups against two lists of terms; term of entry i is terms[i - 1]. */
function search(leader: readonly number[], follower: readonly number[]): readonly number[] {
  const bench = new ReplicationBench({ index: leader.length, term: leader.at(-1) ?? 0 })
  const probes: number[] = []
  let outputs = bench.connect()
  for (;;) {
    const [output] = outputs.filter(({ kind }) => kind === 'append' || kind === 'feed')
    if (output?.kind === 'feed' && output.creditBytes === 1) {
      const i = output.fromIndex
      const at = batch(i, 1, leader[i - 1], leader[i - 2] ?? 0)
      outputs = bench.feed(output.feed, at)
    } else if (output?.kind === 'append') {
      const prev = output.prevLogIndex
      probes.push(prev)
      const term = follower[prev - 1] ?? 0
      if (prev === 0 || term === output.prevLogTerm) return probes
      const index = term === 0 ? follower.length + 1 : follower.indexOf(term) + 1
      outputs = bench.reject(output.request, { term, index, lastIndex: follower.length })
    } else throw new Error(`stuck with ${JSON.stringify(outputs)}`)
  }
}

t.test('Raft §5.3: a shorter follower is probed at its end next', async (t) => {
  t.same(search([1, 1, 2, 2, 3], [1, 1]), [5, 2])
})

t.test(
  'Raft §5.3, Figure 7: each follower is found, one probe for each of its terms at most',
  async (t) => {
    const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    t.same(search(leader, [1, 1, 1, 4, 4, 5, 5, 6, 6]), [10, 9], 'a')
    t.same(search(leader, [1, 1, 1, 4]), [10, 4], 'b')
    t.same(search(leader, [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]), [10], 'c')
    t.same(search(leader, [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]), [10], 'd')
    t.same(search(leader, [1, 1, 1, 4, 4, 4, 4]), [10, 7, 5], 'e')
    t.same(search(leader, [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]), [10, 3], 'f')
  },
)

t.test('a run of a term that the leader never had is skipped whole', async (t) => {
  t.same(search([1, 1, 5, 5, 5, 5, 5, 5], [1, 1, 3, 3, 3, 3, 3, 3]), [8, 2])
})

t.test('an empty follower is probed at 0, where every log agrees', async (t) => {
  t.same(search([1, 2, 3], []), [3, 0])
})

t.test('nextIndex falls with each rejection, whatever the follower says', async (t) => {
  const bench = new ReplicationBench({ index: 30, term: 6 })
  bench.connect()
  const claims = [
    { term: 0, index: 900, lastIndex: 29 },
    { term: 9, index: 40, lastIndex: 500 },
    { term: 2, index: 60, lastIndex: 400 },
  ]
  let before = bench.machine.nextIndex
  for (const [position, conflict] of claims.entries()) {
    const [wish] = bench.reject(position + 1, conflict)
    for (let next = wish; next?.kind === 'feed'; ) {
      next = bench.feed(next.feed, batch(next.fromIndex, 1, 6)).find((o) => o.kind !== 'release')
    }
    t.ok(bench.machine.nextIndex < before, `${bench.machine.nextIndex} < ${before}`)
    before = bench.machine.nextIndex
  }
})

t.test('S6: a look-up that brings a large batch settles all of its entries at once', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  t.same(bench.reject(1, { term: 4, index: 10, lastIndex: 99 }), [lookup(1, 100)])
  const large = batch(50, 51, 6, 4)
  t.same(bench.feed(1, large), [{ kind: 'release', batches: [large] }, probe(2, 49, 4)])
})

t.test('what is looked up is given back, also when it comes for an older look-up', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  bench.reject(1, { term: 0, index: 51, lastIndex: 50 })
  const late = batch(51, 1, 6)
  t.same(bench.feed(7, late), [{ kind: 'release', batches: [late] }])
})

t.test('S12: a look-up that is not answered is asked again', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  t.same(bench.reject(1, { term: 0, index: 51, lastIndex: 50 }), [lookup(1, 51)])
  t.same(bench.feed(1), [], 'an empty answer says nothing')
  t.equal(bench.machine.deadline(), bench.now + 10_000)
  t.same(bench.tickAtDeadline(), [lookup(2, 51)])
})

t.test('a look-up is asked again on the next connection', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  bench.reject(1, { term: 0, index: 51, lastIndex: 50 })
  bench.disconnect()
  t.same(bench.connect(), [lookup(2, 51)])
})

t.test('a look-up that brings another batch is a broken invariant', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  bench.reject(1, { term: 0, index: 51, lastIndex: 50 })
  t.throws(() => bench.feed(1, batch(60, 2, 6)), { code: 'RAFT_INVARIANT' })
})

t.test('when the look-up is compacted away a snapshot is the only help', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  bench.reject(1, { term: 0, index: 51, lastIndex: 50 })
  t.same(bench.compacted(1), [{ kind: 'wantChunk', transfer: 1, offset: 0 }])
  t.equal(bench.machine.mode, 'snapshot')
})

t.test('above the compacted part the search goes on', async (t) => {
  const bench = new ReplicationBench({ index: 100, term: 6 })
  bench.connect()
  t.same(bench.reject(1, { term: 4, index: 3, lastIndex: 80 }), [lookup(1, 81)])
  const answer = (feed: number, held: ReturnType<typeof batch>) => bench.feed(feed, held).slice(1)
  t.same(answer(1, batch(81, 1, 6)), [lookup(2, 79)])
  t.same(answer(2, batch(79, 1, 6)), [lookup(3, 75)])
  t.same(bench.compacted(3), [lookup(4, 77)], 'entries 75 and 76 may follow the match yet')
  t.same(answer(4, batch(76, 2, 5, 4)), [probe(2, 75, 4)])
})

t.test('a follower that refuses what matches is tried at once, then later and later', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  const full = { term: 0, index: 41, lastIndex: 40 }
  const pauses: number[] = []
  let request = 2
  for (let round = 0; round < 5; round++) {
    bench.feed(round + 1, batch(41, 1))
    const refusedAt = bench.now
    let outputs = bench.reject(request, full)
    if (outputs.length === 0) outputs = bench.tickAtDeadline()
    t.same(outputs, [probe(request + 1, 40, 6)])
    pauses.push(bench.now - refusedAt)
    bench.accept(request + 1, 40)
    request += 2
  }
  t.same(pauses, [0, 50, 100, 200, 400])
  bench.feed(6, batch(41, 1))
  bench.accept(request, 41)
  bench.feed(6, batch(42, 1))
  const outputs = bench.reject(request + 1, { term: 0, index: 42, lastIndex: 41 })
  t.same(outputs, [probe(request + 2, 41, 7)], 'progress makes it patient again')
})

t.test('a refusal of what follows a matching entry is no reason to search', async (t) => {
  const bench = ReplicationBench.matched({ index: 40, term: 6 })
  for (const first of [41, 42, 43]) bench.feed(1, batch(first, 1))
  t.same(bench.reject(4, { term: 0, index: 43, lastIndex: 42 }), [probe(5, 40, 6)])
})
