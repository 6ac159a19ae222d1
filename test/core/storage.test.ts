import t from 'tap'
import type { Effect } from '../../lib/core/effects.js'
import { followerOf, leaderOf, members, type TestCore } from './helpers/cores.js'
import { has, ofKind, only } from './helpers/effects.js'
import {
  append,
  batch,
  entries,
  heartbeatAck,
  matched,
  preVote,
  propose,
  snapshotReceived,
  TICK,
  voteReply,
} from './helpers/inputs.js'

/** A store that refuses writes (S15): nothing is lost, nothing is claimed, and all is written later. */

const refused = (seq: number, lastIndex: number) =>
  ({ kind: 'logRefused', seq, lastIndex }) as const
const WRITABLE = { kind: 'logWritable' } as const

/** What the store is asked to write again, shortened. */
function rewritten(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => {
    const again = 'again' in effect ? 'again ' : ''
    if (effect.kind === 'truncate') return [`${again}truncate ${effect.fromIndex}`]
    if (effect.kind === 'resetLog') return [`${again}reset ${effect.index}@${effect.term}`]
    if (effect.kind !== 'append') return []
    return effect.batches.map(
      ({ firstIndex, lastIndex, term, content }) =>
        `${content.kind} ${firstIndex}..${lastIndex}@${term}`,
    )
  })
}

t.test('a follower claims nothing that was refused, and writes it again', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  node.step(append(1, { prev: [2, 1], batches: [batch(3, 5, 1)], request: 2 }))
  t.same(node.step(refused(1, 1)), [])
  t.equal(node.status.flushedIndex, 1)
  t.equal(node.status.lastLogIndex, 5, 'the entries stay in memory')
  const again = node.step(WRITABLE)
  t.same(rewritten(again), ['held 2..2@1', 'held 3..5@1'])
  t.same(
    ofKind(node.flushed(), 'replyAppend').map(({ reply }) => reply.matchIndex),
    [2, 5],
  )
})

t.test('a write refused in the middle keeps what was written before it', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  node.flushed()
  node.step(append(1, { prev: [2, 1], batches: entries(3, 1) }))
  node.step(refused(2, 2))
  t.equal(node.status.flushedIndex, 2)
  t.same(rewritten(node.step(WRITABLE)), ['held 3..3@1'])
})

t.test('a refused truncation is issued again before what follows it', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2] })
  node.step(append(3, { prev: [2, 2], batches: entries(3, 3) }))
  node.step(refused(1, 4))
  t.equal(node.status.flushedIndex, 2, 'entries 3 and 4 of the store are not those of the log')
  t.same(rewritten(node.step(WRITABLE)), ['again truncate 3', 'held 3..3@3'])
  t.equal(only(node.flushed(), 'replyAppend').reply.matchIndex, 3)
})

t.test('a truncation that was written before the refusal is not repeated', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2] })
  node.step(append(3, { prev: [2, 2], batches: entries(3, 3) }))
  node.step(refused(2, 2))
  t.same(rewritten(node.step(WRITABLE)), ['held 3..3@3'])
})

t.test('refused again and again, the lowest conflict is what counts', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2] })
  node.step(append(3, { prev: [2, 2], batches: entries(3, 3) }))
  node.step(refused(1, 4))
  node.step(WRITABLE)
  node.step(refused(3, 4))
  t.same(rewritten(node.step(WRITABLE)), ['again truncate 3', 'held 3..3@3'])
  node.step(refused(6, 2))
  t.same(rewritten(node.step(WRITABLE)), ['held 3..3@3'])
})

t.test('a compaction refused while the store is full changes nothing of that', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 1, 2, 2], config: { trailingLogs: 0 } })
  node.step(append(3, { prev: [2, 1], batches: entries(3, 3), commit: 2 }))
  node.step(refused(1, 4))
  node.step({ kind: 'snapshotSaved', index: 2, term: 1 })
  node.step(refused(3, 4))
  t.equal(node.status.flushedIndex, 2)
  t.same(rewritten(node.step(WRITABLE)), ['again truncate 3', 'held 3..3@3'])
})

t.test('a refused reset is issued again, with what was appended behind it', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2] })
  node.step(snapshotReceived(3, [9, 3], { index: 1, configuration: members(3) }))
  node.step(append(3, { prev: [9, 3], batches: entries(10, 3) }))
  node.step(refused(1, 4))
  t.ok(node.status.flushedIndex <= 9, 'entry 10 is not on disk')
  t.same(rewritten(node.step(WRITABLE)), ['again reset 9@3', 'held 10..10@3'])
  t.equal(only(node.flushed(), 'replyAppend').reply.matchIndex, 10)
  t.equal(node.status.flushedIndex, 10)
})

t.test('a refused reset below the end of the old log hides its tail', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2, 2, 2] })
  node.step(snapshotReceived(3, [4, 3], { index: 1, configuration: members(3) }))
  node.step(refused(1, 6))
  t.equal(node.status.flushedIndex, 4)
  t.same(rewritten(node.step(WRITABLE)), ['again reset 4@3'])
})

t.test(
  'a snapshot installed while the store is full makes the refused writes pointless',
  async (t) => {
    const node = followerOf('n2', 3, { log: [1, 2, 2, 2] })
    node.step(append(3, { prev: [2, 2], batches: entries(3, 3) }))
    node.step(refused(1, 4))
    node.step(snapshotReceived(3, [9, 3], { index: 1, configuration: members(3) }))
    node.flushed()
    t.equal(node.status.flushedIndex, 9)
    t.same(rewritten(node.step(WRITABLE)), [])
    t.equal(node.status.flushedIndex, 9)
  },
)

t.test(
  'a leader whose store is full proposes nothing, and goes on when there is room',
  async (t) => {
    const node = leaderOf(3)
    node.step(propose(1))
    t.notOk(has(node.step(refused(2, 2)), 'roleChanged'), 'nobody is known to have room')
    t.equal(only(node.step(propose(2)), 'rejected').reason, 'storageFull')
    t.match(only(node.step({ kind: 'barrier', id: 1 }), 'barrierRejected'), {
      reason: 'storageFull',
    })
    t.same(rewritten(node.step(WRITABLE)), ['held 3..3@2'])
    t.equal(only(node.step(propose(3)), 'accepted').firstIndex, 4)
  },
)

t.test('S12: it makes way when nobody has shown room within the stall timeout', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(refused(2, 2))
  const heardAfter = (ms: number) => {
    node.now += ms
    for (const peer of ['n2', 'n3']) node.step(heartbeatAck(peer, 2, { sentAt: node.now }))
    return node.step(TICK)
  }
  t.notOk(has(heardAfter(5000), 'roleChanged'))
  t.match(only(heardAfter(1), 'roleChanged'), { role: 'follower' })
})

t.test('S15: the only voter waits for room as long as it takes', async (t) => {
  const node = leaderOf(1)
  node.step(propose(1))
  node.step(refused(2, 2))
  node.now += 60_000
  t.notOk(has(node.step(TICK), 'roleChanged'), 'there is nobody to make way for')
  t.same(rewritten(node.step(WRITABLE)), ['held 3..3@2'])
  t.notOk(has(node.step(TICK), 'roleChanged'), 'nor once there is room')
})

t.test('it makes way as soon as a voter holds what it could not store', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(refused(2, 2))
  t.notOk(has(node.step(matched('n2', 2, 2)), 'roleChanged'), 'what both hold shows no room')
  const effects = node.step(matched('n2', 2, 3))
  t.match(only(effects, 'roleChanged'), { role: 'follower', cause: 'the store is full' })
  t.equal(only(effects, 'timeoutNow').peer, 'n2', 'it is asked to campaign at once')
  t.equal(only(effects, 'proposalsUnknown').fromIndex, 3)
})

t.test('that a nonvoter has room helps nobody', async (t) => {
  const node = leaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4?']) })
  node.step(propose(1))
  node.step(refused(2, 2))
  t.notOk(has(node.step(matched('n4', 2, 3)), 'roleChanged'))
})

t.test('while it is full nobody campaigns, however far it had come (S15)', async (t) => {
  const follower = followerWithWrite()
  follower.step(refused(1, 1))
  follower.timeout()
  t.equal(follower.status.role, 'follower')

  const preCandidate = followerWithWrite()
  preCandidate.timeout()
  preCandidate.step(refused(1, 1))
  preCandidate.step(voteReply('n2', { term: 2, granted: true, round: 1, preVote: true }))
  t.equal(preCandidate.status.term, 1)
  t.equal(preCandidate.status.role, 'follower')

  const candidate = followerWithWrite()
  candidate.timeout()
  candidate.step(voteReply('n2', { term: 2, granted: true, round: 1, preVote: true }))
  candidate.saved()
  candidate.step(refused(1, 1))
  candidate.step(voteReply('n2', { term: 2, granted: true, round: 2 }))
  t.equal(candidate.status.role, 'follower')
})

/** A write is on its way to the store. */
function followerWithWrite(): TestCore {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  return node
}

t.test('it campaigns again once the store takes writes', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  node.step(refused(1, 1))
  node.timeout()
  node.step(WRITABLE)
  node.timeout()
  t.equal(node.status.role, 'preCandidate')
})

t.test('a full follower says so, so that the leader asks again soon', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1) }))
  node.step(refused(1, 1))
  const { reply } = only(
    node.step(append(1, { prev: [2, 1], batches: entries(3, 1), request: 2 })),
    'replyAppend',
  )
  t.match(reply, { success: false, request: 2, conflict: { term: 1, lastIndex: 2 } })
  t.equal(node.status.lastLogIndex, 2, 'and takes nothing')
})

t.test('a full follower still votes, follows, and learns what is committed', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1, 1) }))
  node.step(refused(1, 1))
  const effects = node.step(append(1, { prev: [3, 1], commit: 3 }))
  t.same(only(effects, 'commit'), { kind: 'commit', index: 3 })
  t.notOk(has(effects, 'replyAppend'), 'but it acknowledges nothing that is not on disk (S5)')
  node.now += 1000
  t.equal(only(node.step(preVote(2, { last: [3, 1] })), 'replyVote').reply.granted, true)
})

t.test('what was committed meanwhile is still written again', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1, 1) }))
  node.step(refused(1, 1))
  node.step(append(1, { prev: [3, 1], commit: 3 }))
  t.same(rewritten(node.step(WRITABLE)), ['held 2..2@1', 'held 3..3@1'])
})

t.test('writable without a refusal means nothing', async (t) => {
  t.same(followerOf('n2', 1).step(WRITABLE), [])
})
