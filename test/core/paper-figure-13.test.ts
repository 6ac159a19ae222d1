import t from 'tap'
import { coreWith, followerOf, leaderOf, members, peersOf, STANDING } from './helpers/cores.js'
import { kinds, only } from './helpers/effects.js'
import { append, batch, entries, matched, propose, snapshotReceived } from './helpers/inputs.js'

/**
 * The receiver's rules of the Raft paper's Figure 13, InstallSnapshot. Steps 2 to 5, the chunks and the
 * file, are the snapshot actor's; the core hears of a snapshot once it is durable under its name (S13).
 */

const FIVE = { index: 4, configuration: members(5) }

t.test('InstallSnapshot 1: one from a leader of an older term is dropped', async (t) => {
  const node = followerOf('n2', 5)
  t.same(node.step(snapshotReceived(4, [9, 4], FIVE)), [
    { kind: 'discardSnapshot', index: 9, term: 4 },
  ])
  t.equal(node.status.lastLogIndex, 1)
  t.equal(node.status.snapshotIndex, 0)
})

t.test('InstallSnapshot 5: one at or below the commit index is dropped', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: entries(2, 1, 1), commit: 3 }))
  t.same(kinds(node.step(snapshotReceived(1, [3, 1], FIVE))), ['discardSnapshot'])
  t.equal(node.status.snapshotIndex, 0)
})

t.test(
  'InstallSnapshot 5: the one that the log begins with is kept when it comes again',
  async (t) => {
    const node = followerOf('n2', 2, { log: [1, 1] })
    node.step(snapshotReceived(2, [9, 2], FIVE))
    t.same(node.step(snapshotReceived(2, [9, 2], FIVE)), [])
    t.same(kinds(node.step(snapshotReceived(2, [8, 2], FIVE))), ['discardSnapshot'])
  },
)

t.test(
  'InstallSnapshot 6: the log holds its last entry, so what follows is retained',
  async (t) => {
    const node = followerOf('n2', 2, { log: [1, 1, 2, 2] })
    t.same(node.step(snapshotReceived(2, [3, 2], { index: 1, configuration: members(3) })), [
      { kind: 'commit', index: 3 },
      {
        kind: 'members',
        configuration: { index: 1, configuration: members(3) },
        committed: true,
        peers: peersOf('n1', members(3)),
        standing: STANDING,
      },
    ])
    const { lastLogIndex, snapshotIndex, snapshotTerm, commitIndex } = node.status
    t.same(
      { lastLogIndex, snapshotIndex, snapshotTerm, commitIndex },
      {
        lastLogIndex: 4,
        snapshotIndex: 3,
        snapshotTerm: 2,
        commitIndex: 3,
      },
    )
  },
)

t.test(
  'InstallSnapshot 7, 8: a shorter log is emptied and the state machine restored',
  async (t) => {
    const node = followerOf('n2', 2, { log: [1, 1] })
    t.same(node.step(snapshotReceived(2, [9, 2], FIVE)), [
      { kind: 'resetLog', seq: 1, index: 9, term: 2 },
      { kind: 'restoreSnapshot', index: 9, term: 2 },
      {
        kind: 'members',
        configuration: FIVE,
        committed: true,
        peers: peersOf('n1', FIVE.configuration),
        standing: STANDING,
      },
    ])
    const { baseIndex, lastLogIndex, lastLogTerm, commitIndex, snapshotIndex } = node.status
    t.same([baseIndex, lastLogIndex, commitIndex, snapshotIndex], [9, 9, 9, 9])
    t.equal(lastLogTerm, 2)
  },
)

t.test('InstallSnapshot 7: a conflicting suffix does not survive the install', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2, 2, 2] })
  const effects = node.step(snapshotReceived(3, [4, 3], FIVE))
  t.same(only(effects, 'resetLog'), { kind: 'resetLog', seq: 1, index: 4, term: 3 })
  t.equal(node.status.lastLogIndex, 4)
  t.equal(node.core.termAt(5), null)
})

t.test('InstallSnapshot 8: the configuration of the snapshot is in force', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 1] })
  node.step(snapshotReceived(2, [9, 2], FIVE))
  t.same(node.status.configuration, FIVE)
  t.equal(node.status.committedConfigurationIndex, 4)
  t.same(node.core.configurations(), [FIVE])
})

t.test('after an install the log goes on behind the snapshot (§7)', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 1] })
  node.step(snapshotReceived(2, [9, 2], FIVE))
  const effects = node.step(append(2, { prev: [9, 2], batches: entries(10, 2), commit: 10 }))
  t.same(kinds(effects), ['append', 'commit'], 'no success before the reset is on disk (S5)')
  t.equal(only(node.flushed(), 'replyAppend').reply.matchIndex, 10)
})

t.test('a batch that begins below the snapshot and ends above it is taken (S6)', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 1] })
  node.step(snapshotReceived(2, [9, 2], FIVE))
  const batches = [batch(8, 11, 2)]
  const effects = node.step(append(2, { prev: [7, 2], batches, commit: 11 }))
  t.equal(only(effects, 'append').batches[0]?.firstIndex, 8)
  t.equal(node.status.lastLogIndex, 11)
  t.equal(only(node.flushed(), 'replyAppend').reply.matchIndex, 11)
})

t.test(
  'a check that falls below the snapshot is passed: that much is committed (§5.4)',
  async (t) => {
    const node = followerOf('n2', 2, { log: [2, 2], snapshot: { index: 5, term: 2 } })
    const effects = node.step(append(2, { prev: [3, 2], batches: entries(4, 2, 2, 2) }))
    t.same(kinds(effects), ['replyAppend'])
    t.equal(only(effects, 'replyAppend').reply.matchIndex, 6)
  },
)

t.test('at start a snapshot ahead of the log, or in conflict with it, wins (S13)', async (t) => {
  const base = { index: 0, term: 0 }
  for (const log of [
    [1, 1],
    [1, 1, 1, 1, 1, 1],
  ]) {
    const node = coreWith({ log, base, snapshot: { index: 5, term: 2 }, term: 2 })
    t.same(kinds(node.started), ['resetLog', 'members'])
    t.equal(node.status.lastLogIndex, 5)
    t.equal(node.status.lastLogTerm, 2)
    t.equal(node.flushed().length, 0)
    t.equal(node.status.flushedIndex, 5)
  }
})

t.test('at start a log that holds the last entry of the snapshot is kept (S13)', async (t) => {
  const base = { index: 3, term: 1 }
  const node = coreWith({ log: [1, 2, 2], base, snapshot: { index: 5, term: 2 } })
  t.same(kinds(node.started), ['members'])
  t.equal(node.status.lastLogIndex, 6)
})

t.test('at start a gap between snapshot and log stops the node (S13)', async (t) => {
  const base = { index: 7, term: 2 }
  const start = () => coreWith({ log: [2], base, snapshot: { index: 5, term: 2 } })
  t.throws(start, { code: 'RAFT_INVARIANT' })
})

t.test('a snapshot made here compacts the log, but for its trailing entries', async (t) => {
  const node = coreWith({ log: [1, 1, 1, 1, 1, 1] })
  node.step(append(1, { prev: [6, 1], commit: 6 }))
  t.same(node.step({ kind: 'snapshotSaved', index: 5, term: 1 }), [
    { kind: 'compact', seq: 1, index: 4 },
  ])
  t.equal(node.status.baseIndex, 4)
  t.equal(node.status.snapshotIndex, 5)
  t.same(
    node.step({ kind: 'snapshotSaved', index: 3, term: 1 }),
    [],
    'an older one changes nothing',
  )
})

t.test('entries behind a snapshot that is being sent stay in the log (S13)', async (t) => {
  const node = coreWith({ log: [1, 1, 1, 1, 1, 1], config: { trailingLogs: 0 } })
  node.step(append(1, { prev: [6, 1], commit: 6 }))
  node.step({ kind: 'snapshotSaved', index: 5, term: 1, keepAbove: 2 })
  t.equal(node.status.baseIndex, 2)
  node.step({ kind: 'snapshotSaved', index: 6, term: 1, keepAbove: null })
  t.equal(node.status.baseIndex, 6, 'and go once it is sent')
})

t.test('compaction does not pass what is durable here (S5)', async (t) => {
  const node = leaderOf(3, { config: { trailingLogs: 0 } })
  node.step(propose(1, 4))
  for (const peer of ['n2', 'n3']) {
    node.step(matched(peer, 2, 6))
  }
  t.equal(node.status.commitIndex, 6, 'the two others committed it')
  t.same(node.step({ kind: 'snapshotSaved', index: 6, term: 2 }), [
    { kind: 'compact', seq: 3, index: 2 },
  ])
})
