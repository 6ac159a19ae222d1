import t from 'tap'
import type { Effect } from '../../lib/core/effects.js'
import { candidateOf, followerAt, followerOf, leaderOf, newLeaderOf } from './helpers/cores.js'
import { has, kinds, ofKind, only } from './helpers/effects.js'
import { append, batch, entries, heartbeat, preVote, TICK, vote } from './helpers/inputs.js'

/** S5: nothing leaves a node before what it claims is on disk. */

t.test('no vote request before term and own vote are saved', async (t) => {
  const node = followerAt(1, { config: { preVote: false } })
  t.notOk(has(node.timeout(), 'requestVotes'))
  t.ok(has(node.saved(), 'requestVotes'))
})

t.test('no answer of any kind in a term that is not saved', async (t) => {
  const answers = ['replyVote', 'replyAppend', 'replyHeartbeat', 'controlBlock'] as const
  const given = (effects: readonly Effect[]) =>
    answers.reduce((sum, kind) => sum + ofKind(effects, kind).length, 0)
  for (const input of [heartbeat(2), append(2), append(2, { prev: [9, 9] }), preVote(9)]) {
    const node = followerAt(1)
    node.step(heartbeat(2, { leaseMs: 0 }))
    t.equal(given(node.step(input)), 0, input.kind)
    t.ok(given(node.saved()) > 0, input.kind)
  }
})

t.test('a refusal in a new term waits for that term too', async (t) => {
  const node = followerAt(1, { log: [1, 1] })
  t.notOk(has(node.step(vote(5, { last: [1, 1] })), 'replyVote'), 'the log is not up to date')
  const { reply } = only(node.saved(), 'replyVote')
  t.match(reply, { granted: false, term: 5 })
})

t.test('an older save does not release what a newer one must cover', async (t) => {
  const node = followerAt(1)
  node.step(heartbeat(2, { leaseMs: 0 }))
  node.step(heartbeat(2, { leaseMs: 700 }))
  const first = node.step({ kind: 'hardStateSaved', seq: 1 })
  t.same(
    ofKind(first, 'replyHeartbeat').map(({ reply }) => reply.leaseMs),
    [0],
  )
  t.same(
    ofKind(node.step({ kind: 'hardStateSaved', seq: 2 }), 'replyHeartbeat').length,
    1,
    'the longer promise is on disk now (S10)',
  )
  t.throws(() => node.step({ kind: 'hardStateSaved', seq: 3 }), { code: 'RAFT_INVARIANT' })
})

t.test('a success waits for the flush of all it vouches for', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: [batch(2, 4, 1)], request: 1 }))
  node.step(append(1, { prev: [4, 1], batches: [batch(5, 6, 1)], request: 2 }))
  node.step(append(1, { prev: [4, 1], request: 3 }))
  const acknowledged = (effects: readonly Effect[]) =>
    ofKind(effects, 'replyAppend').map(({ reply }) => reply.request)
  t.same(acknowledged(node.flushed(1)), [1, 3], 'request 3 vouches for entry 4 only')
  t.same(acknowledged(node.flushed(2)), [2])
})

t.test('a success waits for the save of its term as well as for the flush', async (t) => {
  const node = followerAt(1)
  node.step(append(2, { batches: entries(2, 2) }))
  t.same(node.flushed(), [])
  t.same(kinds(node.saved()), ['replyAppend'])
})

t.test('a rejection claims nothing durable of the log and leaves at once', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  t.same(kinds(node.step(append(1, { prev: [9, 1] }))), ['replyAppend'])
})

t.test('a success of an older term is not sent in a newer one', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  node.step(append(2, { from: 'n3', prev: [1, 1], batches: entries(2, 2) }))
  node.saved()
  const replies = ofKind(node.flushed(), 'replyAppend')
  t.same(
    replies.map(({ reply }) => reply.term),
    [2],
  )
})

t.test(
  'a late flush of cut-off entries releases no success for those that replaced them',
  async (t) => {
    const node = followerOf('n2', 2, { log: [1] })
    node.step(append(2, { batches: entries(2, 2, 2) }))
    node.step(append(3, { from: 'n3', batches: entries(2, 3, 3) }))
    node.saved()
    t.same(node.flushed(1), [], 'what was flushed is gone from the log')
    t.same(node.flushed(2), [], 'the truncation')
    t.equal(only(node.flushed(3), 'replyAppend').reply.matchIndex, 3)
  },
)

t.test('a leader sends before it writes, and does not count itself before', async (t) => {
  const node = newLeaderOf(1)
  t.notOk(node.status.ready)
  t.ok(has(node.flushed(), 'commit'))
  t.ok(node.status.ready)
})

t.test('the entries of a new term are issued after its hard state', async (t) => {
  const node = followerAt(1)
  const order = kinds(node.step(append(2, { batches: entries(2, 2) })))
  t.ok(order.indexOf('saveHardState') < order.indexOf('append'), order.join())
})

t.test(
  'a control block goes out with the saved term, and not after a withdrawal (S9)',
  async (t) => {
    const node = followerAt(1)
    t.same(
      ofKind(node.step(heartbeat(2)), 'controlBlock'),
      [{ kind: 'controlBlock', block: null }],
      'withdrawn when the term changes',
    )
    t.same(only(node.saved(), 'controlBlock').block, {
      term: 2,
      leader: 'n2',
      addedAt: 1,
      leaseMs: 500,
    })
    const late = followerAt(1)
    late.step(heartbeat(2))
    late.now = late.core.nextDeadline()
    late.step(TICK)
    t.equal(late.status.role, 'preCandidate')
    t.notOk(has(late.saved(), 'controlBlock'))
  },
)

t.test('requests for another incarnation of this node are not answered (S2)', async (t) => {
  const node = followerOf('n2', 1)
  const incarnation = 'n1-former'
  t.same(node.step(append(9, { incarnation, batches: entries(2, 9) })), [])
  t.same(node.step(heartbeat(9, { incarnation })), [])
  t.equal(node.status.term, 1)
})

t.test('a heartbeat of an older term is told the newer one', async (t) => {
  const node = followerAt(5)
  t.same(node.step(heartbeat(4)), [
    {
      kind: 'replyHeartbeat',
      connection: 1,
      reply: {
        kind: 'heartbeatReply',
        term: 5,
        accepted: false,
        probe: 3,
        sentAt: 42,
        leaseMs: 500,
      },
    },
  ])
})

t.test('an accepted heartbeat is echoed (S10)', async (t) => {
  const node = followerOf('n2', 1)
  t.match(only(node.step(heartbeat(1, { probe: 8, sentAt: 77, leaseMs: 300 })), 'replyHeartbeat'), {
    reply: { term: 1, accepted: true, probe: 8, sentAt: 77, leaseMs: 300 },
  })
})

t.test('candidates and leaders hold no control block', async (t) => {
  for (const node of [candidateOf(3), leaderOf(3)]) {
    t.notOk(has(node.saved(), 'controlBlock'), node.status.role)
  }
})
