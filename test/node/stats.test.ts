import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { errorOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

t.test(
  'a leader tells how long its batches take to each stage, and what its actors do',
  async (t) => {
    await using cluster = await counters()
    const leader = await cluster.leader()
    for (let i = 0; i < 5; i++) await leader.apply({ add: 1 })
    const { stages, batchEntries, log, stateMachine, replication, actors } = leader.stats()
    for (const stage of ['proposed', 'replicated', 'committed', 'applied'] as const) {
      t.equal(stages[stage].count, 5, `${stage}, once a batch`)
      t.ok(stages[stage].p99Ms <= stages[stage].maxMs)
    }
    t.ok(stages.applied.maxMs >= stages.committed.p50Ms)
    t.ok(stages.applied.totalMs >= stages.committed.totalMs)
    t.ok(stages.committed.totalMs >= stages.proposed.totalMs)
    t.equal(batchEntries.total, 5)
    t.ok(log.flushes >= 5 && log.flush.count === log.flushes, 'every acknowledgement was flushed')
    t.ok(log.appendedEntries >= 6 && log.appendedBytes > 0)
    t.ok(stateMachine.appliedEntries >= 5 && stateMachine.apply.count > 0)
    t.strictSame(replication.map(({ peer }) => peer).sort(), othersOf(cluster, leader.id))
    for (const { entries, append, heartbeat } of replication) {
      t.ok(entries >= 5 && append.count > 0 && heartbeat.count > 0)
    }
    const consensus = actors.find(({ name }) => name === 'consensus')
    t.ok(consensus && consensus.busyShare > 0 && consensus.busyShare <= 1)
    t.ok(consensus && consensus.messagesPerTurn > 0)
  },
)

t.test('a follower tells what came in, and times no proposals', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const { index } = await leader.apply({ add: 1 })
  const follower = cluster.nodes.find((node) => node !== leader)
  await follower?.waitFor({ applied: index }, { timeoutMs: 5000 })
  const stats = follower?.stats()
  t.match(stats, { roles: { leader: 0 }, stages: { applied: { count: 0, p99Ms: 0 } } })
  t.ok(stats && stats.inbound.entries > 0 && stats.inbound.bytes > 0)
  t.ok(stats && stats.inbound.heartbeats > 0 && stats.inbound.connections > 0)
  t.equal(leader.stats().elections.won, 1)
})

t.test('stats are plain data: they cross threads and JSON unchanged', async (t) => {
  await using cluster = await counters()
  const stats = (await cluster.leader()).stats()
  t.ok(isDeepStrictEqual(structuredClone(stats), stats))
  t.ok(isDeepStrictEqual(JSON.parse(JSON.stringify(stats)), stats))
})

t.test('a failed command is counted', async (t) => {
  await using cluster = await counters({
    config: { maxEntryBytes: 1000, requestTimeoutMs: 60_000 },
  })
  const leader = await cluster.leader()
  const others = cluster.nodes.filter((node) => node !== leader)
  await Promise.all(others.map((node) => node.close()))
  const lost = leader.apply({ add: 1 })
  t.equal((await errorOf(lost)).outcome, 'unknown')
  t.equal(leader.stats().failedEntries, 1)
  t.equal(leader.stats().stages.committed.count, 0)
})

function othersOf(cluster: { nodes: readonly { id: string }[] }, id: string): string[] {
  return cluster.nodes.map((node) => node.id).filter((other) => other !== id)
}
