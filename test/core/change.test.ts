import t from 'tap'
import type { MemberChange } from '../../lib/core/membership.js'
import type { Configuration } from '../../lib/core/types.js'
import {
  followerOf,
  incarnationOf,
  leaderOf,
  members,
  newLeaderOf,
  type TestCore,
} from './helpers/cores.js'
import { has, ofKind, only } from './helpers/effects.js'
import { heartbeatAck, matched, propose, TICK } from './helpers/inputs.js'

const add = (id: string, immediate = false): MemberChange => ({
  kind: 'addVoter',
  server: { id, address: `${id}:1` },
  immediate,
})
const remove = (peer: string): MemberChange => ({ kind: 'removeServer', peer })
const change = (what: MemberChange, prevIndex = 0, id = 5) =>
  ({ kind: 'changeMembers', id, change: what, prevIndex }) as const

/** `n1 n2? | n1` : members, nonvoters marked, and the outgoing voters of a joint configuration. */
function shape({ servers, outgoing }: Configuration): string {
  const names = servers.map(({ id, suffrage }) => (suffrage === 'voter' ? id : `${id}?`)).join(' ')
  return outgoing === undefined ? names : `${names} | ${outgoing.map(({ id }) => id).join(' ')}`
}

function inForce(node: TestCore): string {
  return shape(node.status.configuration.configuration)
}

/** The newest entry is durable on the leader and on `peers`, in their sessions. */
function replicated(node: TestCore, ...peers: readonly string[]) {
  const { term, lastLogIndex, configuration } = node.status
  const { servers, outgoing = [] } = configuration.configuration
  const effects = node.flushed()
  for (const peer of peers) {
    const addedAt = [...servers, ...outgoing].find(({ id }) => id === peer)?.addedAt ?? 1
    if (addedAt > 1) node.step({ kind: 'incarnation', peer, incarnation: incarnationOf(peer) })
    effects.push(...node.step(matched(peer, term, lastLogIndex, { addedAt })))
  }
  return effects
}

t.test('a new voter enters as a nonvoter, catches up, and is promoted (thesis §4.2)', async (t) => {
  const node = leaderOf(3)
  const first = node.step(change(add('n4')))
  t.equal(inForce(node), 'n1 n2 n3 n4?')
  t.match(only(first, 'lead'), { peer: { id: 'n4', addedAt: 3 }, term: 2 })
  t.notOk(has(replicated(node, 'n2'), 'changeDone'), 'it is a member, and still far behind')
  t.equal(inForce(node), 'n1 n2 n3 n4?')
  replicated(node, 'n4')
  t.equal(inForce(node), 'n1 n2 n3 n4', 'it holds the whole log')
  const done = replicated(node, 'n2', 'n3')
  t.same(only(done, 'changeDone'), {
    kind: 'changeDone',
    id: 5,
    index: 4,
    reason: null,
    outcome: null,
    detail: '',
  })
})

t.test('each round of catching up is as long as the log has grown meanwhile', async (t) => {
  const node = leaderOf(3)
  node.step(change(add('n4')))
  replicated(node, 'n2', 'n3')
  node.step({ kind: 'incarnation', peer: 'n4', incarnation: incarnationOf('n4') })
  node.now += 5000
  node.step(propose(1))
  node.step(matched('n4', 2, 3, { addedAt: 3 }))
  t.equal(inForce(node), 'n1 n2 n3 n4?', 'the first round took longer than an election timeout')
  node.step(propose(2))
  node.step(matched('n4', 2, 4, { addedAt: 3 }))
  t.equal(inForce(node), 'n1 n2 n3 n4', 'the second did not')
})

t.test('who falls behind round after round stays a nonvoter', async (t) => {
  const node = leaderOf(3)
  node.step(change(add('n4')))
  replicated(node, 'n2', 'n3')
  node.step({ kind: 'incarnation', peer: 'n4', incarnation: incarnationOf('n4') })
  for (let round = 1; round <= 9; round++) {
    node.now += 5000
    node.step(propose(round))
    t.same(node.step(matched('n4', 2, 2 + round, { addedAt: 3 })), [], `round ${round}`)
  }
  node.now += 5000
  node.step(propose(10))
  const failed = only(node.step(matched('n4', 2, 12, { addedAt: 3 })), 'changeDone')
  t.match(failed, { reason: 'catchUpFailed', outcome: 'unknown', index: 3 })
  t.equal(inForce(node), 'n1 n2 n3 n4?')
})

t.test('immediate: the new voter counts at once, whatever it holds', async (t) => {
  const node = leaderOf(3)
  node.step(change(add('n4', true)))
  t.equal(inForce(node), 'n1 n2 n3 n4')
  t.notOk(has(replicated(node, 'n2'), 'changeDone'), 'two of four are no majority')
  t.ok(has(replicated(node, 'n3'), 'changeDone'))
})

t.test('one change at a time (S4)', async (t) => {
  const node = leaderOf(3)
  node.step(change(remove('n3')))
  const second = only(node.step(change(remove('n2'), 0, 6)), 'changeDone')
  t.match(second, { id: 6, reason: 'changeInProgress', outcome: 'rejected' })
  replicated(node, 'n2')
  t.ok(has(node.step(change(add('n2'), 0, 7)), 'append'), 'the first one is committed')
})

t.test('a change waits for the first commit of the term (S4)', async (t) => {
  const node = newLeaderOf(3)
  t.notOk(has(node.step(change(remove('n3'))), 'append'))
  t.equal(inForce(node), 'n1 n2 n3')
  const committed = replicated(node, 'n2')
  t.ok(has(committed, 'append'))
  t.equal(inForce(node), 'n1 n2')
})

t.test('prevIndex is compare-and-set on the configuration in force', async (t) => {
  const node = leaderOf(3)
  const refused = only(node.step(change(remove('n3'), 9)), 'changeDone')
  t.match(refused, { reason: 'configurationConflict', outcome: 'rejected' })
  t.match(refused.detail, 'expected the configuration of index 9, found that of 1')
  t.ok(has(node.step(change(remove('n3'), 1)), 'append'))
})

t.test('what is refused leaves everything as it was', async (t) => {
  const node = leaderOf(1)
  const reason = (what: MemberChange) => only(node.step(change(what)), 'changeDone').reason
  t.equal(reason(remove('n9')), 'unknownServer')
  t.equal(reason(remove('n1')), 'invalidConfiguration', 'the only voter')
  t.equal(reason({ kind: 'demoteVoter', peer: 'n1' }), 'invalidConfiguration')
  t.equal(node.status.lastLogIndex, 2)
  t.equal(only(followerOf('n2', 1).step(change(remove('n3'))), 'changeDone').reason, 'notLeader')
})

t.test('a change is refused during a transfer, and while the store is full', async (t) => {
  const node = leaderOf(3)
  node.step({ kind: 'transfer', id: 1, to: 'n2' })
  t.equal(only(node.step(change(remove('n3'))), 'changeDone').reason, 'transferInProgress')
  const full = leaderOf(3)
  const { seq } = only(full.step(propose(1)), 'append')
  full.step({ kind: 'logRefused', seq, lastIndex: 2 })
  t.equal(only(full.step(change(remove('n3'))), 'changeDone').reason, 'storageFull')
})

t.test('a change that waits when the store becomes full goes on once there is room', async (t) => {
  const node = newLeaderOf(3)
  node.flushed()
  const { term, lastLogIndex } = node.status
  node.step(change(remove('n3')))
  const { seq } = only(node.step(propose(1)), 'append')
  node.step({ kind: 'logRefused', seq, lastIndex: lastLogIndex })
  // S15: nothing may follow in the log what the store has refused.
  t.notOk(has(node.step(matched('n2', term, lastLogIndex)), 'append'))
  const again = ofKind(node.step({ kind: 'logWritable' }), 'append')
  const contents = again.flatMap(({ batches }) => batches.map(({ content }) => content.kind))
  t.same(contents, ['held', 'configuration'])
  t.equal(inForce(node), 'n1 n2')
})

t.test(
  'a removed member is followed until it holds its removal, then it is told (S4)',
  async (t) => {
    const node = leaderOf(3)
    t.notOk(has(node.step(change(remove('n3'))), 'unlead'))
    const committed = replicated(node, 'n2')
    t.ok(has(committed, 'changeDone'))
    t.notOk(has(committed, 'tellRemoved'))
    const effects = node.step(matched('n3', 2, 3))
    t.same(ofKind(effects, 'tellRemoved'), [{ kind: 'tellRemoved', peer: 'n3', term: 2, index: 3 }])
    t.ok(has(effects, 'unlead'))
    t.same(
      only(effects, 'members').peers.map(({ id }) => id),
      ['n2'],
      'its link may go now',
    )
  },
)

t.test(
  'a removed member that cannot be reached is given up after removeGraceMs (S4)',
  async (t) => {
    const node = leaderOf(3)
    node.step(change(remove('n3')))
    replicated(node, 'n2')
    node.now += 4999
    node.step(heartbeatAck('n2', 2, { sentAt: node.now }))
    t.notOk(has(node.step(TICK), 'unlead'))
    node.now += 1
    t.ok(has(node.step(TICK), 'unlead'))
  },
)

t.test('a member removed and added again is another session (S2)', async (t) => {
  const node = leaderOf(3)
  node.step(change(remove('n3')))
  replicated(node, 'n2')
  const again = node.step(change(add('n3'), 0, 6))
  t.match(only(again, 'lead'), { peer: { id: 'n3', addedAt: 4 } })
  t.same(node.step(matched('n3', 2, 3)), [], 'an answer of the former session counts for nothing')
  t.equal(node.core.matchIndexes().get('n3'), 0)
})

t.test('a leader that removes itself leads until it is committed, then hands over', async (t) => {
  const node = leaderOf(3)
  node.step(change(remove('n1')))
  t.equal(node.status.role, 'leader')
  t.notOk(
    has(replicated(node, 'n2'), 'changeDone'),
    'it does not count itself: n2 alone is no majority',
  )
  const effects = replicated(node, 'n3')
  t.match(only(effects, 'changeDone'), { reason: null, index: 3 })
  t.match(only(effects, 'timeoutNow'), { term: 2 })
  t.equal(only(effects, 'removedFromCluster').index, 3)
  t.equal(node.status.role, 'follower')
  node.timeout()
  t.equal(node.status.role, 'follower', 'it does not campaign')
})

t.test('a leader that demotes itself follows once that is committed', async (t) => {
  const node = leaderOf(3)
  node.step(change({ kind: 'demoteVoter', peer: 'n1' }))
  const effects = replicated(node, 'n2', 'n3')
  t.equal(node.status.role, 'follower')
  t.notOk(has(effects, 'removedFromCluster'))
  t.ok(has(effects, 'timeoutNow'))
})

t.test('a change whose leadership is lost may still come about', async (t) => {
  const node = leaderOf(3)
  node.step(change(remove('n3')))
  const effects = node.step({ kind: 'stalled', term: 2 })
  t.match(only(effects, 'changeDone'), { reason: 'leadershipLost', outcome: 'unknown', index: 3 })
})

t.test('who waits no longer gives a catching up up', async (t) => {
  const node = leaderOf(3)
  node.step(change(add('n4')))
  replicated(node, 'n2', 'n3')
  t.same(node.step({ kind: 'cancelChange', id: 5 }), [])
  t.ok(has(node.step(change(remove('n4'), 0, 6)), 'append'), 'there is room for another change')
})

t.test('many votes at once change by joint consensus (Raft §6)', async (t) => {
  const node = leaderOf(3)
  const servers = members(['n1', 'n4', 'n5']).servers
  node.step(change({ kind: 'reconfigure', servers }))
  t.equal(inForce(node), 'n1 n2 n3 n4? n5?', 'the new ones come in without a vote')
  replicated(node, 'n2', 'n3', 'n4', 'n5')
  t.equal(inForce(node), 'n1 n4 n5 | n1 n2 n3')
  replicated(node, 'n4', 'n5')
  t.equal(inForce(node), 'n1 n4 n5 | n1 n2 n3', 'the new majority alone does not decide')
  replicated(node, 'n2')
  t.equal(inForce(node), 'n1 n4 n5', 'both have')
  const done = replicated(node, 'n4')
  t.match(only(done, 'changeDone'), { reason: null, index: 5 })
})

t.test('whoever leads next completes a joint configuration', async (t) => {
  const joint = { ...members(['n1', 'n4', 'n5']), outgoing: members(3).servers }
  const node = newLeaderOf(3, { members: joint })
  t.equal(node.status.role, 'leader')
  t.same(
    [...node.core.matchIndexes().keys()].sort(),
    ['n2', 'n3', 'n4', 'n5'],
    'it leads both halves',
  )
  replicated(node, 'n4', 'n2')
  t.equal(inForce(node), 'n1 n4 n5')
})

t.test('a change of address reaches the replicator and keeps the session', async (t) => {
  const node = leaderOf(3)
  const effects = node.step(change({ kind: 'updateServer', peer: 'n3', address: 'elsewhere:1' }))
  t.same(ofKind(effects, 'lead'), [])
  t.match(only(effects, 'members').peers[1], { id: 'n3', address: 'elsewhere:1', addedAt: 1 })
  t.ok(has(replicated(node, 'n2'), 'changeDone'))
})
