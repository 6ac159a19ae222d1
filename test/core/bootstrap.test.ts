import t from 'tap'
import { coreWith, followerOf, members, peersOf, STANDING } from './helpers/cores.js'

const bootstrapped = { kind: 'bootstrapped', configuration: members(3) } as const

t.test('an empty node takes the bootstrap entry as its first, of term 1 (R-18)', async (t) => {
  const node = coreWith({ log: [] })
  t.same(node.step(bootstrapped), [
    {
      kind: 'members',
      configuration: { index: 1, configuration: members(3) },
      committed: false,
      peers: peersOf('n1', members(3)),
      standing: STANDING,
    },
  ])
  const { term, lastLogIndex, lastLogTerm, flushedIndex, commitIndex } = node.status
  t.same([term, lastLogIndex, lastLogTerm, flushedIndex, commitIndex], [1, 1, 1, 1, 0])
})

t.test('it leads only by an election, in a later term (R-30)', async (t) => {
  const node = coreWith({ log: [], members: members(1) })
  node.step({ kind: 'bootstrapped', configuration: members(1) })
  t.equal(node.status.role, 'follower')
  node.timeout()
  node.saved()
  t.equal(node.status.role, 'leader')
  t.equal(node.status.term, 2)
})

t.test('a node that has anything is not bootstrapped', async (t) => {
  t.throws(() => followerOf('n2', 1).step(bootstrapped), { code: 'RAFT_INVARIANT' })
  t.throws(() => coreWith({ log: [], term: 3 }).step(bootstrapped), { code: 'RAFT_INVARIANT' })
})
