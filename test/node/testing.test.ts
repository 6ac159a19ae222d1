import t from 'tap'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { busy } from '../integration/support/leftovers.js'
import { errorOf, fateOf } from './fixtures/callers.js'
import { counter, counters } from './fixtures/counter-cluster.js'

/** What programs that embed a node can do with a cluster in their tests. */

t.test(
  'five nodes in one process elect a leader and apply what any of them is given',
  async (t) => {
    await using cluster = await counters({ nodes: 5 })
    t.same(cluster.ids, ['n1', 'n2', 'n3', 'n4', 'n5'])
    await Promise.all(cluster.nodes.map((node) => node.apply({ add: 1 }, { forward: true })))
    for (const node of cluster.nodes) t.match(await node.query('total'), { result: { total: 5 } })
  },
)

t.test(
  'a leader that is cut off is followed by another, and follows it once it is back',
  async (t) => {
    await using cluster = await counters()
    const old = await cluster.leader()
    await old.apply({ add: 1 })
    cluster.isolate(old.id)
    const cutOff = errorOf(old.apply({ add: 10 }))
    const others = cluster.nodes.filter((node) => node !== old)
    await Promise.any(
      others.map((node) => node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })),
    )
    t.match(await others[0]?.apply({ add: 100 }, { forward: true }), { result: 101 })
    t.match(await cutOff, { outcome: 'unknown' })
    t.match(await errorOf(old.query('total', { timeoutMs: 200 })), { code: /RAFT_/ })
    cluster.heal()
    const { index } = (await others[0]?.apply({ add: 1000 }, { forward: true })) ?? { index: 0 }
    const answer = await old.query('total', { consistency: 'stale', minIndex: index })
    t.match(answer, { result: { total: 1101 } }, 'what was never committed is gone')
  },
)

t.test('a node that was stopped starts again on what its memory disk holds', async (t) => {
  await using cluster = await counters()
  for (const id of cluster.ids) {
    await cluster.leader()
    await cluster.stop(id)
    t.equal(cluster.nodes.length, 2)
    t.throws(() => cluster.node(id), { code: 'RAFT_UNKNOWN_SERVER' })
    await addOne(await cluster.leader())
    await cluster.start(id)
  }
  await Promise.all(cluster.ids.map((id) => cluster.stop(id)))
  await Promise.all(cluster.ids.map((id) => cluster.start(id)))
  const leader = await cluster.leader()
  t.match(await leader.query('total'), { result: { total: 3 } })
})

/** A leader may have changed just now. */
async function addOne(leader: RaftNode): Promise<void> {
  await leader.apply({ add: 1 }, { forward: true })
}

t.test(
  'a cluster whose state machine cannot be made does not start, and leaves nothing',
  async (t) => {
    const before = await busy()
    const starting = counters({
      stateMachine: (id) => {
        if (id === 'n3') throw new RangeError('no third machine')
        return counter()
      },
    })
    await t.rejects(starting, { message: 'no third machine' })
    t.same(await busy(before), before)
  },
)

t.test('closing a cluster closes its nodes and their network', async (t) => {
  const cluster = await counters()
  const { nodes } = cluster
  await cluster.close()
  for (const node of nodes) {
    t.equal(node.state, 'closed')
    t.equal(await fateOf(node.apply({ add: 1 })), 'RAFT_CLOSED rejected')
  }
  t.same(cluster.nodes, [])
})
