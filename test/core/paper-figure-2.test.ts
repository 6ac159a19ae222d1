import t from 'tap'
import {
  candidateOf,
  coreWith,
  followerAt,
  followerOf,
  leaderOf,
  newLeaderOf,
  preCandidateOf,
} from './helpers/cores.js'
import { deeds, has, kinds, ofKind, only, received, voteAnswer } from './helpers/effects.js'
import {
  append,
  batch,
  entries,
  heartbeat,
  matched,
  propose,
  TICK,
  vote,
  voteReply,
} from './helpers/inputs.js'

/** Every statement of the Raft paper's Figure 2, in its order. */

t.test('State, persistent: an empty node begins at term 0 with an empty log', async (t) => {
  const { term, lastLogIndex, lastLogTerm, role } = coreWith({ log: [] }).status
  t.same(
    { term, lastLogIndex, lastLogTerm, role },
    {
      term: 0,
      lastLogIndex: 0,
      lastLogTerm: 0,
      role: 'follower',
    },
  )
})

t.test('State, persistent: term and vote are saved before the vote is answered', async (t) => {
  const node = followerAt(1)
  t.same(deeds(node.step(vote(2))), [
    { kind: 'controlBlock', block: null },
    {
      kind: 'saveHardState',
      seq: 1,
      hardState: { term: 2, votedFor: null, promisedLeaseMs: 0 },
    },
    {
      kind: 'saveHardState',
      seq: 2,
      hardState: { term: 2, votedFor: 'n2', promisedLeaseMs: 0 },
    },
  ])
  t.same(node.step({ kind: 'hardStateSaved', seq: 1 }), [], 'the term alone is not enough')
  t.same(node.step({ kind: 'hardStateSaved', seq: 2 }), [
    {
      kind: 'replyVote',
      connection: 1,
      candidate: 'n2',
      reply: {
        kind: 'voteReply',
        preVote: false,
        term: 2,
        granted: true,
        round: 7,
        reason: 'granted',
        outsideSince: 0,
      },
    },
  ])
})

t.test('State, persistent: entries are flushed before they are acknowledged', async (t) => {
  const node = followerOf('n2', 1)
  const batches = entries(2, 1, 1)
  t.same(node.step(append(1, { batches })), [
    {
      kind: 'append',
      seq: 1,
      batches: [received(batch(2, 2, 1), 1, 0), received(batch(3, 3, 1), 1, 1)],
    },
  ])
  t.same(node.flushed(), [
    {
      kind: 'replyAppend',
      connection: 1,
      reply: { kind: 'appendReply', term: 1, request: 1, success: true, matchIndex: 3 },
    },
  ])
})

t.test('State, volatile: after a restart the commit index is 0, or the snapshot', async (t) => {
  t.equal(coreWith({ log: [1, 1, 1] }).status.commitIndex, 0)
  t.equal(coreWith({ log: [1, 1], snapshot: { index: 5, term: 1 } }).status.commitIndex, 5)
})

t.test('State, leaders: nextIndex begins after the last entry, matchIndex at 0', async (t) => {
  const node = candidateOf(3, { log: [1, 1, 1] })
  const effects = node.step(voteReply('n2', { term: 2, granted: true, round: 2 }))
  const leads = effects.filter((effect) => effect.kind === 'lead')
  t.same(
    leads.map(({ peer, lastIndex, lastTerm }) => ({ peer: peer.id, lastIndex, lastTerm })),
    [
      { peer: 'n2', lastIndex: 3, lastTerm: 1 },
      { peer: 'n3', lastIndex: 3, lastTerm: 1 },
    ],
  )
  t.same([...node.core.matchIndexes().values()], [0, 0])
})

t.test('AppendEntries 1: false if term < currentTerm (§5.1)', async (t) => {
  const node = followerAt(5)
  t.same(node.step(append(4, { batches: entries(2, 4) })), [
    {
      kind: 'replyAppend',
      connection: 1,
      reply: { kind: 'appendReply', term: 5, request: 1, success: false, matchIndex: 0 },
    },
  ])
  t.equal(node.status.leader, null)
  t.equal(node.status.lastLogIndex, 1)
})

t.test('AppendEntries 2: false if there is no entry at prevLogIndex (§5.3)', async (t) => {
  const node = followerOf('n2', 4, { log: [1, 1, 4] })
  const { reply } = only(node.step(append(4, { prev: [7, 4] })), 'replyAppend')
  t.equal(reply.success, false)
  t.same(reply.conflict, { term: 0, index: 4, lastIndex: 3 })
})

t.test('AppendEntries 2: false if the entry there has another term (§5.3)', async (t) => {
  const node = followerOf('n2', 6, { log: [1, 4, 4, 4, 5] })
  const { reply } = only(node.step(append(6, { prev: [4, 6] })), 'replyAppend')
  t.equal(reply.success, false)
  t.same(reply.conflict, { term: 4, index: 2, lastIndex: 5 }, 'its term and where that begins')
  t.equal(node.status.lastLogIndex, 5, 'nothing is cut off by a failed check')
})

t.test('AppendEntries 3: a conflicting entry goes, and all that follow it (§5.3)', async (t) => {
  const node = followerOf('n2', 4, { log: [1, 2, 2, 2] })
  const batches = entries(3, 4)
  t.same(node.step(append(4, { prev: [2, 2], batches })), [
    { kind: 'truncate', seq: 1, fromIndex: 3 },
    { kind: 'append', seq: 2, batches: [received(batch(3, 3, 4), 2, 0)] },
  ])
  t.equal(node.status.lastLogIndex, 3)
  t.equal(node.core.termAt(3), 4)
})

t.test('AppendEntries 4: entries already in the log are not written again', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 2, 2] })
  const batches = entries(2, 2, 2, 2)
  t.same(node.step(append(2, { prev: [1, 1], batches })), [
    { kind: 'append', seq: 1, batches: [received(batch(4, 4, 2), 2, 2)] },
  ])
})

t.test('AppendEntries 4: a delayed request cuts nothing off (R-35)', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 2, 2, 2] })
  const effects = node.step(append(2, { prev: [1, 1], batches: entries(2, 2) }))
  t.same(kinds(effects), ['replyAppend'])
  t.equal(only(effects, 'replyAppend').reply.matchIndex, 2, 'S1: only what it has verified')
  t.equal(node.status.lastLogIndex, 4)
})

t.test('AppendEntries 5: commitIndex = min(leaderCommit, last new entry)', async (t) => {
  const node = followerOf('n2', 1)
  t.same(only(node.step(append(1, { batches: entries(2, 1, 1, 1), commit: 3 })), 'commit'), {
    kind: 'commit',
    index: 3,
  })
  node.step(append(1, { prev: [4, 1], batches: entries(5, 1), commit: 9 }))
  t.equal(node.status.commitIndex, 5)
})

t.test(
  'AppendEntries 5: a stale tail behind the checked entry is not committed (D4)',
  async (t) => {
    const node = followerOf('n2', 2, { log: [1, 1, 1, 1] })
    node.step(append(2, { prev: [2, 1], commit: 4 }))
    t.equal(node.status.commitIndex, 2)
  },
)

t.test('RequestVote 1: false if term < currentTerm (§5.1)', async (t) => {
  const effects = followerAt(5).step(vote(4, { last: [9, 4] }))
  t.same(kinds(effects), ['replyVote'], 'and nothing is saved')
  t.same(voteAnswer(effects), { term: 5, granted: false, reason: 'the term is old' })
})

t.test('RequestVote 2: granted if votedFor is null or the candidate (§5.2)', async (t) => {
  const node = followerAt(3, { votedFor: 'n2' })
  t.same(voteAnswer([...node.step(vote(3)), ...node.saved()]), { term: 3, granted: true })
  const other = node.step(vote(3, { from: 'n3' }))
  t.same(voteAnswer(other), { term: 3, granted: false, reason: 'the vote of this term went to n2' })
})

t.test('RequestVote 2: granted only to a log at least as up to date (§5.4.1)', async (t) => {
  const asked = (last: readonly [number, number]) => {
    const node = followerAt(5, { log: [1, 2, 5] })
    node.step(vote(6, { last }))
    return voteAnswer(node.saved()).granted
  }
  t.equal(asked([2, 5]), false, 'same last term, shorter')
  t.equal(asked([9, 4]), false, 'longer, but an earlier last term')
  t.equal(asked([3, 5]), true, 'equal')
  t.equal(asked([4, 5]), true, 'same last term, longer')
  t.equal(asked([2, 6]), true, 'shorter, but a later last term')
})

t.test('All servers: what is committed goes to the state machine, in order', async (t) => {
  const node = followerOf('n2', 1)
  const commits = [2, 2, 4].flatMap((commit) =>
    node.step(append(1, { batches: entries(2, 1, 1, 1), commit })),
  )
  t.same(
    commits.filter(({ kind }) => kind === 'commit'),
    [
      { kind: 'commit', index: 2 },
      { kind: 'commit', index: 4 },
    ],
  )
})

t.test('All servers: a newer term makes a follower of anyone (§5.1)', async (t) => {
  const makers = {
    follower: () => followerOf('n2', 1),
    preCandidate: () => preCandidateOf(3),
    candidate: () => candidateOf(3),
    leader: () => leaderOf(3),
  }
  const inputs = {
    AppendEntries: append(9, { from: 'n3' }),
    heartbeat: heartbeat(9, { from: 'n3' }),
    'vote reply': voteReply('n3', { term: 9, granted: false, round: 1 }),
    'higher term at a peer': { kind: 'higherTerm', peer: 'n3', term: 9 },
  } as const
  for (const [role, make] of Object.entries(makers)) {
    for (const [what, input] of Object.entries(inputs)) {
      const node = make()
      const [first] = ofKind(node.step(input), 'saveHardState')
      t.match(first, { hardState: { term: 9, votedFor: null } })
      t.equal(node.status.role, 'follower', `${role} after ${what}`)
      t.equal(node.status.term, 9, `${role} after ${what}`)
    }
  }
})

t.test('Followers: without a leader or a vote given they become candidates (§5.2)', async (t) => {
  const node = followerAt(1, { config: { preVote: false } })
  t.same(node.after(1499, TICK), [], 'not before the timeout, here 1500 ms')
  node.after(1, TICK)
  t.equal(node.status.role, 'candidate')
})

t.test('Followers: AppendEntries of the leader puts the election off (§5.2)', async (t) => {
  const node = followerOf('n2', 1)
  node.after(1400, append(1))
  t.same(node.after(1499, TICK), [])
  node.after(1, TICK)
  t.equal(node.status.role, 'preCandidate')
})

t.test('Followers: a vote given puts the election off, one refused does not (§5.2)', async (t) => {
  const asked = (input: ReturnType<typeof vote>) => {
    const node = followerAt(5)
    node.after(1400, input)
    return node.core.nextDeadline()
  }
  t.equal(asked(vote(6, { last: [1, 5] })), 1400 + 1500)
  t.equal(asked(vote(4)), 1500, 'an old term')
  t.equal(asked(vote(6, { last: [0, 0] })), 1500, 'a newer term, but a poor log')
})

t.test('Candidates: on conversion the term grows, it votes for itself, and asks all', async (t) => {
  const node = followerAt(1, { config: { preVote: false } })
  t.same(node.after(1500, TICK), [
    { kind: 'controlBlock', block: null },
    { kind: 'saveHardState', seq: 1, hardState: { term: 2, votedFor: 'n1', promisedLeaseMs: 0 } },
    {
      kind: 'roleChanged',
      role: 'candidate',
      term: 2,
      leader: null,
      cause: 'a pre-vote quorum, or no leader heard',
    },
  ])
  t.equal(node.core.nextDeadline(), 1500 + 1500, 'and it resets its election timer')
  t.same(node.saved(), [
    {
      kind: 'requestVotes',
      peers: ['n2', 'n3'],
      request: {
        kind: 'requestVote',
        preVote: false,
        term: 2,
        candidate: 'n1',
        lastLogIndex: 1,
        lastLogTerm: 1,
        transfer: false,
        round: 1,
      },
    },
  ])
})

t.test('Candidates: a majority of votes makes the leader (§5.2)', async (t) => {
  const node = candidateOf(5)
  node.step(voteReply('n2', { term: 2, granted: true, round: 2 }))
  node.step(voteReply('n3', { term: 2, granted: false, round: 2 }))
  t.equal(node.status.role, 'candidate', 'two of five')
  node.step(voteReply('n4', { term: 2, granted: true, round: 2 }))
  t.equal(node.status.role, 'leader', 'three of five')
})

t.test('Candidates: AppendEntries of the new leader makes a follower (§5.2)', async (t) => {
  const node = candidateOf(3)
  node.step(append(2))
  t.equal(node.status.role, 'follower')
  t.equal(node.status.leader, 'n2')
  t.equal(node.status.term, 2)
})

t.test('Candidates: when the election timeout elapses a new election begins (§5.2)', async (t) => {
  const node = candidateOf(3, { config: { preVote: false } })
  node.timeout()
  t.equal(node.status.role, 'candidate')
  t.equal(node.status.term, 3)
})

t.test(
  'Leaders: upon election every server is told, and the no-op appended (§5.2, §8)',
  async (t) => {
    const node = candidateOf(3)
    t.same(kinds(node.step(voteReply('n3', { term: 2, granted: true, round: 2 }))), [
      'roleChanged',
      'lead',
      'lead',
      'append',
    ])
    t.equal(node.status.lastLogTerm, 2)
  },
)

t.test('Leaders: a command is appended to the local log (§5.3)', async (t) => {
  const node = leaderOf(3)
  t.same(node.step(propose(77, 3)), [
    { kind: 'accepted', token: 77, firstIndex: 3, term: 2 },
    {
      kind: 'append',
      seq: 2,
      batches: [
        {
          firstIndex: 3,
          lastIndex: 5,
          term: 2,
          prevTerm: 2,
          content: { kind: 'proposed', token: 77 },
        },
      ],
    },
  ])
})

t.test('Leaders: a success moves matchIndex, never back (§5.3)', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1, 2))
  node.step(matched('n2', 2, 4))
  node.step(matched('n2', 2, 3))
  t.equal(node.core.matchIndexes().get('n2'), 4)
})

t.test('Leaders: an entry of the own term on a majority is committed (§5.3)', async (t) => {
  const node = leaderOf(5)
  node.step(propose(1))
  node.flushed()
  t.notOk(has(node.step(matched('n2', 2, 3)), 'commit'), 'two of five')
  t.same(only(node.step(matched('n3', 2, 3)), 'commit').index, 3)
})

t.test(
  'Leaders: an entry of a former term is committed only with one of its own (§5.4.2)',
  async (t) => {
    const node = newLeaderOf(3, { log: [1, 1, 1] })
    node.flushed()
    t.notOk(has(node.step(matched('n2', 2, 3)), 'commit'), 'entry 3 is on a majority, of term 1')
    t.same(only(node.step(matched('n2', 2, 4)), 'commit').index, 4, 'with the no-op all go')
  },
)
