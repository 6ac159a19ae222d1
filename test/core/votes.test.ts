import t from 'tap'
import { coreWith, followerAt, followerOf, leaderOf, members } from './helpers/cores.js'
import { deeds, has, kinds, ofKind, only, voteAnswer } from './helpers/effects.js'
import { append, entries, heartbeat, preVote, TICK, vote } from './helpers/inputs.js'

/** How a node answers when it is asked for its vote. */

t.test('who hears a leader neither votes nor takes the newer term (thesis §4.2.3)', async (t) => {
  const node = followerOf('n2', 1)
  const effects = node.after(999, vote(11, { from: 'n3' }))
  t.same(kinds(effects), ['replyVote'])
  t.same(voteAnswer(effects), { term: 1, granted: false, reason: 'a leader was heard' })
  t.equal(node.status.term, 1)
  node.after(1, vote(11, { from: 'n3' }))
  t.equal(voteAnswer(node.saved()).granted, true, 'silence for the heartbeat timeout ends it')
})

t.test('a leader does not let itself be unseated by a vote request', async (t) => {
  const node = leaderOf(3)
  t.equal(voteAnswer(node.step(vote(9, { last: [9, 9] }))).granted, false)
  t.equal(node.status.role, 'leader')
})

t.test('the vote request of a transfer is judged although a leader is heard', async (t) => {
  const follower = followerOf('n2', 1)
  follower.step(vote(2, { from: 'n3', transfer: true }))
  t.equal(voteAnswer(follower.saved()).granted, true)
  const leader = leaderOf(3)
  leader.step(vote(3, { transfer: true, last: [2, 2] }))
  t.equal(voteAnswer(leader.saved()).granted, true)
  t.equal(leader.status.role, 'follower')
})

t.test('even the leader itself gets no vote while the promise to it lasts (S10)', async (t) => {
  // hashicorp/raft gives it: its rows VotingGrant_WhenLeaderAvailable and PreVote_ShouldNotRejectLeader
  // differ. A promise of silence here has no exception that a later reader could get wrong.
  const node = followerOf('n2', 1)
  t.equal(voteAnswer(node.step(preVote(2, { from: 'n2' }))).granted, false)
  t.equal(voteAnswer(node.step(vote(11, { from: 'n2' }))).granted, false)
  node.after(1000, vote(11, { from: 'n2' }))
  t.equal(voteAnswer(node.saved()).granted, true)
})

t.test('a pre-vote changes nothing: no term, no vote, no timer (thesis §9.6)', async (t) => {
  const node = followerAt(1, { votedFor: 'n3' })
  const deadline = node.core.nextDeadline()
  const effects = node.after(100, preVote(5))
  t.same(kinds(effects), ['replyVote'])
  t.same(voteAnswer(effects), { term: 5, granted: true }, 'a vote already given does not matter')
  t.equal(node.status.term, 1)
  t.equal(node.core.nextDeadline(), deadline)
  t.same(voteAnswer(node.step(preVote(5, { from: 'n3' }))), { term: 5, granted: true })
})

t.test('a pre-vote is refused for the own term, a lesser log, or a heard leader', async (t) => {
  const silent = followerAt(5, { log: [1, 5] })
  const last = [2, 5] as const
  t.equal(voteAnswer(silent.step(preVote(5, { last }))).granted, false)
  t.equal(voteAnswer(silent.step(preVote(6, { last: [9, 4] }))).granted, false)
  t.equal(voteAnswer(silent.step(preVote(6, { last }))).granted, true)
  const follower = followerOf('n2', 5, { log: [1, 5] })
  t.equal(voteAnswer(follower.step(preVote(6, { last, from: 'n3' }))).granted, false)
})

t.test('a vote is judged by the log in memory, flushed or not (S3)', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1, 1) }))
  node.after(2000, vote(2, { from: 'n3', last: [2, 1] }))
  t.equal(voteAnswer(node.saved()).granted, false)
})

t.test('the own member list does not matter: a stranger gets the vote (S3)', async (t) => {
  const node = followerAt(1, { members: members(['n1', 'n2']) })
  node.step(vote(2, { from: 'stranger' }))
  t.equal(voteAnswer(node.saved()).granted, true)
  const outside = followerAt(1, { members: members(['n2', 'n3', 'n1?']) })
  outside.step(vote(2))
  t.equal(voteAnswer(outside.saved()).granted, true, 'and a node that is no voter here gives one')
})

t.test('one vote a term, over a restart too (§5.2)', async (t) => {
  const restarted = coreWith({ term: 4, votedFor: 'n2' })
  t.equal(voteAnswer(restarted.step(vote(4, { from: 'n3' }))).granted, false)
  t.equal(voteAnswer([...restarted.step(vote(4)), ...restarted.saved()]).granted, true)
})

t.test('a vote overtaken by a newer term is not told any more (S5)', async (t) => {
  const node = followerAt(1)
  node.step(vote(2, { from: 'n2' }))
  node.step(vote(3, { from: 'n3', connection: 2 }))
  const replies = ofKind(node.saved(), 'replyVote')
  t.same(
    replies.map(({ candidate, reply }) => ({ candidate, term: reply.term })),
    [{ candidate: 'n3', term: 3 }],
  )
})

t.test('a promise of silence holds, whatever the own timeouts say (S10)', async (t) => {
  const node = followerAt(1, { config: { heartbeatTimeoutMs: 100, electionTimeoutMs: 100 } })
  node.step(heartbeat(1, { leaseMs: 4000 }))
  node.saved()
  t.equal(voteAnswer(node.after(3999, vote(2, { from: 'n3' }))).granted, false)
  t.equal(voteAnswer(node.step(preVote(2, { from: 'n3' }))).granted, false)
  t.same(node.step(TICK), [], 'nor does it campaign')
  t.equal(node.core.nextDeadline(), 4000)
  node.after(1, TICK)
  t.equal(node.status.role, 'preCandidate')
})

t.test('a longer promise is durable before it is given (S10)', async (t) => {
  const node = followerOf('n2', 1)
  const effects = node.step(heartbeat(1, { leaseMs: 800 }))
  t.same(deeds(effects), [
    { kind: 'saveHardState', seq: 2, hardState: { term: 1, votedFor: null, promisedLeaseMs: 800 } },
  ])
  t.same(kinds(node.saved()), ['replyHeartbeat', 'controlBlock'])
  const again = node.step(heartbeat(1, { leaseMs: 700 }))
  t.same(kinds(again), ['replyHeartbeat', 'controlBlock'], 'a shorter one needs no write')
})

t.test('a promise given before a restart is kept: no vote, no campaign (S10)', async (t) => {
  const node = coreWith({ promisedLeaseMs: 3000 })
  const { reply } = only(node.after(2999, vote(9)), 'replyVote')
  t.match(reply, { granted: false, reason: 'this node may not vote yet' })
  t.equal(node.status.term, 1)
  node.step(TICK)
  t.equal(node.status.role, 'follower')
  node.after(1, vote(9))
  t.equal(voteAnswer(node.saved()).granted, true)
})

t.test(
  'a directory made just now gives no vote until a quorum or a leader spoke (S16)',
  async (t) => {
    const fresh = () => coreWith({ mayVote: false })
    const node = fresh()
    t.equal(voteAnswer(node.step(vote(2))).granted, false)
    t.equal(voteAnswer(node.step(preVote(2))).granted, false)
    node.timeout()
    t.equal(node.status.role, 'follower', 'nor does it campaign')
    node.step({ kind: 'votingAllowed' })
    node.step(vote(2))
    t.equal(voteAnswer(node.saved()).granted, true)
    const led = fresh()
    led.step(heartbeat(1))
    led.saved()
    led.after(2000, vote(2))
    t.equal(voteAnswer(led.saved()).granted, true)
  },
)

t.test('a damaged last batch is a floor for votes and bars campaigning (S15)', async (t) => {
  const node = followerAt(3, { log: [1, 2], voteFloor: { index: 4, term: 3 } })
  const asked = (last: readonly [number, number]) => voteAnswer(node.step(preVote(4, { last })))
  t.same(asked([3, 3]), { term: 3, granted: false, reason: 'entries may be missing here' })
  t.equal(asked([9, 2]).granted, false, 'up to date with what is left is not enough')
  t.equal(asked([4, 3]).granted, true)
  node.timeout()
  t.equal(node.status.role, 'follower')
})

t.test('the floor goes once the log is replicated and durable past it (S15)', async (t) => {
  const node = followerAt(3, { log: [1, 2], voteFloor: { index: 4, term: 3 } })
  node.step(heartbeat(4))
  node.saved()
  node.step(append(4, { prev: [2, 2], batches: entries(3, 2, 2) }))
  node.flushed()
  node.timeout()
  t.equal(node.status.role, 'preCandidate')
})

t.test(
  'the fast path of heartbeats is withdrawn before a vote changes the term (S9)',
  async (t) => {
    const node = followerOf('n2', 1)
    const effects = node.after(1000, vote(2, { from: 'n3' }))
    t.equal(kinds(effects)[0], 'controlBlock')
    t.same(only(effects, 'controlBlock').block, null)
    t.notOk(has(node.saved(), 'controlBlock'), 'and comes back with a heartbeat of a leader only')
  },
)
