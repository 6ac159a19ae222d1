import { Readable } from 'node:stream'
import t from 'tap'
import type { TestCluster } from '../../lib/node/testing.js'
import { counters } from './fixtures/counter-cluster.js'

/** hashicorp/raft's TestRaft_UserRestore and more: the state of the whole cluster is replaced. */

type Counters = Awaited<ReturnType<typeof counters>>
type CounterNode = Counters['nodes'][number]

const bytesOf = (total: number) => Readable.from([Buffer.from(String(total))])

async function add(node: CounterNode, times: number): Promise<number> {
  let index = 0
  for (let i = 0; i < times; i++) index = (await node.apply({ add: 1 })).index
  return index
}

async function total(node: CounterNode): Promise<number> {
  return (await node.query('total')).result.total
}

async function totals(cluster: TestCluster<never>): Promise<number[]> {
  return Promise.all(cluster.nodes.map((node) => total(node as unknown as CounterNode)))
}

for (const offset of [0, 1, 2, 100, 1000, 10_000]) {
  t.test(`a snapshot is restored with ${offset} added to its index`, async (t) => {
    await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
    const leader = await cluster.leader()
    await add(leader, 10)
    const taken = await leader.snapshot()
    const before = await add(leader, 10)
    const index = taken.index + offset
    const restored = await leader.restore({ index, size: 2 }, bytesOf(10))
    t.equal(restored.index, Math.max(before, index) + 2, 'one index burnt, then a no-op')
    t.equal(leader.stats().lastLogIndex, restored.index)
    t.equal(leader.stats().appliedIndex, restored.index, 'the no-op is applied when it resolves')
    t.same(await totals(cluster as never), [10, 10, 10], 'the state of every node')
    t.equal(await add(leader, 10), restored.index + 10, 'and it goes on')
    t.same(await totals(cluster as never), [20, 20, 20])
  })

  t.test(`a fresh cluster takes a snapshot with ${offset} added to its index`, async (t) => {
    await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
    const leader = await cluster.leader()
    const index = 15 + offset
    const restored = await leader.restore({ index }, bytesOf(10))
    t.equal(restored.index, index + 2)
    t.same(await totals(cluster as never), [10, 10, 10])
    await add(leader, 10)
    t.same(await totals(cluster as never), [20, 20, 20])
  })
}

t.test('the restored state is what every node starts with again', async (t) => {
  await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
  const leader = await cluster.leader()
  await add(leader, 5)
  await leader.restore({ index: 100 }, bytesOf(42))
  for (const id of cluster.ids) await cluster.stop(id)
  await Promise.all(cluster.ids.map((id) => cluster.start(id)))
  await cluster.leader()
  t.same(await totals(cluster as never), [42, 42, 42])
})
