import t from 'tap'
import { hasQuorum, isVoter, majority, quorumReached, votersOf } from '../../lib/core/quorum.js'
import type { Configuration, NodeId } from '../../lib/core/types.js'
import { SeededRandom } from '../helpers/seeded-random.js'
import { members } from './helpers/cores.js'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const

/** Slow and obvious. */
function slowHasQuorum(configuration: Configuration, holds: (id: NodeId) => boolean): boolean {
  const holding = (half: readonly NodeId[]) => half.filter(holds).length * 2 > half.length
  return halvesOf(configuration).every(holding)
}

/** The largest of all reached numbers such that a quorum has reached it. */
function slowQuorumReached(configuration: Configuration, reached: (id: NodeId) => number): number {
  const candidates = halvesOf(configuration).flat().map(reached)
  const possible = candidates.filter((number) =>
    slowHasQuorum(configuration, (id) => reached(id) >= number),
  )
  return Math.max(Number.NEGATIVE_INFINITY, ...possible)
}

function halvesOf(configuration: Configuration): (readonly NodeId[])[] {
  const incoming = configuration.servers
    .filter(({ suffrage }) => suffrage === 'voter')
    .map(({ id }) => id)
  const { outgoing } = configuration
  return outgoing === undefined ? [incoming] : [incoming, outgoing.map(({ id }) => id)]
}

function randomConfiguration(random: SeededRandom): Configuration {
  const names = NAMES.filter(() => random.next() < 0.6).map((name) =>
    random.next() < 0.25 ? `${name}?` : name,
  )
  if (random.next() < 0.5) return members(names)
  return { ...members(names), outgoing: members(NAMES.filter(() => random.next() < 0.5)).servers }
}

t.test('agrees with a slow, obvious implementation, joint configurations included', async (t) => {
  for (let seed = 1; seed <= 3000; seed++) {
    const random = new SeededRandom(seed)
    const configuration = randomConfiguration(random)
    const reached = new Map<NodeId, number>(NAMES.map((name) => [name, random.below(6)]))
    const reachedBy = (id: NodeId) => reached.get(id) ?? 0
    const holds = (id: NodeId) => reachedBy(id) % 2 === 0
    const what = `seed ${seed} ${JSON.stringify(configuration)} ${JSON.stringify([...reached])}`
    const fast = quorumReached(configuration, reachedBy)
    const equal =
      fast === slowQuorumReached(configuration, reachedBy) &&
      hasQuorum(configuration, holds) === slowHasQuorum(configuration, holds)
    if (!equal) t.fail(what)
  }
})

t.test('a majority is more than half', async (t) => {
  t.same([1, 2, 3, 4, 5, 6, 7].map(majority), [1, 2, 2, 3, 3, 4, 4])
})

t.test('nonvoters and strangers count for nothing', async (t) => {
  const configuration = members(['a', 'b', 'c', 'd?', 'e?'])
  t.same(votersOf(configuration), ['a', 'b', 'c'])
  const holding = new Set(['a', 'd', 'e', 'x'])
  t.equal(
    hasQuorum(configuration, (id) => holding.has(id)),
    false,
  )
  t.equal(
    quorumReached(configuration, (id) => (id === 'a' || id === 'd' ? 9 : 2)),
    2,
  )
})

t.test('a configuration without voters has no quorum and reaches nothing', async (t) => {
  for (const configuration of [members([]), members(['a?']), { ...members(1), outgoing: [] }]) {
    t.equal(
      hasQuorum(configuration, () => true),
      false,
    )
    t.equal(
      quorumReached(configuration, () => 7),
      Number.NEGATIVE_INFINITY,
    )
  }
})

t.test('a joint configuration needs both majorities (Raft §6)', async (t) => {
  const joint = { ...members(['c', 'd', 'e']), outgoing: members(['a', 'b', 'c']).servers }
  const has = (...ids: readonly NodeId[]) => hasQuorum(joint, (id) => ids.includes(id))
  t.equal(has('c', 'd', 'e'), false, 'all new, one old')
  t.equal(has('a', 'b'), false, 'two old, no new')
  t.equal(has('a', 'c', 'd'), true)
  t.equal(isVoter(joint, 'a'), true, 'outgoing voters still vote')
  t.equal(isVoter(joint, 'x'), false)
})

/** The commitment table of hashicorp/raft, as arithmetic on the numbers reached. */
t.test('what a quorum has reached follows the numbers and the configuration', async (t) => {
  const reached = new Map<NodeId, number>([
    ['n1', 30],
    ['n2', 20],
  ])
  const of = (voters: number) => quorumReached(members(voters), (id) => reached.get(id) ?? 0)
  t.equal(of(5), 0)
  reached.set('n3', 10)
  t.equal(of(5), 10)
  reached.set('n4', 15)
  t.equal(of(5), 15)
  t.equal(of(3), 20, 'fewer voters')
  reached.set('n2', 25)
  t.equal(of(4), 15)
  reached.set('n4', 23)
  t.equal(of(4), 23)
  t.equal(of(1), 30)
})
