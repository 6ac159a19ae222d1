import { Counter, Registry } from 'prom-client'
import t from 'tap'
import { metrics } from '../../lib/kv/metric-list.js'
import { troupeMetrics } from '../../lib/kv/prometheus.js'
import { counters } from '../node/fixtures/counter-cluster.js'

/** The lines of one metric. */
function linesOf(text: string, name: string): readonly string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`))
}

t.test('the nodes of one process share a registry, told apart by their labels', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  await leader.apply({ add: 1 })
  const registry = new Registry()
  for (const node of cluster.nodes) troupeMetrics(node, { registry, labels: { zone: 'a' } })
  troupeMetrics(leader, { registry, labels: { zone: 'a' } })
  const text = await registry.metrics()
  const labels = `zone="a",cluster="${leader.stats().cluster}",node="${leader.id}"`
  t.ok(text.includes(`troupe_state{${labels},state="leader"} 1`))
  t.equal(linesOf(text, 'troupe_term').length, 3, 'the same node twice is once')
  t.ok(text.includes(`troupe_commands_proposed_total{${labels}} 1`))
  t.ok(text.includes('# HELP troupe_stage_seconds From the apply'))
  t.ok(text.includes(`troupe_stage_seconds_bucket{${labels},stage="applied",le="+Inf"} 1`))
  t.ok(text.includes(`troupe_stage_seconds_count{${labels},stage="applied"} 1`))
})

t.test('buckets grow, end in all of them, and have edges in seconds', async (t) => {
  await using cluster = await counters({ nodes: 1 })
  const node = await cluster.leader()
  for (let i = 0; i < 3; i++) await node.apply({ add: 1 })
  const registry = new Registry()
  troupeMetrics(node, { registry, prefix: 'app_raft_' })
  const lines = linesOf(await registry.metrics(), 'app_raft_log_flush_seconds_bucket')
  const counts = lines.map((line) => Number(line.split(' ').at(-1)))
  t.strictSame(
    counts,
    [...counts].sort((a, b) => a - b),
  )
  const edges = lines.map((line) => /le="([^"]+)"/.exec(line)?.[1])
  t.strictSame(edges.slice(0, 2), ['0.00003125', '0.0000625'].map(Number).map(String))
  t.strictSame(edges.slice(-2), ['65.536', '+Inf'])
  t.equal(counts.at(-1), node.stats().log.flushes)
})

t.test('a node that has closed takes its metrics with it, the last one all of them', async (t) => {
  await using cluster = await counters({ nodes: 1 })
  const node = await cluster.leader()
  const registry = new Registry()
  troupeMetrics(node, { registry })
  t.equal(registry.getMetricsAsArray().length, metrics.length)
  await node.close()
  t.equal(registry.getMetricsAsArray().length, 0)
  const release = troupeMetrics(node, { registry })
  release()
  t.equal(registry.getMetricsAsArray().length, 0, 'and may be released by hand')
})

t.test('labels that are those of another node, or have other names, are refused', async (t) => {
  await using cluster = await counters()
  const [first, second] = cluster.nodes
  if (first === undefined || second === undefined) return t.fail('three nodes')
  const registry = new Registry()
  troupeMetrics(first, { registry })
  const twin = { stats: () => first.stats(), closed: first.closed }
  t.throws(() => troupeMetrics(twin, { registry }), { code: 'RAFT_CONFIG_INVALID' })
  const labels = { zone: 'a' }
  t.throws(() => troupeMetrics(second, { registry, labels }), { code: 'RAFT_CONFIG_INVALID' })
  t.throws(() => troupeMetrics(second, { registry, prefix: '1_' }), { code: 'RAFT_CONFIG_INVALID' })
  t.equal(registry.getMetricsAsArray().length, metrics.length)
})

t.test('a name that something else has is left to it', async (t) => {
  await using cluster = await counters({ nodes: 1 })
  const node = await cluster.leader()
  const registry = new Registry()
  new Counter({ name: 'troupe_queries_total', help: 'mine', registers: [registry] })
  t.throws(() => troupeMetrics(node, { registry }), /already been registered/)
  t.strictSame(
    registry.getMetricsAsArray().map(({ name }) => name),
    ['troupe_queries_total'],
  )
})

t.test(
  'names are those of the conventions: seconds and bytes, and counters end in _total',
  async (t) => {
    const names = metrics.map(({ name }) => name)
    t.equal(new Set(names).size, names.length)
    for (const { name, kind, help } of metrics) {
      t.match(name, /^[a-z][a-z_]*[a-z]$/)
      t.equal(name.endsWith('_total'), kind === 'counter', name)
      t.notMatch(name, /_ms(_|$)/)
      t.ok(help.length > 0)
    }
  },
)
