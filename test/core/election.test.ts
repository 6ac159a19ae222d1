import t from 'tap'
import {
  candidateOf,
  coreWith,
  followerAt,
  followerOf,
  leaderOf,
  members,
  preCandidateOf,
} from './helpers/cores.js'
import { deeds, has, kinds, only } from './helpers/effects.js'
import { append, heartbeat, matched, TICK, timeoutNow, vote, voteReply } from './helpers/inputs.js'

/** How a node campaigns, and when it does not. */

t.test('a pre-vote asks for the next term and changes nothing (thesis §9.6)', async (t) => {
  const node = followerAt(4, { log: [1, 4] })
  t.same(deeds(node.timeout()), [
    { kind: 'controlBlock', block: null },
    {
      kind: 'requestVotes',
      peers: ['n2', 'n3'],
      request: {
        kind: 'requestVote',
        preVote: true,
        term: 5,
        candidate: 'n1',
        lastLogIndex: 2,
        lastLogTerm: 4,
        transfer: false,
        round: 1,
      },
    },
  ])
  t.equal(node.status.term, 4)
})

t.test('a quorum of pre-votes begins the election, fewer do not', async (t) => {
  const node = preCandidateOf(5)
  const grant = { term: 2, granted: true, round: 1, preVote: true }
  t.same(node.step(voteReply('n2', grant)), [])
  t.same(node.step(voteReply('n2', grant)), [], 'distinct voters are counted (S3)')
  node.step(voteReply('n3', grant))
  t.equal(node.status.role, 'candidate')
  t.equal(node.status.term, 2)
})

t.test('a node cut off from the others keeps its term (R-47)', async (t) => {
  const node = preCandidateOf(3)
  for (let round = 0; round < 10; round++) node.timeout()
  t.equal(node.status.term, 1)
  node.step(heartbeat(1))
  t.equal(node.status.role, 'follower')
  t.equal(node.status.leader, 'n2')
})

t.test('pre-vote answers count neither as votes nor in another round (R-49)', async (t) => {
  const node = candidateOf(3)
  node.step(voteReply('n2', { term: 2, granted: true, round: 2, preVote: true }))
  t.equal(node.status.role, 'candidate')
  node.step(voteReply('n2', { term: 2, granted: true, round: 1 }))
  t.equal(node.status.role, 'candidate')
  node.step(voteReply('n2', { term: 2, granted: true, round: 2 }))
  t.equal(node.status.role, 'leader')
  t.same(node.step(voteReply('n3', { term: 2, granted: true, round: 2 })), [])
})

t.test('a vote of another term is not counted, whatever its round says (R-49)', async (t) => {
  // Rounds are counted anew after a restart: round 2 of term 2 may well be answered in term 4.
  const node = candidateOf(3, { term: 3 })
  t.equal(node.status.term, 4)
  const { round } = node.asked ?? { round: 0 }
  node.step(voteReply('n2', { term: 2, granted: true, round }))
  t.equal(node.status.role, 'candidate')
})

t.test('votes of nonvoters and strangers do not count', async (t) => {
  const node = candidateOf(3, { members: members(['n1', 'n2', 'n3', 'n4?']) })
  node.step(voteReply('n4', { term: 2, granted: true, round: 2 }))
  node.step(voteReply('n9', { term: 2, granted: true, round: 2 }))
  t.equal(node.status.role, 'candidate')
})

t.test('nonvoters are not asked', async (t) => {
  const node = followerAt(1, { members: members(['n1', 'n2', 'n3?']) })
  t.same(only(node.timeout(), 'requestVotes').peers, ['n2'])
})

t.test('the own vote counts once it is durable (S5)', async (t) => {
  const node = coreWith({ members: members(1) })
  node.timeout()
  t.equal(node.status.role, 'candidate')
  node.saved()
  t.equal(node.status.role, 'leader')
})

t.test('joint: a quorum of both halves elects (Raft §6)', async (t) => {
  const joint = {
    ...members(['n1', 'n2', 'n3', 'n4?', 'n5?']),
    outgoing: members(['n1', 'n4', 'n5']).servers,
  }
  const node = candidateOf(3, { members: joint, config: { preVote: false } })
  t.same(node.asked?.candidate, 'n1')
  const grant = { term: 2, granted: true, round: 1 }
  node.step(voteReply('n2', grant))
  node.step(voteReply('n3', grant))
  t.equal(node.status.role, 'candidate')
  node.step(voteReply('n5', grant))
  t.equal(node.status.role, 'leader')
})

t.test('a refusal with a newer term makes a follower of it, a plain one does not', async (t) => {
  const node = candidateOf(3)
  node.step(voteReply('n2', { term: 2, granted: false, round: 2 }))
  t.equal(node.status.role, 'candidate')
  node.step(voteReply('n2', { term: 7, granted: false, round: 2 }))
  t.equal(node.status.role, 'follower')
  t.equal(node.status.term, 7)
})

t.test('who is no voter does not campaign, and says that it has lost its leader', async (t) => {
  for (const configuration of [members(['n1?', 'n2', 'n3']), members(['n2', 'n3'])]) {
    const node = followerOf('n2', 1, { members: configuration })
    const effects = node.timeout()
    t.same(kinds(effects), ['controlBlock', 'roleChanged'])
    t.equal(node.status.role, 'follower')
    t.equal(node.status.leader, null)
  }
})

t.test('a node without a configuration does not campaign', async (t) => {
  const node = coreWith({ log: [] })
  t.same(node.timeout(), [])
})

t.test('a quorum of refusals waits for the next timeout', async (t) => {
  const node = preCandidateOf(3)
  const refusal = { term: 1, granted: false, round: 1, preVote: true }
  for (const peer of ['n2', 'n3']) t.same(node.step(voteReply(peer, refusal)), [])
  t.equal(node.status.role, 'preCandidate')
  t.equal(only(node.timeout(), 'requestVotes').request.round, 2)
})

t.test(
  'timeouts are drawn anew each time, from one to two heartbeat timeouts (R-48)',
  async (t) => {
    const node = followerAt(1)
    t.equal(node.core.nextDeadline(), 1500)
    node.after(100, append(1))
    t.equal(node.core.nextDeadline(), 1600)
  },
)

t.test(
  'contact on the fast path puts the election off, for a follower of a leader only',
  async (t) => {
    const node = followerOf('n2', 1)
    node.after(400, { kind: 'contact', at: 390 })
    t.equal(node.core.nextDeadline(), 390 + 1500)
    t.equal(node.status.lastContactAt, 390)
    node.step({ kind: 'contact', at: 100 })
    t.equal(node.status.lastContactAt, 390, 'an older one is no news')
    const alone = followerAt(1)
    alone.after(400, { kind: 'contact', at: 390 })
    t.equal(alone.core.nextDeadline(), 1500)
  },
)

t.test(
  'TimeoutNow of the leader starts an election without a pre-vote (thesis §3.10)',
  async (t) => {
    const node = followerOf('n2', 1)
    node.step(timeoutNow(1))
    t.equal(node.status.role, 'candidate')
    t.equal(node.status.term, 2)
    const { request } = only(node.saved(), 'requestVotes')
    t.equal(request.transfer, true)
    t.equal(request.preVote, false)
  },
)

t.test('only the first round of a transfer passes by stickiness', async (t) => {
  const node = followerOf('n2', 1)
  node.step(timeoutNow(1))
  node.saved()
  t.equal(only(node.timeout(), 'requestVotes').request.transfer, false)
})

t.test('TimeoutNow is honoured from the current leader in its term only (S10)', async (t) => {
  const ignored = (node = followerOf('n2', 3), input = timeoutNow(3)) => {
    node.step(input)
    return node.status.role !== 'candidate'
  }
  t.ok(ignored(followerOf('n2', 3), timeoutNow(2)), 'an older term')
  t.ok(ignored(followerOf('n2', 3), timeoutNow(4)), 'a later term')
  t.ok(ignored(followerOf('n2', 3), timeoutNow(3, 'n3')), 'another node')
  t.ok(ignored(followerAt(3)), 'no leader known')
  t.ok(ignored(followerOf('n2', 3, { members: members(['n1?', 'n2']) })), 'a nonvoter')
  const full = followerOf('n2', 3)
  full.step(append(3, { batches: [{ firstIndex: 2, lastIndex: 2, term: 3 }] }))
  full.step({ kind: 'logRefused', seq: 1, lastIndex: 1 })
  t.ok(ignored(full), 'a voter whose log does not flush')
  t.notOk(ignored(), 'and otherwise it is honoured')
})

t.test('a leader hears nothing of the election that it has won', async (t) => {
  const node = leaderOf(3)
  t.notOk(has(node.step(TICK), 'requestVotes'))
  t.same(node.step(timeoutNow(2, 'n1')), [])
})

t.test('a second leader in one term changes nothing (R-02)', async (t) => {
  const leader = leaderOf(3)
  t.same(leader.step(append(2)), [])
  t.same(leader.step(heartbeat(2)), [])
  t.equal(leader.status.role, 'leader')
  const follower = followerOf('n2', 1)
  t.same(follower.step(append(1, { from: 'n3' })), [])
  t.equal(follower.status.leader, 'n2')
})

t.test('a former leader may vote for another at once', async (t) => {
  const node = leaderOf(3)
  node.step({ kind: 'stalled', term: 2 })
  node.step(vote(3, { last: [2, 2] }))
  t.equal(only(node.saved(), 'replyVote').reply.granted, true)
  node.step(matched('n2', 2, 2))
  t.equal(node.status.role, 'follower')
})
