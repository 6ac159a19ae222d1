import type { Surroundings } from './benchmark.js'
import { BenchCluster } from './cluster/bench-cluster.js'
import { oneOf, type SettingsOf, whole } from './flags.js'
import { gaps, round } from './statistics.js'

const flags = {
  entries: whole(20_000_000, 10, 1_000_000_000),
  size: whole(16, 0, 65_536),
  inflight: whole(4096, 1, 131_072),
  nodes: whole(3, 1, 9),
  store: oneOf('lmdb', 'wal', 'memory'),
  warmup: whole(500_000, 0, 100_000_000),
  'snapshot-interval-ms': whole(2000, 5, 86_400_000),
}

/** Does anything get slower as the log grows, with snapshots that compact it? */
async function run(
  settings: SettingsOf<typeof flags>,
  { dir, report }: Surroundings,
): Promise<void> {
  const { entries, size, inflight, nodes, store, warmup } = settings
  const config = { snapshotIntervalMs: settings['snapshot-interval-ms'] }
  const cluster = await BenchCluster.start({ nodes, store, dir, config })
  try {
    const leader = await cluster.leader()
    await leader.call('fill', { entries: warmup, size, inflight, keyed: false })
    const times = await leader.call('fill', { entries, size, inflight, keyed: false })
    const rates = [...gaps(times)].map((ms) => Math.floor(entries / 10) / (ms / 1000))
    const [first = Number.NaN, last = Number.NaN] = [rates[0], rates[9]]
    const { snapshotIndex, appliedIndex, rssMb } = await leader.call('status')
    report({
      first_tenth_ops_s: Math.round(first),
      last_tenth_ops_s: Math.round(last),
      ratio: round(last / first, 3),
      slowest_tenth_ops_s: Math.round(Math.min(...rates)),
      applied_index: appliedIndex,
      snapshot_index: snapshotIndex,
      rss_mb: rssMb,
    })
  } finally {
    await cluster.close()
  }
}

export const benchmark = { flags, run }
