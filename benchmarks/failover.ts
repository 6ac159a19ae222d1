import { now } from '../lib/runtime/clock.js'
import type { Surroundings } from './benchmark.js'
import { BenchCluster } from './cluster/bench-cluster.js'
import type { Completion } from './cluster/node-calls.js'
import { sleep } from './cluster/sleep.js'
import { amount, oneOf, type SettingsOf, whole } from './flags.js'
import { median, round } from './statistics.js'

const flags = {
  runs: whole(10, 1, 1000),
  nodes: whole(3, 3, 9),
  store: oneOf('lmdb', 'wal', 'memory'),
  size: whole(256, 0, 1_048_576),
  /** Commands a second through each surviving node, sent on to the leader. */
  rate: whole(200, 1, 10_000),
  /** Load before each kill. */
  seconds: amount(1, 0.1, 600),
  'heartbeat-timeout-ms': whole(1000, 20, 60_000),
}

/**
 * The leader's process is killed under load. Unavailable is the time from the kill until a command
 * is first applied in a later term; the killed node is started again and caught up before the next run.
 */
async function run(
  settings: SettingsOf<typeof flags>,
  { dir, report, progress }: Surroundings,
): Promise<void> {
  const { nodes, store } = settings
  const config = { heartbeatTimeoutMs: settings['heartbeat-timeout-ms'] }
  const cluster = await BenchCluster.start({ nodes, store, dir, config })
  const unavailable: number[] = []
  try {
    for (let turn = 1; turn <= settings.runs; turn++) {
      unavailable.push(await failOver(cluster, settings))
      progress(`run ${turn}: ${round(unavailable.at(-1) ?? 0, 0)} ms`)
    }
  } finally {
    await cluster.close()
  }
  report({
    unavailable_p50_ms: round(median(unavailable), 0),
    unavailable_min_ms: round(Math.min(...unavailable), 0),
    unavailable_max_ms: round(Math.max(...unavailable), 0),
  })
}

async function failOver(
  cluster: BenchCluster,
  { rate, size, seconds }: SettingsOf<typeof flags>,
): Promise<number> {
  const leader = await cluster.leader()
  const { term } = await leader.call('status')
  const survivors = await cluster.followers()
  for (const node of survivors) {
    await node.call('startSteady', { rate, size, keys: 0, forward: true })
  }
  await sleep(seconds * 1000)
  const killedAt = now()
  const killed = await cluster.killLeader()
  const successor = await cluster.leader()
  const { appliedIndex } = await successor.call('status')
  await successor.call('applied', appliedIndex + 1)
  const completions = await Promise.all(survivors.map((node) => node.call('stopSteady')))
  await cluster.startNode(killed)
  const { commitIndex } = await successor.call('status')
  await killed.call('applied', commitIndex)
  return firstAfter(completions.flat(), term) - killedAt
}

function firstAfter(completions: readonly Completion[], term: number): number {
  const later = completions.filter((completion) => completion.term > term)
  return Math.min(...later.map(({ doneAt }) => doneAt))
}

export const benchmark = { flags, run }
