import { Readable } from 'node:stream'
import t from 'tap'
import type { TestCluster } from '../../lib/node/testing.js'
import { fateOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

/** Restores that are refused, broken off, or meet something else. */

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
