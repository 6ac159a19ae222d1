import t from 'tap'
import {
  candidateOf,
  coreWith,
  followerAt,
  followerOf,
  leaderOf,
  members,
  newLeaderOf,
  type TestCore,
} from './helpers/cores.js'
import { has, kinds, ofKind, only } from './helpers/effects.js'
import {
  append,
  heartbeatAck,
  matched,
  propose,
  session,
  TICK,
  voteReply,
} from './helpers/inputs.js'

/** Heartbeats of these peers are answered at the node's own time. */
function heard(node: TestCore, ...peers: readonly string[]): void {
  for (const peer of peers) {
    node.step(heartbeatAck(peer, node.status.term, { sentAt: node.now }))
  }
}

t.test('the first act of a leader, in full (§5.2, §8)', async (t) => {
  const node = candidateOf(3, { log: [1, 1], strangers: ['n3'] })
  const { servers } = members(3)
  t.same(node.step(voteReply('n3', { term: 2, granted: true, round: 2 })), [
    { kind: 'roleChanged', role: 'leader', term: 2, leader: 'n1', cause: 'a quorum of votes' },
    {
      kind: 'lead',
      peer: servers[1],
      term: 2,
      incarnation: 'n2-first',
      lastIndex: 2,
      lastTerm: 1,
    },
    { kind: 'lead', peer: servers[2], term: 2, incarnation: null, lastIndex: 2, lastTerm: 1 },
    {
      kind: 'append',
      seq: 1,
      batches: [{ firstIndex: 3, lastIndex: 3, term: 2, prevTerm: 1, content: { kind: 'noop' } }],
    },
  ])
})

t.test('the leader counts itself up to its durable index only (S5)', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  t.notOk(has(node.step(matched('n2', 2, 3)), 'commit'), 'n2 alone, while it is not flushed here')
  t.equal(only(node.flushed(), 'commit').index, 3)
})

t.test('a slow disk of the leader does not hold up the others', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(matched('n2', 2, 3))
  t.equal(only(node.step(matched('n3', 2, 3)), 'commit').index, 3)
  t.equal(node.status.flushedIndex, 2)
})

t.test('entries of former terms never commit by counting: Figure 8 (§5.4.2)', async (t) => {
  const node = newLeaderOf(5, { log: [1, 2], term: 4 })
  node.flushed()
  node.step(matched('n2', 5, 2))
  t.same(node.step(matched('n3', 5, 2)), [], 'entry 2 of term 2 is on three of five')
  node.step(matched('n2', 5, 3))
  t.equal(only(node.step(matched('n3', 5, 3)), 'commit').index, 3)
})

t.test('nonvoters and strangers do not commit', async (t) => {
  const node = newLeaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4?', 'n5?']) })
  node.flushed()
  t.same(node.step(matched('n4', 2, 2)), [])
  t.same(node.step(matched('n5', 2, 2)), [])
  t.same(node.step(matched('n9', 2, 2)), [])
  t.ok(has(node.step(matched('n2', 2, 2)), 'commit'))
})

t.test('a leader that is no voter itself is not counted', async (t) => {
  const joint = { ...members(['n1?', 'n2', 'n3']), outgoing: members(['n1']).servers }
  const node = newLeaderOf(3, { members: joint, config: { preVote: false } })
  node.flushed()
  t.same(node.step(matched('n2', 2, 2)), [], 'one of n2 and n3 is no majority of them')
  t.ok(has(node.step(matched('n3', 2, 2)), 'commit'))
})

t.test('answers of another session are dropped (S2)', async (t) => {
  const node = newLeaderOf(3)
  node.flushed()
  const stale = {
    'another term': { term: 1 },
    'before it was removed and added again': { addedAt: 0 },
    'another life of the peer': { incarnation: 'n2-second' },
  }
  for (const [what, other] of Object.entries(stale)) {
    t.same(node.step(matched('n2', 2, 2, other)), [], what)
    node.step(heartbeatAck('n2', 2, { sentAt: 99, session: other }))
  }
  t.equal(node.core.matchIndexes().get('n2'), 0)
  node.after(501, TICK)
  t.equal(node.status.role, 'follower', 'nor do they count as heard')
})

t.test('what the others hold is told apart from what this node has flushed', async (t) => {
  const node = newLeaderOf(3)
  t.equal(node.core.replicatedIndex(), 0, 'n2 and n3 have answered nothing')
  node.step(matched('n2', 2, 2))
  t.equal(node.core.replicatedIndex(), 2, 'one other is enough')
  t.equal(node.status.commitIndex, 0, 'only the own flush is missing')
  t.equal(followerOf('n2', 3).core.replicatedIndex(), 0)
  t.equal(newLeaderOf(1).core.replicatedIndex(), 2, 'alone, its flush is all')
})

t.test('a member added again begins at nothing (S2)', async (t) => {
  const configuration = members(['n1', 'n2'])
  const again = configuration.servers.map((server) =>
    server.id === 'n2' ? { ...server, addedAt: 3 } : server,
  )
  const history = [
    { index: 1, configuration },
    { index: 3, configuration: { servers: again } },
  ]
  const node = newLeaderOf(2, { log: [1, 1, 1], configurations: history, members: configuration })
  node.flushed()
  t.same(node.step(matched('n2', 2, 4, { addedAt: 1 })), [], 'an answer from before')
  t.ok(has(node.step(matched('n2', 2, 4, { addedAt: 3 })), 'commit'))
})

t.test('a match beyond the own log stops the node (S1)', async (t) => {
  const node = leaderOf(3)
  t.throws(() => node.step(matched('n2', 2, 9)), { code: 'RAFT_INVARIANT' })
})

t.test('a peer is led once its incarnation is known (S2, S16)', async (t) => {
  const node = newLeaderOf(3, { strangers: ['n3'] })
  t.same(node.step(matched('n3', 2, 2)), [], 'nothing of it counts before')
  const meet = (peer: string) =>
    node.step({ kind: 'incarnation', peer, incarnation: `${peer}-first` })
  t.same(meet('n3'), [
    {
      kind: 'lead',
      peer: members(3).servers[2],
      term: 2,
      incarnation: 'n3-first',
      lastIndex: 2,
      lastTerm: 2,
    },
  ])
  t.same(meet('n2'), [], 'n2 is led already')
  node.step(matched('n3', 2, 2))
  t.equal(node.core.matchIndexes().get('n3'), 2)
})

t.test('a peer that lost what it acknowledged counts for nothing in the term (S16)', async (t) => {
  const node = newLeaderOf(3)
  node.step(matched('n2', 2, 2))
  t.same(node.step({ kind: 'lostState', peer: 'n2', session: session('n2', 2) }), [
    { kind: 'unlead', peer: 'n2' },
  ])
  t.same(node.flushed(), [], 'its former acknowledgement neither')
  t.same(node.step(matched('n2', 2, 2)), [])
  t.ok(has(node.step(matched('n3', 2, 2)), 'commit'))
})

t.test('check-quorum: a leader that hears no quorum steps down (S10)', async (t) => {
  const node = leaderOf(5)
  node.now += 500
  heard(node, 'n2', 'n3')
  t.same(node.after(500, TICK), [], 'two others within the lease timeout')
  heard(node, 'n2')
  const effects = node.after(1, TICK)
  t.match(effects.at(-1), { cause: 'no quorum heard within the leader lease timeout' })
  t.same(
    ofKind(effects, 'unlead').map(({ peer }) => peer),
    ['n2', 'n3', 'n4', 'n5'],
  )
  t.equal(node.status.role, 'follower')
  t.equal(node.status.leader, null)
  t.equal(node.status.term, 2, 'and keeps its term')
})

t.test('nonvoters do not keep a leader in office', async (t) => {
  const node = leaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4?', 'n5?']) })
  node.now += 501
  heard(node, 'n4', 'n5')
  node.step(TICK)
  t.equal(node.status.role, 'follower')
})

t.test('a single voter leads by itself, whatever nonvoters do', async (t) => {
  const node = leaderOf(1, { members: members(['n1', 'n2?']) })
  node.after(100_000, TICK)
  t.equal(node.status.role, 'leader')
})

t.test(
  'a leader whose entries do not commit steps down after the stall timeout (S12)',
  async (t) => {
    const node = leaderOf(3)
    node.step(propose(1))
    const keepHearing = (milliseconds: number) => {
      node.now += milliseconds
      heard(node, 'n2', 'n3')
      return node.step(TICK)
    }
    t.same(keepHearing(5000), [])
    t.ok(has(keepHearing(1), 'proposalsUnknown'))
    t.equal(node.status.role, 'follower')
  },
)

t.test('progress starts the stall timeout anew, idleness never does (S12)', async (t) => {
  const node = leaderOf(3)
  node.now += 60_000
  heard(node, 'n2', 'n3')
  t.same(node.step(TICK), [], 'nothing waits')
  node.step(propose(1))
  node.now += 4000
  node.flushed()
  node.step(propose(2))
  node.step(matched('n2', 2, 3))
  node.now += 4000
  heard(node, 'n2', 'n3')
  t.same(node.step(TICK), [], 'entry 3 has committed meanwhile')
})

t.test('a thread that stood still too long leads no more (S11)', async (t) => {
  const node = leaderOf(3)
  t.same(node.step({ kind: 'stalled', term: 1 }), [], 'the report of another term is late')
  node.step({ kind: 'stalled', term: 2 })
  t.equal(node.status.role, 'follower')
  t.same(followerOf('n2', 2).step({ kind: 'stalled', term: 2 }), [])
})

t.test('stepping down tells what became of everything that waits', async (t) => {
  const node = leaderOf(3)
  node.step({ kind: 'readIndex', id: 7, lease: false })
  node.step(propose(1, 2))
  const effects = node.step({ kind: 'higherTerm', peer: 'n2', term: 5 })
  t.same(kinds(effects), [
    'unlead',
    'unlead',
    'readRejected',
    'proposalsUnknown',
    'controlBlock',
    'saveHardState',
    'roleChanged',
  ])
  t.equal(only(effects, 'proposalsUnknown').fromIndex, 3)
  t.same(node.step({ kind: 'higherTerm', peer: 'n3', term: 5 }), [], 'a term known already')
})

t.test('proposals are refused by who does not lead, saying what to do', async (t) => {
  const reason = (node: TestCore) => only(node.step(propose(1)), 'rejected').reason
  t.equal(reason(coreWith({ log: [] })), 'notBootstrapped')
  t.equal(reason(followerAt(1)), 'noLeader')
  t.equal(reason(followerOf('n2', 1)), 'notLeader')
  t.equal(reason(candidateOf(3)), 'noLeader')
  t.same(only(followerAt(1).step({ kind: 'barrier', id: 3 }), 'barrierRejected'), {
    kind: 'barrierRejected',
    id: 3,
    reason: 'noLeader',
  })
})

t.test('past the bound of uncommitted bytes proposals are refused (S18)', async (t) => {
  const node = leaderOf(3, { config: { maxUncommittedBytes: 100 } })
  t.ok(has(node.step(propose(1, 1, 99)), 'accepted'))
  t.ok(has(node.step(propose(2, 1, 50)), 'accepted'), 'the bound is passed by one batch at most')
  t.equal(only(node.step(propose(3, 1, 1)), 'rejected').reason, 'overloaded')
  node.flushed()
  node.step(matched('n2', 2, 3))
  t.ok(has(node.step(propose(4, 1, 1)), 'accepted'), 'what commits makes room')
})

t.test(
  'past the bound of appends that wait for the disk proposals are refused (S18)',
  async (t) => {
    const node = leaderOf(3, { config: { maxUncommittedBytes: Number.POSITIVE_INFINITY } })
    let accepted = 0
    while (has(node.step({ kind: 'barrier', id: accepted }), 'barrierAccepted')) accepted++
    t.equal(accepted, 4096)
    t.equal(only(node.step(propose(1)), 'rejected').reason, 'overloaded')
    node.flushed()
    t.ok(has(node.step(propose(2)), 'accepted'), 'a flush makes room')
  },
)

t.test('a barrier is an entry of its own', async (t) => {
  const node = leaderOf(3)
  t.same(node.step({ kind: 'barrier', id: 8 }), [
    { kind: 'barrierAccepted', id: 8, index: 3, term: 2 },
    {
      kind: 'append',
      seq: 2,
      batches: [
        { firstIndex: 3, lastIndex: 3, term: 2, prevTerm: 2, content: { kind: 'barrier' } },
      ],
    },
  ])
})

t.test('a leader keeps its uncommitted entries when it follows the next one', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1, 2))
  node.step(append(3, { prev: [2, 2] }))
  t.equal(node.status.role, 'follower')
  t.equal(node.status.lastLogIndex, 4, 'they may yet be in the new leader’s log')
})
