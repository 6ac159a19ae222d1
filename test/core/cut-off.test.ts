import t from 'tap'
import { Steady } from './helpers/steady.js'

/** Who leads when nodes are cut off and come back, with and without pre-vote. */

t.test('five nodes: one that was cut off for long comes back without an election', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = new Steady(seed, 5)
    const leader = cluster.elect()
    cluster.pass(1000)
    const { term } = cluster.status(leader)
    const lonely = cluster.names.find((id) => id !== leader) ?? ''
    cluster.soup.cut.add(lonely)
    cluster.pass(20_000)
    t.equal(cluster.status(lonely).term, term, 'alone it does not raise its term')
    cluster.soup.cut.delete(lonely)
    cluster.pass(5000)
    t.equal(cluster.leader, leader)
    for (const id of cluster.names) t.match(cluster.status(id), { term, leader })
  }
})

t.test(
  'without pre-vote the one that comes back is not followed, and joins in the end',
  async (t) => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = new Steady(seed, 3, () => ({ preVote: false }))
      const leader = cluster.elect()
      cluster.pass(1000)
      const lonely = cluster.names.find((id) => id !== leader) ?? ''
      cluster.soup.cut.add(lonely)
      cluster.pass(20_000)
      cluster.propose(leader, 'missed')
      cluster.pass(1000)
      t.ok(cluster.status(lonely).term > cluster.status(leader).term)
      cluster.soup.cut.delete(lonely)
      const agreed = () => {
        const { lastLogIndex, term } = cluster.status(lonely)
        return cluster.names.every((id) => {
          const status = cluster.status(id)
          return status.term === term && status.commitIndex === lastLogIndex
        })
      }
      t.ok(
        cluster.until(() => cluster.leaders.length === 1 && agreed()),
        `seed ${seed}`,
      )
      t.not(cluster.leader, lonely, 'its log lacks what was committed')
    }
  },
)

t.test('nodes with and without pre-vote elect another leader when theirs is cut off', async (t) => {
  for (const [with_, without] of [
    [2, 3],
    [3, 2],
    [1, 2],
    [2, 1],
    [3, 0],
    [0, 3],
  ] as const) {
    const cluster = new Steady(with_ * 10 + without, with_ + without, (position) => ({
      preVote: position < with_,
    }))
    const first = cluster.elect()
    cluster.propose(first, 'a')
    cluster.pass(1000)
    const { term } = cluster.status(first)
    cluster.soup.cut.add(first)
    const next = cluster.elect()
    t.not(next, first, `${with_} with pre-vote, ${without} without`)
    t.ok(cluster.status(next).term > term)
    cluster.soup.cut.delete(first)
    t.ok(
      cluster.until(() => cluster.status(first).commitIndex === cluster.status(next).commitIndex),
    )
  }
})

t.test('a leader that no quorum hears gives up, and nobody calls it leader (S10)', async (t) => {
  const cluster = new Steady(7, 2)
  const leader = cluster.elect()
  const follower = cluster.names.find((id) => id !== leader) ?? ''
  cluster.pass(1000)
  cluster.soup.cut.add(follower)
  t.ok(cluster.until(() => cluster.status(leader).role !== 'leader', 2000))
  cluster.pass(5000)
  for (const id of cluster.names) t.equal(cluster.status(id).leader, null)
  cluster.soup.cut.clear()
  t.ok(cluster.elect(), 'together they are a quorum again')
})

t.test(
  'an idle cluster with default timeouts keeps its leader for ten minutes (R-46)',
  async (t) => {
    const cluster = new Steady(1, 3)
    const leader = cluster.elect()
    const { term } = cluster.status(leader)
    cluster.pass(600_000)
    t.equal(cluster.leader, leader)
    t.equal(cluster.status(leader).term, term)
  },
)
