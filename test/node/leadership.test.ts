import t from 'tap'
import { memoryStore } from '../../lib/log/stores.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import { memoryNetwork, memoryTransport } from '../../lib/transport/memory-transport.js'
import { counter } from './fixtures/counter-cluster.js'
import { virtualCounters } from './fixtures/virtual-counters.js'

/** What goes with leadership, on running clusters. */

t.test('whileLeader runs on the leader alone, and moves with leadership', async (t) => {
  await using cluster = await virtualCounters()
  const first = await cluster.leader()
  const running = new Map<string, number>()
  const begun: string[] = []
  const waiting: { readonly id: string; readonly tell: () => void }[] = []
  const beganOn = (id: string) =>
    new Promise<void>((tell) => {
      if (begun.includes(id)) tell()
      else waiting.push({ id, tell })
    })
  const loops = cluster.nodes.map((node) =>
    node.whileLeader(async ({ term, signal }) => {
      running.set(node.id, term)
      begun.push(node.id)
      for (const { id, tell } of waiting) if (id === node.id) tell()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      running.delete(node.id)
    }),
  )
  await beganOn(first.id)
  t.strictSame([...running], [[first.id, first.stats().term]])
  const next = cluster.nodes.find((node) => node !== first)
  await first.transferLeadership(next?.id)
  await beganOn(next?.id ?? '')
  await first.waitFor({ leader: next?.id ?? '' }, { timeoutMs: 5000 })
  t.strictSame([...running.keys()], [next?.id])
  await cluster.close()
  await Promise.all(loops)
  t.strictSame([...running], [])
})

t.test('a leader that is cut off aborts its task without being told', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  let reason: unknown
  const ended = new Promise<void>((resolve) => {
    void leader.whileLeader(async ({ signal }) => {
      cluster.isolate(leader.id)
      await new Promise((abort) => signal.addEventListener('abort', abort))
      reason = signal.reason
      resolve()
    })
  })
  await ended
  t.match(reason, { code: 'RAFT_LEADERSHIP_LOST' })
})

t.test(
  'a node that waits for long waits no longer once shorter timeouts are reloaded',
  async (t) => {
    const node = await RaftNode.start({
      cluster: 'test',
      id: 'n1',
      transport: memoryTransport(memoryNetwork(), 'n1'),
      store: memoryStore(),
      stateMachine: counter(),
      threads: 'compact',
      config: { heartbeatTimeoutMs: 600_000 },
    })
    t.teardown(() => node.close())
    await node.bootstrap([{ id: 'n1', address: 'n1' }])
    await node.reloadConfig({ heartbeatTimeoutMs: 50 })
    await node.waitFor({ state: 'leader' }, { timeoutMs: 5000 })
    t.match(await node.apply({ add: 1 }), { result: 1 })
  },
)

t.test(
  'followers take shorter timeouts without a vote, and use them when the leader goes',
  async (t) => {
    await using cluster = await virtualCounters({ config: { heartbeatTimeoutMs: 1000 } })
    const leader = await cluster.leader()
    const followers = cluster.nodes.filter((node) => node !== leader)
    let votes = 0
    for (const node of followers) {
      node.on('vote', () => votes++)
      await node.reloadConfig({ heartbeatTimeoutMs: 250 })
    }
    for (let i = 0; i < 10; i++) await leader.verifyLeader()
    t.equal(votes, 0)
    const next = Promise.any(followers.map((node) => node.waitFor({ state: 'leader' })))
    await cluster.stop(leader.id)
    await next
    t.ok(votes > 0)
  },
)

t.test(
  'a leader goes on in its term while it beats faster and asks for shorter leases',
  async (t) => {
    await using cluster = await virtualCounters({ config: { heartbeatTimeoutMs: 1000 } })
    const leader = await cluster.leader()
    const { term } = leader.stats()
    await leader.reloadConfig({ heartbeatTimeoutMs: 300 })
    for (const node of cluster.nodes) await node.reloadConfig({ heartbeatTimeoutMs: 300 })
    for (let i = 0; i < 20; i++) await leader.verifyLeader()
    t.match(leader.stats(), { state: 'leader', term })
  },
)

t.test(
  'R-10: a server that stays away is removed; the next one is kept, and why is logged',
  async (t) => {
    let tell: (reason: string) => void = () => {}
    const kept = new Promise<string>((resolve) => {
      tell = resolve
    })
    const logger = {
      debug() {},
      info() {},
      warn(fields: object, message: string) {
        if (message === 'a server is dead and is kept') tell((fields as { reason: string }).reason)
      },
      error() {},
    }
    const config = { heartbeatTimeoutMs: 100, leaderStallTimeoutMs: 500, deadServerGraceMs: 1000 }
    await using cluster = await virtualCounters({ nodes: 4, config, logger })
    const leader = await cluster.leader()
    const [dead, other] = cluster.nodes.filter((node) => node !== leader)
    cluster.isolate(dead?.id ?? '')
    await leader.waitFor({ configurationIndex: 2 }, { timeoutMs: 20_000 })
    const members = async () => (await leader.configuration()).servers.map(({ id }) => id)
    t.notOk((await members()).includes(dead?.id ?? ''))
    cluster.isolate(other?.id ?? '')
    t.match(await kept, /2 voters would be left, fewer than deadServerMinQuorum 3/)
    t.ok((await members()).includes(other?.id ?? ''))
  },
)
