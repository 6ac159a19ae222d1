import t from 'tap'
import type { RaftNode } from '../../lib/node/raft-node.js'
import type { TestCluster } from '../../lib/node/testing.js'
import { errorOf, fateOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

type Cluster = Awaited<ReturnType<typeof counters>>

const VOTERS = ['n1', 'n2', 'n3']

/** n1 to n3 are bootstrapped; any other node starts empty and waits to be added. */
function cluster(config: Parameters<typeof counters>[0] = {}): Promise<Cluster> {
  return counters({
    ...config,
    options: (id) => (VOTERS.includes(id) ? {} : { bootstrap: undefined }),
  })
}

async function membersOf(node: RaftNode): Promise<string> {
  const { servers } = await node.configuration()
  return servers.map(({ id, suffrage }) => (suffrage === 'voter' ? id : `${id}?`)).join(' ')
}

async function totalOf(node: Cluster['nodes'][number]): Promise<number> {
  const { result } = await node.query('total')
  return (result as { total: number }).total
}

async function followerOf({ nodes }: TestCluster<never> | Cluster, but: string) {
  const found = nodes.find((node) => node.id !== but && node.state === 'follower')
  if (found === undefined) throw new Error('no follower')
  return found
}

t.test('a fresh node is added, catches up and votes', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  await leader.apply({ add: 7 })
  const n4 = await nodes.start('n4')
  const { index } = await leader.addVoter('n4', 'n4')
  t.equal(await membersOf(leader), 'n1 n2 n3 n4')
  await n4.waitFor({ configurationIndex: index })
  t.equal(await totalOf(n4), 7)
})

t.test('a nonvoter holds the log and does not vote; it is promoted and demoted', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  await nodes.start('n4')
  await leader.addNonvoter({ id: 'n4', address: 'n4', meta: { zone: 'b' } })
  t.equal(await membersOf(leader), 'n1 n2 n3 n4?')
  await leader.addVoter('n4', 'n4')
  await leader.demoteVoter('n4')
  t.equal(await membersOf(leader), 'n1 n2 n3 n4?')
  const { servers } = await leader.configuration()
  t.match(servers[3], { meta: { zone: 'b' } }, 'what is not mentioned stays')
})

t.test('a removed follower is told and closes', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  const gone = await followerOf(nodes, leader.id)
  await leader.removeServer(gone.id)
  t.same(await gone.closed, { reason: 'removed' })
  t.match(await leader.apply({ add: 1 }), { result: 1 })
})

t.test('a leader that removes itself hands over and closes', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  await leader.apply({ add: 1 })
  t.ok((await leader.removeServer(leader.id)).index > 0)
  t.same(await leader.closed, { reason: 'removed' })
  await nodes.stop(leader.id)
  const next = await nodes.leader()
  t.match(await next.apply({ add: 1 }), { result: 2 })
  t.notMatch(await membersOf(next), leader.id)
})

t.test('shutdownOnRemove false: a removed leader stays as a follower without a vote', async (t) => {
  await using nodes = await cluster({
    config: { heartbeatTimeoutMs: 200, shutdownOnRemove: false },
  })
  const leader = await nodes.leader()
  await leader.removeServer(leader.id)
  await leader.waitFor({ state: 'follower' })
  const next = await nodes.leader()
  t.not(next.id, leader.id)
  t.match(await fateOf(leader.apply({ add: 1 })), /RAFT_(NOT|NO)_LEADER rejected/)
  await next.addVoter(leader.id, leader.id)
  await leader.waitFor({ leader: true })
  t.match(await leader.apply({ add: 1 }, { forward: true }), { result: 1 })
})

t.test('a member removed while it was cut off learns it when it is back', async (t) => {
  await using nodes = await cluster({ config: { heartbeatTimeoutMs: 200, removeGraceMs: 1 } })
  const leader = await nodes.leader()
  const gone = await followerOf(nodes, leader.id)
  nodes.isolate(gone.id)
  await leader.removeServer(gone.id)
  const { term } = leader.stats()
  nodes.heal()
  t.same(await gone.closed, { reason: 'removed' })
  t.equal(leader.stats().term, term, 'and it has not disturbed anyone')
})

t.test('a wiped member is refused until it has been removed and added again', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  await leader.apply({ add: 3 })
  const victim = await followerOf(nodes, leader.id)
  await nodes.stop(victim.id)
  nodes.wipe(victim.id)
  t.match(await errorOf(nodes.start(victim.id)), { code: 'RAFT_LOST_STATE' })
  nodes.wipe(victim.id)
  await leader.removeServer(victim.id)
  await nodes.start(victim.id, { bootstrap: undefined })
  await leader.addVoter(victim.id, victim.id)
  t.equal(await totalOf(nodes.node(victim.id)), 3)
})

t.test('all members are replaced at once by joint consensus, while commands go on', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  await Promise.all(['n4', 'n5', 'n6'].map((id) => nodes.start(id)))
  const goal = ['n4', 'n5', 'n6'].map((id) => ({ id, address: id }))
  const changed = leader.reconfigure(goal)
  const applied = await leader.apply({ add: 1 })
  t.match(applied, { result: 1 })
  await changed
  for (const id of VOTERS) t.same(await nodes.node(id).closed, { reason: 'removed' })
  for (const id of VOTERS) await nodes.stop(id)
  const next = await nodes.leader()
  t.equal(await membersOf(next), 'n4 n5 n6')
  t.match(await next.apply({ add: 1 }), { result: 2 })
})

t.test('prevIndex names the configuration that the change is meant for', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  const { index } = await leader.configuration()
  const wrong = leader.demoteVoter('n3', { prevIndex: index + 1 })
  t.equal(await fateOf(wrong), 'RAFT_CONFIGURATION_CONFLICT rejected')
  t.ok((await leader.updateServer('n3', { meta: { a: 'b' } }, { prevIndex: index })).index > index)
})

t.test('what cannot be is refused by name', async (t) => {
  await using nodes = await cluster()
  const leader = await nodes.leader()
  const follower = await followerOf(nodes, leader.id)
  t.equal(await fateOf(follower.removeServer('n1')), 'RAFT_NOT_LEADER rejected')
  t.equal(await fateOf(leader.removeServer('n9')), 'RAFT_UNKNOWN_SERVER rejected')
  t.equal(await fateOf(leader.reconfigure([])), 'RAFT_CONFIG_INVALID rejected')
  t.equal(await fateOf(leader.addVoter('', 'x')), 'RAFT_CONFIG_INVALID rejected')
  t.equal(await fateOf(leader.addVoter('n4', follower.address)), 'RAFT_CONFIG_INVALID rejected')
  t.equal(
    await fateOf(leader.removeServer('n1', { prevIndex: -1 })),
    'RAFT_CONFIG_INVALID rejected',
  )
})

t.test(
  'a new voter that never comes is given up with its time, and stays a nonvoter',
  async (t) => {
    await using nodes = await cluster()
    const leader = await nodes.leader()
    const late = leader.addVoter('n4', 'n4', { timeoutMs: 300 })
    t.equal(await fateOf(late), 'RAFT_TIMEOUT unknown')
    t.equal(await membersOf(leader), 'n1 n2 n3 n4?')
    await leader.removeServer('n4')
    t.equal(await membersOf(leader), 'n1 n2 n3')
  },
)
