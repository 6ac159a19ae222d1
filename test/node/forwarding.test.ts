import t from 'tap'
import type { RaftConfig } from '../../lib/node/config.js'
import type { ApplyOptions } from '../../lib/node/types.js'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { commandsOf, FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

/** A follower n1 and the leader n2, each with a consensus of its own. */
function pair(config: Partial<RaftConfig> = {}) {
  const follower = new FakeConsensus(config).follow('n2')
  const leader = new FakeConsensus(config, { id: 'n2' }).lead()
  const apply = (text: string, options: ApplyOptions = {}) =>
    follower.applier.applyWith(bytes(text), { forward: true, ...options })
  return { follower, leader, apply }
}

/** Carries what the follower forwards to the leader's node actor. */
function deliver(follower: FakeConsensus, leader: FakeConsensus): number {
  const forwards = follower.take('forward')
  for (const { request, body } of forwards) {
    leader.reply({ kind: 'forwarded', connection: 1, request, peer: 'n1', body })
  }
  return forwards.length
}

/** Carries the leader's answers back. */
function answer(leader: FakeConsensus, follower: FakeConsensus): void {
  for (const { request, body } of leader.take('answerForwarded')) {
    follower.reply({ kind: 'forwardReply', request, body, sent: true })
  }
}

t.test(
  'commands of one burst reach the leader in one request, and their results return',
  async (t) => {
    const { follower, leader, apply } = pair()
    const results = ['a', 'b', 'c'].map((text) => apply(text))
    await burst()
    t.equal(deliver(follower, leader), 1)
    await burst()
    const proposal = leader.only('propose')
    t.strictSame(commandsOf(proposal), ['a', 'b', 'c'])
    leader.apply(proposal)
    await burst()
    answer(leader, follower)
    t.strictSame(await Promise.all(results), [
      { index: 10, term: 2, result: 'a' },
      { index: 11, term: 2, result: 'b' },
      { index: 12, term: 2, result: 'c' },
    ])
    t.equal(follower.side.budget.entries, 0)
    t.equal(leader.side.budget.entries, 0)
  },
)

t.test('on the leader itself nothing is forwarded', async (t) => {
  const { leader } = pair()
  const result = leader.applier.applyWith(bytes('a'), { forward: true })
  await burst()
  leader.apply(leader.only('propose'))
  t.match(await result, { result: 'a' })
  t.equal(leader.side.peers.count, 0)
})

t.test('a batch is forwarded as a batch', async (t) => {
  const { follower, leader } = pair()
  const result = follower.applier.applyBatch([bytes('a'), bytes('b')], { forward: true })
  await burst()
  deliver(follower, leader)
  await burst()
  leader.apply(leader.only('propose'))
  await burst()
  answer(leader, follower)
  t.strictSame(await result, {
    firstIndex: 10,
    term: 2,
    results: [
      { ok: true, value: 'a' },
      { ok: true, value: 'b' },
    ],
  })
})

t.test('outcomes are preserved on their way back', async (t) => {
  const cases = [
    ['leadershipLost', 'unknown', 'RAFT_LEADERSHIP_LOST unknown'],
    ['storageFull', 'rejected', 'RAFT_STORAGE_FULL rejected'],
    ['resultLost', 'committed', 'RAFT_RESULT_LOST committed'],
    ['overloaded', 'rejected', 'RAFT_OVERLOADED rejected'],
  ] as const
  for (const [reason, outcome, fate] of cases) {
    const { follower, leader, apply } = pair()
    const result = apply('a')
    await burst()
    deliver(follower, leader)
    await burst()
    leader.fail(leader.only('propose').proposal, reason, outcome)
    await burst()
    answer(leader, follower)
    t.equal(await fateOf(result), fate)
  }
})

t.test('a refused command comes back with its own code', async (t) => {
  const { follower, leader, apply } = pair()
  const result = apply('a')
  await burst()
  deliver(follower, leader)
  await burst()
  const wire = { name: 'CommandError', message: 'no', code: 'TAKEN', details: null }
  leader.apply(leader.only('propose'), [
    { index: 10, error: { ...wire, stack: null, cause: null } },
  ])
  await burst()
  answer(leader, follower)
  t.match(await errorOf(result), {
    code: 'RAFT_COMMAND_REJECTED',
    outcome: 'committed',
    details: { code: 'TAKEN' },
  })
})

t.test('while there is no leader a command waits for one', async (t) => {
  const { follower, leader, apply } = pair()
  follower.follow(null)
  const result = apply('a')
  await follower.time.advance(1000)
  t.equal(follower.told.length, 0)
  follower.follow('n2', 4)
  await burst()
  t.equal(deliver(follower, leader), 1)
  await burst()
  leader.apply(leader.only('propose'))
  await burst()
  answer(leader, follower)
  t.match(await result, { result: 'a' })
})

t.test('a command that waits may become the business of this node', async (t) => {
  const { follower, apply } = pair()
  follower.follow(null)
  const result = apply('a')
  follower.lead(4)
  await burst()
  follower.apply(follower.only('propose'))
  t.match(await result, { result: 'a' })
})

t.test('without a leader until the time is over the command is rejected, saying why', async (t) => {
  const { follower, apply } = pair()
  follower.follow(null)
  const late = errorOf(apply('a', { timeoutMs: 300 }))
  await follower.time.advance(400)
  t.match(await late, {
    code: 'RAFT_TIMEOUT',
    outcome: 'rejected',
    retryable: true,
    cause: { code: 'RAFT_NO_LEADER' },
  })
})

t.test('S17: rejected by a node that does not lead, the command is tried again', async (t) => {
  const { follower, leader, apply } = pair()
  leader.follow('n3')
  const result = apply('a')
  await burst()
  deliver(follower, leader)
  await burst()
  answer(leader, follower)
  await burst()
  t.equal(follower.take('forward').length, 0, 'not at once: nothing has changed')
  await follower.time.advance(110)
  leader.lead(5)
  t.equal(deliver(follower, leader), 1)
  await burst()
  leader.apply(leader.only('propose'))
  await burst()
  answer(leader, follower)
  t.match(await result, { result: 'a' })
})

t.test('S17: a request that never left is tried again, one that left is not', async (t) => {
  const { follower, apply } = pair()
  const result = fateOf(apply('a'))
  await burst()
  const first = follower.only('forward')
  follower.reply({ kind: 'forwardReply', request: first.request, body: null, sent: false })
  await follower.time.advance(110)
  const second = follower.only('forward')
  follower.reply({ kind: 'forwardReply', request: second.request, body: null, sent: true })
  t.equal(await result, 'RAFT_LEADERSHIP_LOST unknown')
  await follower.time.advance(1000)
  t.equal(follower.take('forward').length, 0)
})

t.test('S17: out of time, a sent command is unknown and a waiting one rejected', async (t) => {
  const { follower, apply } = pair()
  const sent = fateOf(apply('sent', { timeoutMs: 200 }))
  await burst()
  follower.follow(null, 4)
  const waiting = fateOf(apply('waiting', { timeoutMs: 200 }))
  await follower.time.advance(300)
  t.equal(await sent, 'RAFT_TIMEOUT unknown')
  t.equal(await waiting, 'RAFT_TIMEOUT rejected')
})

t.test('S17: aborted before its burst is over, a command is not sent', async (t) => {
  const { follower, apply } = pair()
  const abort = new AbortController()
  const result = fateOf(apply('a', { signal: abort.signal }))
  abort.abort()
  t.equal(await result, 'RAFT_ABORTED rejected')
  await burst()
  t.equal(follower.take('forward').length, 0)
  t.equal(follower.side.budget.entries, 0)
})

t.test('the leader keeps the caller time limit and gives the command up by itself', async (t) => {
  const { follower, leader, apply } = pair()
  const result = errorOf(apply('a', { timeoutMs: 500 }))
  await burst()
  t.equal(follower.told.find(({ kind }) => kind === 'forward') !== undefined, true)
  deliver(follower, leader)
  await leader.time.advance(600)
  answer(leader, follower)
  t.match(await result, { code: 'RAFT_TIMEOUT', outcome: 'unknown' })
})

t.test('an answer that cannot be read leaves the outcome unknown', async (t) => {
  const { follower, apply } = pair()
  const result = apply('a')
  await burst()
  const { request } = follower.only('forward')
  follower.reply({ kind: 'forwardReply', request, body: bytes('garbage'), sent: true })
  t.equal(await fateOf(result), 'RAFT_LEADERSHIP_LOST unknown')
})

t.test('a request that cannot be read is answered and nothing is proposed', async (t) => {
  const { leader } = pair()
  const body = bytes('garbage')
  leader.reply({ kind: 'forwarded', connection: 1, request: 7, peer: 'n1', body })
  t.match(leader.only('answerForwarded'), { connection: 1, request: 7 })
  await burst()
  t.equal(leader.told.length, 0)
})

t.test('a result that cannot travel is lost, the command is committed', async (t) => {
  const { follower, leader, apply } = pair()
  const result = apply('a')
  await burst()
  deliver(follower, leader)
  await burst()
  const { proposal, batch } = leader.only('propose')
  const firstIndex = leader.accept(proposal, batch.count)
  const results = { firstIndex, values: [() => {}], errors: [] }
  leader.reply({ kind: 'proposalApplied', proposal, results })
  await burst()
  answer(leader, follower)
  t.equal(await fateOf(result), 'RAFT_RESULT_LOST committed')
})

t.test('an answer larger than a frame loses the results, not the outcome', async (t) => {
  const follower = new FakeConsensus().follow('n2')
  const leader = new FakeConsensus({}, { id: 'n2', maxReplyBytes: 600 }).lead()
  const result = follower.applier.applyWith(bytes('x'.repeat(1000)), { forward: true })
  await burst()
  deliver(follower, leader)
  await burst()
  leader.apply(leader.only('propose'))
  await burst()
  answer(leader, follower)
  t.equal(await fateOf(result), 'RAFT_RESULT_LOST committed')
})

t.test('what waits for a leader counts against the bounds', async (t) => {
  const { follower, apply } = pair({ maxPendingEntries: 2, maxBatchEntries: 2 })
  follower.follow(null)
  const waiting = [apply('1'), apply('2')].map((promise) => fateOf(promise))
  t.equal(await fateOf(apply('3')), 'RAFT_OVERLOADED rejected')
  await follower.time.advance(6000)
  t.strictSame(await Promise.all(waiting), ['RAFT_TIMEOUT rejected', 'RAFT_TIMEOUT rejected'])
  t.equal(follower.side.budget.entries, 0)
})

t.test('large bursts are cut into bodies of at most a batch', async (t) => {
  const { follower, apply } = pair({ maxBatchBytes: 1024 })
  for (let i = 0; i < 4; i++) apply('x'.repeat(400))
  await burst()
  t.equal(follower.take('forward').length, 2)
})
