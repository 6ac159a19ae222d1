import t from 'tap'
import type { QueryOptions } from '../../lib/node/types.js'
import { errorOf, fateOf } from './fixtures/callers.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

const ask = (consensus: FakeConsensus, request: unknown, options?: QueryOptions) =>
  consensus.side.reader.query({ request }, options)

/** Answers the one query message that is out: each item with its request. */
function answerQuery(consensus: FakeConsensus, index: number): number {
  const { minIndex, items } = consensus.only('query')
  consensus.reply({
    kind: 'queryDone',
    index,
    items: items.map(({ id, request }) => ({ id, outcome: { ok: true, value: request } })),
  })
  return minIndex
}

t.test('on the leader a burst of queries shares one read index and one message', async (t) => {
  const consensus = new FakeConsensus().lead()
  const answers = ['a', 'b'].map((request) => ask(consensus, request))
  await burst()
  const { id, lease } = consensus.only('readIndex')
  t.equal(lease, false)
  consensus.reply({ kind: 'readIndexDone', id, index: 7 })
  await burst()
  t.equal(answerQuery(consensus, 9), 7)
  t.strictSame(await Promise.all(answers), [
    { index: 9, result: 'a' },
    { index: 9, result: 'b' },
  ])
  t.equal(consensus.side.reader.pending, 0)
})

t.test('S10: a query that comes later has a read index of its own', async (t) => {
  const consensus = new FakeConsensus().lead()
  ask(consensus, 'a')
  await burst()
  ask(consensus, 'b')
  await burst()
  const [first, second] = consensus.take('readIndex')
  t.not(first?.id, second?.id)
  consensus.reply({ kind: 'readIndexDone', id: first?.id ?? 0, index: 7 })
  await burst()
  t.strictSame(
    consensus.only('query').items.map(({ request }) => request),
    ['a'],
  )
})

t.test(
  'a follower asks the leader for the index and its own state machine for the answer',
  async (t) => {
    const follower = new FakeConsensus().follow('n2')
    const leader = new FakeConsensus({}, { id: 'n2' }).lead()
    const answer = ask(follower, 'a')
    await burst()
    const { to, request, body } = follower.only('forward')
    t.equal(to, 'n2')
    leader.reply({ kind: 'forwarded', connection: 1, request, peer: 'n1', body })
    await burst()
    const { id } = leader.only('readIndex')
    leader.reply({ kind: 'readIndexDone', id, index: 42 })
    await burst()
    const reply = leader.only('answerForwarded')
    follower.reply({ kind: 'forwardReply', request, body: reply.body, sent: true })
    await burst()
    t.equal(answerQuery(follower, 43), 42)
    t.strictSame(await answer, { index: 43, result: 'a' })
  },
)

t.test('a lease read asks for the lease, also from a follower', async (t) => {
  const leader = new FakeConsensus({}, { id: 'n2' }).lead()
  ask(leader, 'a', { consistency: 'lease' })
  await burst()
  t.equal(leader.only('readIndex').lease, true)

  const follower = new FakeConsensus().follow('n2')
  const answer = ask(follower, 'a', { consistency: 'lease' })
  await burst()
  const { request, body } = follower.only('forward')
  leader.reply({ kind: 'forwarded', connection: 1, request, peer: 'n1', body })
  await burst()
  const { id, lease } = leader.only('readIndex')
  t.equal(lease, true)
  leader.reply({ kind: 'readIndexFailed', id, reason: 'leaseUnavailable' })
  await burst()
  const reply = leader.only('answerForwarded')
  follower.reply({ kind: 'forwardReply', request, body: reply.body, sent: true })
  t.match(await errorOf(answer), { code: 'RAFT_LEASE_UNAVAILABLE', retryable: true })
})

t.test('a read that fails with its leader is asked of the next one', async (t) => {
  const consensus = new FakeConsensus().lead()
  const answer = ask(consensus, 'a')
  await burst()
  const { id } = consensus.only('readIndex')
  consensus.follow(null)
  consensus.reply({ kind: 'readIndexFailed', id, reason: 'leadershipLost' })
  await burst()
  t.equal(consensus.told.length, 0)
  consensus.lead(9)
  await burst()
  consensus.reply({ kind: 'readIndexDone', id: consensus.only('readIndex').id, index: 50 })
  await burst()
  t.equal(answerQuery(consensus, 50), 50)
  t.strictSame(await answer, { index: 50, result: 'a' })
})

t.test('a lost answer is no harm to a read: it is asked again', async (t) => {
  const follower = new FakeConsensus().follow('n2')
  ask(follower, 'a').catch(() => {})
  await burst()
  for (const sent of [true, false]) {
    const { request } = follower.only('forward')
    follower.reply({ kind: 'forwardReply', request, body: null, sent })
    await follower.time.advance(110)
  }
  t.equal(follower.take('forward').length, 1)
})

t.test('without a leader a read waits, and says so when its time is over', async (t) => {
  const consensus = new FakeConsensus().follow(null)
  const errors = ['a', 'b'].map((request) => errorOf(ask(consensus, request, { timeoutMs: 100 })))
  await consensus.time.advance(150)
  for (const error of await Promise.all(errors)) {
    t.match(error, { code: 'RAFT_TIMEOUT', retryable: true, cause: { code: 'RAFT_NO_LEADER' } })
    t.equal(error.outcome, undefined)
  }
})

t.test('verifyLeader asks this node only', async (t) => {
  const leader = new FakeConsensus().lead()
  const verified = leader.side.reader.readIndex(undefined, true)
  await burst()
  leader.reply({ kind: 'readIndexDone', id: leader.only('readIndex').id, index: 5 })
  t.equal(await verified, 5)
  const lost = leader.side.reader.readIndex(undefined, true)
  await burst()
  const { id } = leader.only('readIndex')
  leader.reply({ kind: 'readIndexFailed', id, reason: 'leadershipLost' })
  t.equal(await fateOf(lost), 'RAFT_LEADERSHIP_LOST -')
  const follower = new FakeConsensus().follow('n2')
  t.equal(await fateOf(follower.side.reader.readIndex(undefined, true)), 'RAFT_NOT_LEADER -')
})

t.test('a stale read asks nobody else', async (t) => {
  const consensus = new FakeConsensus().follow(null)
  const answer = ask(consensus, 'a', { consistency: 'stale' })
  await burst()
  t.equal(answerQuery(consensus, 3), 0)
  t.strictSame(await answer, { index: 3, result: 'a' })
})

t.test(
  'a stale read within maxStalenessMs of the last contact is answered, else refused',
  async (t) => {
    const consensus = new FakeConsensus().follow('n2')
    const options = { consistency: 'stale', maxStalenessMs: 100 } as const
    t.match(await errorOf(ask(consensus, 'a', options)), {
      code: 'RAFT_TOO_STALE',
      details: { lastContactMs: null },
    })
    consensus.status({ lastContactAt: consensus.time.now() })
    await consensus.time.advance(100)
    ask(consensus, 'a', options)
    await burst()
    t.equal(answerQuery(consensus, 3), 0)
    await consensus.time.advance(1)
    t.match(await errorOf(ask(consensus, 'a', options)), { details: { lastContactMs: 101 } })
    consensus.lead()
    ask(consensus, 'a', options)
    await burst()
    t.equal(consensus.take('query').length, 1, 'the leader is never stale')
  },
)

t.test('minIndex is waited for before anything is asked', async (t) => {
  const consensus = new FakeConsensus().follow('n2')
  const options = { consistency: 'stale', minIndex: 20 } as const
  const answer = ask(consensus, 'a', options)
  await burst()
  t.equal(consensus.told.length, 0)
  consensus.status({ lastApplied: 20 })
  await burst()
  t.equal(answerQuery(consensus, 20), 20)
  await answer
  const late = errorOf(ask(consensus, 'a', { ...options, minIndex: 21, timeoutMs: 50 }))
  await consensus.time.advance(100)
  t.match(await late, { code: 'RAFT_TIMEOUT' })
  consensus.status({ lastApplied: 21 })
  await burst()
  t.equal(consensus.told.length, 0, 'nobody waits for it any more')
})

t.test('what a query throws is told, and is no outcome of a proposal', async (t) => {
  const consensus = new FakeConsensus()
  const answers = ['a', 'b'].map((request) =>
    errorOf(ask(consensus, request, { consistency: 'stale' })),
  )
  await burst()
  const [first, second] = consensus.only('query').items
  const wire = { message: 'no', details: null, stack: null, cause: null }
  const refused = { ...wire, name: 'CommandError', code: 'MISSING' }
  const failed = { ...wire, name: 'TypeError', code: null }
  consensus.reply({
    kind: 'queryDone',
    index: 1,
    items: [
      { id: first?.id ?? 0, outcome: { ok: false, error: refused } },
      { id: second?.id ?? 0, outcome: { ok: false, error: failed } },
    ],
  })
  const [one, other] = await Promise.all(answers)
  t.match(one, { code: 'RAFT_COMMAND_REJECTED', details: { code: 'MISSING' } })
  t.equal(one?.outcome, undefined)
  t.match(other, { code: 'RAFT_STATE_MACHINE_FAILED', cause: { name: 'TypeError' } })
})

t.test('queries that cannot be sent, or are asked wrongly, are refused here', async (t) => {
  const consensus = new FakeConsensus().lead()
  const cases: readonly (readonly [unknown, object])[] = [
    [() => {}, {}],
    [{ deep: { f: () => {} } }, {}],
    ['a', { consistency: 'eventual' }],
    ['a', { maxStalenessMs: 5 }],
  ]
  for (const [request, options] of cases) {
    t.equal(await fateOf(ask(consensus, request, options)), 'RAFT_CONFIG_INVALID -')
  }
  await burst()
  t.equal(consensus.told.length, 0)
})

t.test('past maxPendingReads queries are refused', async (t) => {
  const consensus = new FakeConsensus({ maxPendingReads: 1 }).lead()
  ask(consensus, 'a').catch(() => {})
  t.equal(await fateOf(ask(consensus, 'b')), 'RAFT_OVERLOADED rejected')
})
