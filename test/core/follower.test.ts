import t from 'tap'
import { followerOf, members, peersOf, STANDING } from './helpers/cores.js'
import { kinds, only, received } from './helpers/effects.js'
import { append, batch, entries } from './helpers/inputs.js'

/** AppendEntries in batches (S6), and the configurations in them (S4). What Figure 2 leaves open. */

const THREE = members(3)
const FOUR = members(4)

t.test('a batch is held whole or not at all (S6)', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: [batch(2, 6, 1)] }))
  t.same(kinds(node.step(append(1, { batches: [batch(2, 6, 1), batch(7, 7, 1)] }))), ['append'])
  const half = append(1, { batches: [batch(2, 3, 1), batch(4, 9, 1)] })
  t.throws(() => node.step(half), { code: 'RAFT_INVARIANT' })
})

t.test('batches with a gap before or between them stop the node (§5.3)', async (t) => {
  const gapBefore = append(1, { prev: [1, 1], batches: entries(3, 1) })
  const gapBetween = append(1, { batches: [batch(2, 2, 1), batch(4, 4, 1)] })
  for (const input of [gapBefore, gapBetween]) {
    const node = followerOf('n2', 1, { log: [1, 1, 1, 1, 1] })
    t.throws(() => node.step(input), { code: 'RAFT_INVARIANT' })
  }
})

t.test('a conflict in the middle of a request keeps what is before it', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 1, 2, 2] })
  t.same(node.step(append(3, { batches: entries(2, 1, 3, 3) })), [
    { kind: 'truncate', seq: 1, fromIndex: 3 },
    {
      kind: 'append',
      seq: 2,
      batches: [received(batch(3, 3, 3), 1, 1), received(batch(4, 4, 3), 3, 2)],
    },
  ])
})

t.test('an empty log takes its first entries after index 0', async (t) => {
  const node = followerOf('n2', 1, { log: [] })
  const configurations = [{ position: 0, configuration: THREE }]
  const batches = entries(1, 1, 1)
  const effects = node.step(append(1, { prev: [0, 0], batches, configurations }))
  t.same(kinds(effects), ['members', 'append'])
  t.same(node.status.configuration, { index: 1, configuration: THREE })
})

t.test('a configuration is in force when appended, and committed later (§6, S4)', async (t) => {
  const node = followerOf('n2', 1)
  const configurations = [{ position: 1, configuration: FOUR }]
  const effects = node.step(append(1, { batches: entries(2, 1, 1), configurations }))
  t.same(only(effects, 'members'), {
    kind: 'members',
    configuration: { index: 3, configuration: FOUR },
    committed: false,
    peers: peersOf('n1', FOUR),
    standing: STANDING,
  })
  const committed = node.step(append(1, { prev: [3, 1], commit: 3 }))
  t.same(only(committed, 'members'), {
    kind: 'members',
    configuration: { index: 3, configuration: FOUR },
    committed: true,
    peers: peersOf('n1', FOUR),
    standing: STANDING,
  })
})

t.test('a configuration cut off brings the one before back (S4)', async (t) => {
  const node = followerOf('n2', 1)
  const configurations = [{ position: 0, configuration: FOUR }]
  node.step(append(1, { batches: entries(2, 1), configurations }))
  const effects = node.step(append(2, { from: 'n3', batches: entries(2, 2) }))
  t.same(only(effects, 'members').configuration, { index: 1, configuration: THREE })
  t.same(node.status.configuration.configuration, THREE)
})

t.test('a leader that has something else where entries are committed stops the node', async (t) => {
  // Its voters must have lost their state (S16): to acknowledge would hide that the logs differ.
  const requests = [
    append(2, { from: 'n3', prev: [2, 2] }),
    append(2, { from: 'n3', prev: [1, 1], batches: entries(2, 2) }),
    append(2, { from: 'n3', prev: [1, 1], batches: [batch(2, 4, 2)] }),
  ]
  for (const request of requests) {
    const node = followerOf('n2', 1)
    node.step(append(1, { batches: entries(2, 1, 1), commit: 3 }))
    t.throws(() => node.step(request), { code: 'RAFT_INVARIANT' })
  }
})

t.test('a conflict is reported no lower than what is committed', async (t) => {
  const node = followerOf('n2', 2, { log: [1, 1, 1, 1, 1] })
  node.step(append(2, { prev: [2, 1], commit: 2 }))
  const { reply } = only(node.step(append(2, { prev: [5, 2] })), 'replyAppend')
  t.same(reply.conflict, { term: 1, index: 3, lastIndex: 5 })
})

t.test('a batch that the commit index cuts is held (S6)', async (t) => {
  const node = followerOf('n2', 1)
  node.step(append(1, { batches: [batch(2, 6, 1)], commit: 4 }))
  t.equal(node.status.commitIndex, 4)
  node.flushed()
  const again = node.step(append(1, { batches: [batch(2, 6, 1)], commit: 4 }))
  t.same(kinds(again), ['replyAppend'])
  t.equal(only(again, 'replyAppend').reply.matchIndex, 6)
})
