import { now } from '../lib/runtime/clock.js'
import type { Surroundings } from './benchmark.js'
import { BenchCluster, type ClusterOptions, setupOf } from './cluster/bench-cluster.js'
import { freePorts } from './cluster/free-ports.js'
import type { Completion } from './cluster/node-calls.js'
import { NodeProcess } from './cluster/node-process.js'
import { sleep } from './cluster/sleep.js'
import { amount, oneOf, type SettingsOf, whole } from './flags.js'
import { quantile, round } from './statistics.js'

const flags = {
  entries: whole(1_000_000, 1, 99_999_999),
  size: whole(100, 8, 65_536),
  nodes: whole(3, 1, 9),
  store: oneOf('lmdb', 'wal', 'memory'),
  /** Commands a second while the snapshot is written, each to one of the entries. */
  rate: whole(2000, 1, 100_000),
  /** Load before the snapshot. */
  seconds: amount(5, 0.1, 600),
}

/**
 * A state of so many entries: how fast its snapshot is written, what that does to the latency of the load
 * meanwhile, and how fast a new member gets and restores it.
 */
async function run(
  settings: SettingsOf<typeof flags>,
  { dir, report, progress }: Surroundings,
): Promise<void> {
  const { entries, size, nodes, store, rate, seconds } = settings
  const options: ClusterOptions = { nodes, store, dir, machine: 'ordered-table', config }
  const cluster = await BenchCluster.start(options)
  try {
    const leader = await cluster.leader()
    await leader.call('fill', { entries, size, inflight: 1024, keyed: true })
    progress(`${entries} entries are in`)
    await leader.call('startSteady', { rate, size, keys: entries, forward: false })
    await sleep(seconds * 1000)
    const begin = now()
    const { bytes, ms } = await leader.call('snapshot')
    const end = now()
    const completions = await leader.call('stopSteady')
    progress('the snapshot is written')
    const installMs = await install(leader, options)
    report({
      snapshot_mb: round(bytes / 1e6, 1),
      write_mb_s: round(bytes / 1e3 / ms, 1),
      apply_p99_ms_before: p99(completions, begin - seconds * 1000, begin),
      apply_p99_ms_during: p99(completions, begin, end),
      install_mb_s: round(bytes / 1e3 / installMs, 1),
    })
  } finally {
    await cluster.close()
  }
}

/** No snapshot but the one that is asked for, and little of the log kept behind it. */
const config = {
  snapshotThresholdEntries: Number.MAX_SAFE_INTEGER,
  trailingLogEntries: 1000,
  requestTimeoutMs: 60_000,
}

/** From the adding of a new member until it has applied what the leader had. */
async function install(leader: NodeProcess, options: ClusterOptions): Promise<number> {
  const [port] = await freePorts(1)
  const member = { id: 'joiner', address: `127.0.0.1:${port}` }
  const joiner = new NodeProcess(setupOf(member, [], options))
  await joiner.start(() => {})
  try {
    const { appliedIndex } = await leader.call('status')
    const begin = now()
    await leader.call('addNonvoter', member)
    await joiner.call('applied', appliedIndex)
    return now() - begin
  } finally {
    await joiner.close()
  }
}

/** Of the commands that were sent in that time. */
function p99(completions: readonly Completion[], from: number, to: number): number {
  const latencies = completions
    .filter(({ sentAt }) => sentAt >= from && sentAt < to)
    .map(({ sentAt, doneAt }) => doneAt - sentAt)
  return round(quantile(Float64Array.from(latencies).sort(), 0.99), 2)
}

export const benchmark = { flags, run }
