import t from 'tap'
import { followerOf, leaderOf, members, newLeaderOf } from './helpers/cores.js'
import { has, kinds, ofKind, only } from './helpers/effects.js'
import {
  append,
  entries,
  heartbeat,
  matched,
  propose,
  snapshotReceived,
  TICK,
  vote,
} from './helpers/inputs.js'

/** restore.ts and uncertain.ts: a snapshot in the place of the log, committed like an entry or not at all. */

const begin = (index: number, id = 9) => ({ kind: 'restoreBegin', id, index }) as const
const commit = (index: number, term: number, id = 9) =>
  ({ kind: 'restoreCommit', id, index, term }) as const
const CONFIGURATION = { index: 1, configuration: members(3) }
const restoredAt = (leaderTerm: number, at: readonly [number, number]) => ({
  ...snapshotReceived(leaderTerm, at, CONFIGURATION),
  restored: true,
})

/** A leader of term 2 with entries 1 and 2 committed, whose restore at index 4 is flushed. */
function restorer() {
  const node = leaderOf(3)
  node.step(begin(1))
  node.step(commit(3, 2))
  node.flushed()
  return node
}

t.test(
  'the snapshot stands behind the last entry and behind its own index, one burnt',
  async (t) => {
    const node = leaderOf(3)
    const ready = { kind: 'restoreReady', id: 9, term: 2, configuration: CONFIGURATION }
    t.same(node.step(begin(1)), [{ ...ready, index: 3 }])
    node.step({ kind: 'restoreCancel', id: 9 })
    t.same(node.step(begin(100)), [{ ...ready, index: 101 }])
  },
)

t.test('a restore is refused where it would not be safe', async (t) => {
  const refusal = (node: ReturnType<typeof leaderOf>) =>
    only(node.step(begin(1)), 'restoreRefused').reason
  t.equal(refusal(followerOf('n2', 2)), 'notLeader')
  t.equal(refusal(newLeaderOf(3)), 'changeInProgress', 'before the first commit of the term')
  const transferring = leaderOf(3)
  transferring.step(propose(1))
  transferring.step({ kind: 'transfer', id: 1, to: 'n2' })
  t.equal(refusal(transferring), 'transferInProgress')
  const changing = leaderOf(3)
  const change = { kind: 'removeServer', peer: 'n3' } as const
  changing.step({ kind: 'changeMembers', id: 1, change, prevIndex: 0 })
  t.equal(refusal(changing), 'changeInProgress')
  const restoring = leaderOf(3)
  restoring.step(begin(1))
  t.equal(refusal(restoring), 'changeInProgress', 'one at a time')
})

t.test('between the two steps nothing is proposed', async (t) => {
  const node = leaderOf(3)
  node.step(begin(1))
  t.equal(only(node.step(propose(1)), 'rejected').reason, 'restoreInProgress')
  node.step({ kind: 'restoreCancel', id: 9 })
  t.ok(has(node.step(propose(2)), 'accepted'))
})

t.test('one step empties the log, ends what is pending, and leads everyone anew', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(begin(1))
  const effects = node.step(commit(4, 2))
  t.same(kinds(effects), [
    'proposalsUnknown',
    'holdApply',
    'resetLog',
    'lead',
    'lead',
    'barrierAccepted',
    'append',
  ])
  t.match(effects[0], { fromIndex: 0, reason: 'abortedByRestore' })
  t.match(only(effects, 'resetLog'), { index: 4, term: 2 })
  for (const lead of ofKind(effects, 'lead')) t.match(lead, { lastIndex: 4, lastTerm: 2 })
  t.match(only(effects, 'barrierAccepted'), { id: 9, index: 5 })
  t.match(node.status, {
    lastLogIndex: 5,
    baseIndex: 4,
    commitIndex: 2,
    uncertain: true,
    ready: false,
  })
  t.same([...node.core.matchIndexes().values()], [0, 0])
})

t.test('the state machine takes it once a quorum holds it, and not before', async (t) => {
  const node = restorer()
  t.notOk(has(node.step(matched('n2', 2, 2)), 'commit'), 'a late word on the log that is gone')
  const effects = node.step(matched('n2', 2, 4))
  t.same(
    effects.filter(({ kind }) => kind === 'commit' || kind === 'restoreSnapshot'),
    [
      { kind: 'commit', index: 4 },
      { kind: 'restoreSnapshot', index: 3, term: 2 },
    ].map((effect) => (effect.kind === 'commit' ? effect : effect)),
  )
  t.match(node.status, { uncertain: false, ready: true })
})

t.test('a leader that waits for a long transfer does not step down', async (t) => {
  const node = restorer()
  for (let i = 0; i < 40; i++) {
    node.now += 250
    for (const peer of ['n2', 'n3']) {
      const session = { term: 2, addedAt: 1, incarnation: `${peer}-first` }
      const ack = { kind: 'heartbeatAck', peer, session, probe: 0, sentAt: node.now } as const
      node.step({ ...ack, leaseMs: 500, receivedAt: node.now })
    }
    node.step(TICK)
  }
  t.equal(node.status.role, 'leader')
})

t.test('whoever lost the leadership in between gives the snapshot back', async (t) => {
  const node = leaderOf(3)
  node.step(begin(1))
  node.step(heartbeat(3))
  const effects = node.step(commit(3, 2))
  t.match(only(effects, 'discardSnapshot'), { index: 3, term: 2, undone: true })
  t.equal(only(effects, 'restoreRefused').reason, 'notLeader')
  t.equal(node.status.lastLogIndex, 2)
})

t.test('a follower takes the snapshot, and its state machine waits for the commit', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 2] })
  const effects = node.step(restoredAt(2, [9, 2]))
  t.ok(has(effects, 'holdApply') && has(effects, 'resetLog'))
  t.notOk(has(effects, 'restoreSnapshot'))
  t.match(node.status, { uncertain: true, baseIndex: 9, commitIndex: 0 })
  node.step(append(2, { prev: [9, 2], batches: entries(10, 2), commit: 2 }))
  t.match(node.status, { uncertain: true, commitIndex: 0 }, 'of what is not here')
  const confirmed = node.step(append(2, { prev: [10, 2], commit: 9 }))
  t.match(only(confirmed, 'restoreSnapshot'), { index: 9, term: 2 })
  t.match(node.status, { uncertain: false, commitIndex: 9 })
})

t.test('a leader without the snapshot is asked for one of its own', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 2] })
  node.step(restoredAt(2, [9, 2]))
  node.flushed()
  node.step(heartbeat(3, { from: 'n3' }))
  node.saved()
  for (const prev of [
    [2, 2],
    [9, 3],
  ] as const) {
    const asked = node.step(append(3, { from: 'n3', prev }))
    t.match(only(asked, 'replyAppend').reply, { success: false, conflict: { term: 0, index: 0 } })
  }
})

t.test('its snapshot is taken from below, and the restored one is undone for good', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 2] })
  node.step(append(2, { prev: [2, 2], commit: 2 }))
  node.step(restoredAt(2, [9, 2]))
  node.flushed()
  node.step(heartbeat(3, { from: 'n3' }))
  node.saved()
  t.same(
    kinds(node.step(snapshotReceived(2, [2, 2], CONFIGURATION))),
    ['discardSnapshot'],
    'an old transfer',
  )
  const effects = node.step({ ...snapshotReceived(3, [1, 1], CONFIGURATION), leader: 'n3' })
  t.match(only(effects, 'saveHardState').hardState, { undone: { index: 9, term: 2 } })
  t.match(only(effects, 'restoreUndone'), { index: 1, term: 1, undone: 9 })
  t.notOk(has(effects, 'discardSnapshot'), 'not before that is durable')
  t.match(only(node.saved(), 'discardSnapshot'), { index: 9, term: 2, undone: true })
  t.match(node.status, { uncertain: false, baseIndex: 1, lastLogIndex: 1, commitIndex: 1 })
  node.now += 10_000
  const votes = (last: readonly [number, number]) =>
    only(node.step(vote(9, { from: 'n4', last, preVote: true })), 'replyVote').reply.granted
  t.notOk(votes([8, 2]), 'what it held before the restore may be missing there')
  t.ok(votes([9, 2]))
  t.ok(votes([3, 3]))
})
