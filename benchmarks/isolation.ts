import type { Surroundings } from './benchmark.js'
import { BenchCluster } from './cluster/bench-cluster.js'
import type { Completion } from './cluster/node-calls.js'
import type { NodeProcess } from './cluster/node-process.js'
import { sleep } from './cluster/sleep.js'
import { amount, oneOf, type SettingsOf, whole } from './flags.js'
import { gaps, quantile, round } from './statistics.js'

const flags = {
  'stall-ms': whole(3000, 10, 60_000),
  actor: oneOf('log', 'fsm', 'main'),
  node: oneOf('leader', 'follower'),
  nodes: whole(3, 2, 9),
  size: whole(256, 0, 1_048_576),
  /** Commands a second, whatever becomes of those before. */
  rate: whole(1000, 1, 100_000),
  /** Load before and after the stall. */
  seconds: amount(3, 0.1, 600),
  'heartbeat-timeout-ms': whole(1000, 20, 60_000),
}

/**
 * One thread of one node hangs under load: do followers still hear heartbeats, is there an election, and
 * what is committed meanwhile? Heartbeats are counted where they arrive, at the followers' inbound actors.
 */
async function run(
  settings: SettingsOf<typeof flags>,
  { dir, report }: Surroundings,
): Promise<void> {
  const { nodes, rate, size, seconds } = settings
  const config = { heartbeatTimeoutMs: settings['heartbeat-timeout-ms'] }
  const cluster = await BenchCluster.start({ nodes, dir, stallable: true, config })
  try {
    const leader = await cluster.leader()
    const followers = await cluster.followers()
    const stalled = settings.node === 'leader' ? leader : (followers[0] ?? leader)
    await leader.call('startSteady', { rate, size, keys: 0, forward: false })
    await sleep(seconds * 1000)
    const before = await positions(cluster.nodes)
    for (const follower of followers) await follower.call('heartbeats')
    const begin = await stalled.call('stall', { actor: settings.actor, ms: settings['stall-ms'] })
    await sleep(settings['stall-ms'])
    // A main thread that hangs answers once it is over.
    const during = await positions(cluster.nodes)
    await sleep(seconds * 1000)
    const completions = await leader.call('stopSteady')
    const heartbeats = await heartbeatGaps(followers)
    const after = await positions(cluster.nodes)
    report({
      elections: after.term - before.term,
      campaigns: after.campaigns - before.campaigns,
      heartbeat_gap_p99_ms: round(quantile(heartbeats, 0.99), 1),
      heartbeat_gap_max_ms: round(quantile(heartbeats, 1), 1),
      committed_during_stall: within(completions, begin, settings['stall-ms']),
      commit_index_during_stall: during.commitIndex - before.commitIndex,
      sent_during_stall: Math.round((rate * settings['stall-ms']) / 1000),
    })
  } finally {
    await cluster.close()
  }
}

/** The newest that any node knows, and how often any has asked for votes. */
async function positions(nodes: readonly NodeProcess[]) {
  const all = await Promise.all(nodes.map((node) => node.call('status')))
  return {
    term: Math.max(...all.map(({ term }) => term)),
    commitIndex: Math.max(...all.map(({ commitIndex }) => commitIndex)),
    campaigns: all.reduce((sum, { campaigns }) => sum + campaigns, 0),
  }
}

/** Of all followers, from the stall on, in order of length. */
async function heartbeatGaps(followers: readonly NodeProcess[]): Promise<Float64Array> {
  const times = await Promise.all(followers.map((node) => node.call('heartbeats')))
  const all = times.flatMap((arrivals) => [...gaps(arrivals)])
  return Float64Array.from(all).sort()
}

/** Commands that were both applied and answered while the thread hung. */
function within(completions: readonly Completion[], begin: number, ms: number): number {
  return completions.filter(({ doneAt }) => doneAt >= begin && doneAt < begin + ms).length
}

export const benchmark = { flags, run }
