import { Readable } from 'node:stream'
import t from 'tap'
import type { TestCluster } from '../../lib/node/testing.js'
import { fateOf } from './fixtures/callers.js'
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

t.test('who does not lead refuses to restore', async (t) => {
  await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
  const leader = await cluster.leader()
  const follower = cluster.nodes.find((node) => node !== leader) as CounterNode
  await follower.waitFor({ leader: true })
  t.equal(await fateOf(follower.restore({ index: 5 }, bytesOf(1))), 'RAFT_NOT_LEADER rejected')
})

const wrong = {
  'a short read': { meta: { index: 9, size: 3 }, source: bytesOf(10), message: /short read/ },
  'a source that is too long': {
    meta: { index: 9, size: 1 },
    source: bytesOf(10),
    message: /too long/,
  },
  'a source that breaks': {
    meta: { index: 9 },
    source: (async function* () {
      yield Buffer.from('1')
      throw new Error('the line went dead')
    })(),
    message: /broke off after 1 bytes: the line went dead/,
  },
  'a source of something else': {
    meta: { index: 9 },
    source: Readable.from(['text']),
    message: /a string in the place of bytes/,
  },
}

for (const [what, { meta, source, message }] of Object.entries(wrong)) {
  t.test(`${what} changes nothing`, async (t) => {
    await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
    const leader = await cluster.leader()
    const last = await add(leader, 3)
    const error = await leader.restore(meta, source as never).catch((failed: unknown) => failed)
    t.match(error, { code: 'RAFT_CORRUPT', outcome: 'rejected', message })
    t.equal(await add(leader, 1), last + 1)
    t.same(await totals(cluster as never), [4, 4, 4])
    await leader.restore({ index: 9 }, bytesOf(7))
    t.same(await totals(cluster as never), [7, 7, 7], 'and the next one succeeds')
  })
}

t.test('what is pending ends with an unknown outcome, later commands come after it', async (t) => {
  await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
  const leader = await cluster.leader()
  await add(leader, 1)
  const others = cluster.nodes.filter((node) => node !== leader)
  for (const other of others) cluster.network.isolate(other.address)
  const pending = fateOf(leader.apply({ add: 1 }))
  const restored = leader.restore({ index: 1 }, bytesOf(70))
  t.equal(await pending, 'RAFT_ABORTED_BY_RESTORE unknown')
  cluster.heal()
  await restored
  t.same(await totals(cluster as never), [70, 70, 70])
})

t.test('an aborted restore, and one beside another, change nothing', async (t) => {
  await using cluster = await counters({ config: { heartbeatTimeoutMs: 500 } })
  const leader = await cluster.leader()
  await add(leader, 2)
  const aborted = new AbortController()
  let asked = (): void => {}
  const begun = new Promise<void>((resolve) => {
    asked = resolve
  })
  const endless = (async function* () {
    yield Buffer.from('1')
    asked()
    await new Promise(() => {})
  })()
  const { signal } = aborted
  const first = fateOf(leader.restore({ index: 5 }, endless, { signal }))
  await begun
  t.equal(
    await fateOf(leader.restore({ index: 5 }, bytesOf(8))),
    'RAFT_SNAPSHOT_IN_PROGRESS rejected',
  )
  aborted.abort()
  t.equal(await first, 'RAFT_ABORTED rejected')
  await add(leader, 1)
  t.same(await totals(cluster as never), [3, 3, 3])
  await leader.restore({ index: 5 }, bytesOf(8))
  t.same(await totals(cluster as never), [8, 8, 8])
})
