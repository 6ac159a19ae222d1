import t from 'tap'
import { followerOf, leaderOf, members, newLeaderOf, type TestCore } from './helpers/cores.js'
import { has, kinds, ofKind, only } from './helpers/effects.js'
import { heartbeatAck, matched, propose } from './helpers/inputs.js'

const read = (id: number) => ({ kind: 'readIndex', id, lease: false }) as const

function acknowledge(node: TestCore, peer: string, probe: number) {
  return node.step(heartbeatAck(peer, node.status.term, { sentAt: node.now, probe }))
}

t.test('a read waits for a quorum of answers to a probe sent after it (thesis §6.4)', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  const { probe } = only(node.step(read(7)), 'probe')
  t.same(acknowledge(node, 'n2', probe - 1), [], 'an answer to an earlier heartbeat')
  t.same(acknowledge(node, 'n2', probe), [{ kind: 'readReady', id: 7, index: 2 }])
})

t.test('the read index is what was committed when the probe left, not later', async (t) => {
  const node = leaderOf(3)
  const { probe } = only(node.step(read(7)), 'probe')
  node.step(propose(1))
  node.flushed()
  node.step(matched('n2', 2, 3))
  t.equal(node.status.commitIndex, 3)
  t.equal(only(acknowledge(node, 'n2', probe), 'readReady').index, 2)
})

t.test('own-term first: a new leader reads only after its no-op is committed (S10)', async (t) => {
  const node = newLeaderOf(3, { log: [1, 1, 1] })
  t.same(node.step(read(7)), [], 'the commit index may be behind that of the former leader')
  node.flushed()
  const effects = node.step(matched('n2', 2, 4))
  t.same(kinds(effects), ['commit', 'members', 'probe'])
  t.equal(only(acknowledge(node, 'n3', only(effects, 'probe').probe), 'readReady').index, 4)
})

t.test('nonvoters and other sessions do not confirm a read', async (t) => {
  const node = leaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4?', 'n5?']) })
  const { probe } = only(node.step(read(7)), 'probe')
  t.same(acknowledge(node, 'n4', probe), [])
  t.same(acknowledge(node, 'n5', probe), [])
  const other = { incarnation: 'n2-second' }
  t.same(node.step(heartbeatAck('n2', 2, { sentAt: 0, probe, session: other })), [])
  t.ok(has(acknowledge(node, 'n2', probe), 'readReady'))
})

t.test('reads that come while probes are out share the next one', async (t) => {
  const node = leaderOf(3)
  const probes = [1, 2, 3, 4, 5, 6].flatMap((id) => ofKind(node.step(read(id)), 'probe'))
  t.equal(probes.length, 4, 'so many probes are out at most')
  const [first] = probes
  const effects = acknowledge(node, 'n2', first?.probe ?? 0)
  t.same(kinds(effects), ['readReady', 'probe'], 'an answer makes room for those that wait')
  const last = only(effects, 'probe').probe
  t.same(
    ofKind(acknowledge(node, 'n2', last), 'readReady').map(({ id }) => id),
    [2, 3, 4, 5, 6],
    'an answer to a later probe confirms the earlier ones',
  )
})

t.test('probe numbers are never used again, from term to term either (S10)', async (t) => {
  const node = leaderOf(3)
  const before = only(node.step(read(1)), 'probe').probe
  node.step({ kind: 'stalled', term: 2 })
  node.timeout()
  const preVote = {
    kind: 'voteReply',
    preVote: true,
    reason: '',
    outsideSince: 0,
    granted: true,
  } as const
  const asked = node.asked ?? { term: 0, round: 0 }
  const { term } = asked
  node.step({ kind: 'voteReply', from: 'n2', reply: { ...preVote, term, round: asked.round } })
  node.saved()
  const vote = { ...preVote, preVote: false, term, round: node.asked?.round ?? 0 }
  node.step({ kind: 'voteReply', from: 'n2', reply: vote })
  node.flushed()
  node.step(read(2))
  const after = only(node.step(matched('n2', term, node.status.lastLogIndex)), 'probe').probe
  t.ok(after > before, `${after} after ${before}`)
})

t.test('a single voter confirms its reads by itself', async (t) => {
  const node = leaderOf(1)
  t.same(kinds(node.step(read(7))), ['probe', 'readReady'])
})

t.test('reads that wait are refused when the leadership ends', async (t) => {
  const node = newLeaderOf(3)
  node.step(read(1))
  const ready = leaderOf(3)
  ready.step(read(2))
  for (const [id, leader] of [
    [1, node],
    [2, ready],
  ] as const) {
    const effects = leader.step({ kind: 'higherTerm', peer: 'n2', term: 9 })
    t.same(ofKind(effects, 'readRejected'), [{ kind: 'readRejected', id, reason: 'notLeader' }])
    t.same(ofKind(acknowledge(leader, 'n2', 2 ** 40), 'readReady'), [])
  }
})

t.test('only a leader takes reads', async (t) => {
  t.same(followerOf('n2', 1).step(read(7)), [{ kind: 'readRejected', id: 7, reason: 'notLeader' }])
})
