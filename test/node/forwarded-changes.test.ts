import t from 'tap'
import { errorOf, fateOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

type Cluster = Awaited<ReturnType<typeof counters>>

/** n1 to n3 are bootstrapped; n4 starts empty and waits to be added. */
async function cluster(config = {}) {
  const nodes = await counters({
    config: { heartbeatTimeoutMs: 200, ...config },
    options: (id) => (id === 'n4' ? { bootstrap: undefined } : {}),
  })
  return nodes
}

async function followerOf(nodes: Cluster) {
  const leader = await nodes.leader()
  const follower = nodes.nodes.find((node) => node !== leader)
  if (follower === undefined) throw new Error('there are three nodes')
  return follower
}

t.test('a follower takes changes to the leader', async (t) => {
  await using nodes = await cluster()
  await nodes.start('n4')
  const follower = await followerOf(nodes)
  t.match(await fateOf(follower.addVoter('n4', 'n4')), /^RAFT_NOT_LEADER rejected/)
  const forward = true
  const { index } = await follower.addVoter('n4', 'n4', { forward })
  await follower.waitFor({ configurationIndex: index })
  const demoted = await follower.updateServer('n4', { suffrage: 'nonvoter' }, { forward })
  const stale = follower.removeServer('n4', { forward, prevIndex: index })
  t.equal(await fateOf(stale), 'RAFT_CONFIGURATION_CONFLICT rejected')
  const removed = await follower.removeServer('n4', { forward, prevIndex: demoted.index })
  await follower.waitFor({ configurationIndex: removed.index })
  const { servers } = await follower.configuration()
  t.strictSame(servers.map(({ id }) => id).sort(), ['n1', 'n2', 'n3'])
  t.equal(await fateOf(follower.removeServer('n9', { forward })), 'RAFT_UNKNOWN_SERVER rejected')
})

t.test(
  'a change may take longer than requests do, and it is the leader that ends it',
  async (t) => {
    await using nodes = await cluster({ requestTimeoutMs: 100 })
    const follower = await followerOf(nodes)
    // Nobody answers there, so it never catches up.
    const added = follower.addVoter('n4', 'n4', { forward: true, timeoutMs: 1000 })
    t.match(await errorOf(added), { code: 'RAFT_TIMEOUT', message: /^addVoter took longer than 7/ })
  },
)

t.test('a follower asks the leader how the members do, itself included', async (t) => {
  await using nodes = await cluster()
  const follower = await followerOf(nodes)
  t.strictSame(await follower.peers(), [], 'of itself it knows nothing')
  const peers = await follower.peers({ forward: true })
  const leader = await nodes.leader()
  const others = nodes.nodes.filter((node) => node !== leader)
  t.strictSame(peers.map(({ id }) => id).sort(), others.map(({ id }) => id).sort())
  t.ok(peers.every(({ matchIndex }) => matchIndex >= 0))
})

t.test('leadership is handed over from any node, and kept where it is', async (t) => {
  await using nodes = await cluster()
  const follower = await followerOf(nodes)
  await follower.transferLeadership(follower.id, { forward: true })
  await follower.waitFor({ leader: follower.id })
  await follower.waitFor({ state: 'leader' })
  const other = nodes.nodes.find((node) => node !== follower)
  await other?.waitFor({ leader: follower.id })
  await other?.transferLeadership(follower.id, { forward: true })
  t.equal(follower.state, 'leader')
  const peers = await follower.peers()
  t.strictSame(
    peers.map(({ id }) => id).sort(),
    ['n1', 'n2', 'n3'].filter((id) => id !== follower.id),
  )
  t.strictSame(await other?.peers(), [], 'only the leader knows')
})

t.test(
  'a follower has the leader removed, and hears of it although the leader is gone',
  async (t) => {
    await using nodes = await cluster()
    const leader = await nodes.leader()
    const follower = await followerOf(nodes)
    const { index } = await follower.removeServer(leader.id, { forward: true })
    t.ok(index > 1)
    const { servers } = await follower.configuration()
    t.notOk(servers.some(({ id }) => id === leader.id))
    t.match(await leader.closed, { reason: 'removed' })
  },
)
