import t from 'tap'
import { coreWith, followerOf, leaderOf, members, preCandidateOf } from './helpers/cores.js'
import { has, only } from './helpers/effects.js'
import { append, entries, heartbeat, preVote, vote, voteReply } from './helpers/inputs.js'

const removed = (term: number, index: number) =>
  ({ kind: 'removed', request: { kind: 'removed', term, leader: 'n2', index } }) as const

t.test('a member that its leader calls removed believes it and does not campaign', async (t) => {
  const node = followerOf('n2', 1)
  t.same(node.step(removed(1, 4)), [{ kind: 'removedFromCluster', index: 4 }])
  t.same(node.step(removed(1, 4)), [], 'told once')
  node.timeout()
  t.equal(node.status.role, 'follower')
})

t.test('word of an older term is not believed', async (t) => {
  t.same(followerOf('n2', 3, { log: [1] }).step(removed(2, 4)), [])
})

t.test('who knows of having been added again since is a member', async (t) => {
  const configurations = [{ index: 5, configuration: members(3) }]
  const node = followerOf('n2', 1, { log: [1, 1, 1, 1, 1], configurations })
  t.same(node.step(removed(1, 4)), [])
})

t.test('a server that is added again reads of its removal and stays', async (t) => {
  const node = followerOf('n2', 1)
  const configurations = [
    { position: 0, configuration: members(['n2', 'n3']) },
    { position: 1, configuration: members(3) },
  ]
  const both = node.step(append(1, { batches: entries(2, 1, 1), configurations, commit: 3 }))
  t.notOk(has(both, 'removedFromCluster'))
  t.same(node.status.configuration.configuration, members(3))
})

t.test('left out and hearing nobody, it asks, and a refusal tells it', async (t) => {
  const node = followerOf('n2', 1)
  const configurations = [{ position: 0, configuration: members(['n2', 'n3']) }]
  node.step(append(1, { batches: entries(2, 1), configurations, commit: 2 }))
  const asked = only(node.timeout(), 'requestVotes')
  t.match(asked, { peers: ['n2', 'n3'], request: { preVote: true } })
  t.equal(node.status.role, 'follower')
  const { term, round } = asked.request
  const yes = voteReply('n2', { term, granted: true, round, preVote: true })
  t.same(node.step(yes), [], 'a grant makes no candidate of it')
  const no = { term: 1, granted: false, round, preVote: true, outsideSince: 2 }
  t.same(node.step(voteReply('n3', no)), [{ kind: 'removedFromCluster', index: 2 }])
})

t.test('a candidate that missed its removal learns it from the voters it asks', async (t) => {
  const node = preCandidateOf(3)
  const { term, round } = node.asked ?? { term: 0, round: 0 }
  const no = { term: 1, granted: false, round, preVote: true }
  t.same(node.step(voteReply('n2', { ...no, outsideSince: 0 })), [])
  t.ok(has(node.step(voteReply('n2', { ...no, outsideSince: 7 })), 'removedFromCluster'))
  t.ok(term > 0)
})

t.test('a voter that hears a leader says what its committed configuration says', async (t) => {
  const reply = (effects: Parameters<typeof only>[0]) => only(effects, 'replyVote').reply
  const node = followerOf('n2', 2, { log: [1, 2] })
  node.step(append(2, { prev: [2, 2], commit: 2 }))
  t.match(reply(node.step(preVote(9, { from: 'n9' }))), { granted: false, outsideSince: 1 })
  t.match(reply(node.step(preVote(9, { from: 'n3' }))), { granted: false, outsideSince: 0 })
  t.match(reply(leaderOf(3).step(vote(9, { from: 'n9' }))), { granted: false, outsideSince: 1 })
})

t.test('nobody is judged by the list of members alone (S3)', async (t) => {
  const node = coreWith()
  const answer = node.step(preVote(2, { from: 'n9' }))
  t.match(only(answer, 'replyVote').reply, { granted: true, outsideSince: 0 })
})

t.test('a leader that speaks in a later session has added the node again', async (t) => {
  const node = followerOf('n2', 1)
  node.step(removed(1, 4))
  const again = heartbeat(1)
  node.step({ ...again, request: { ...again.request, addedAt: 5 } })
  node.now += 100_000
  node.timeout()
  t.equal(node.status.role, 'preCandidate')
})
