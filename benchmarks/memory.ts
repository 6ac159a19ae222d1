import type { Surroundings } from './benchmark.js'
import { BenchCluster } from './cluster/bench-cluster.js'
import type { NodeProcess } from './cluster/node-process.js'
import { type ResidentMemory, residentMemory } from './cluster/resident-memory.js'
import { sleep } from './cluster/sleep.js'
import { amount, oneOf, type SettingsOf, whole } from './flags.js'

const flags = {
  /** Full load with one follower stopped. */
  seconds: amount(60, 0.1, 3600),
  /** Of doing nothing but heartbeats before that. */
  'idle-seconds': amount(10, 0.1, 3600),
  nodes: whole(3, 3, 9),
  inflight: whole(1024, 1, 131_072),
  size: whole(256, 0, 1_048_576),
  store: oneOf('lmdb', 'wal', 'memory'),
}

const SAMPLE_MS = 500

/**
 * Resident memory of a node that does nothing, and the most of a leader under full load one of whose
 * followers is stopped (SIGSTOP) all the while: what it is not sent has to stay within the limits.
 */
async function run(
  settings: SettingsOf<typeof flags>,
  { dir, report, progress }: Surroundings,
): Promise<void> {
  const { nodes, store, inflight, size, seconds } = settings
  const cluster = await BenchCluster.start({ nodes, store, dir })
  try {
    const leader = await cluster.leader()
    const [stopped] = await cluster.followers()
    if (stopped === undefined) throw new Error('a cluster of three has followers')
    await sleep(settings['idle-seconds'] * 1000)
    const idle = await residentMemory(leader.pid)
    progress(`idle: ${idle.rssMb} MB`)
    stopped.signal('SIGSTOP')
    const peak = await peakDuring(leader, () =>
      leader.call('load', { inflight, size, seconds, warmUpSeconds: 0 }),
    )
    stopped.signal('SIGCONT')
    report({
      idle_rss_mb: idle.rssMb,
      idle_anonymous_mb: idle.anonymousMb,
      loaded_rss_mb: peak.most.rssMb,
      loaded_anonymous_mb: peak.most.anonymousMb,
      loaded_shared_mb: peak.most.sharedMb,
      loaded_mapped_files_mb: peak.most.mappedFilesMb,
      ops_s: peak.result.ops_s,
    })
  } finally {
    await cluster.close()
  }
}

/** The sample with the largest resident memory while `work` goes on. */
async function peakDuring<T>(
  node: NodeProcess,
  work: () => Promise<T>,
): Promise<{ readonly most: ResidentMemory; readonly result: T }> {
  let most = await residentMemory(node.pid)
  let ended = false
  const running = work().finally(() => {
    ended = true
  })
  while (!ended) {
    const sample = await residentMemory(node.pid)
    if (sample.rssMb > most.rssMb) most = sample
    await Promise.race([sleep(SAMPLE_MS), running.catch(() => {})])
  }
  return { most, result: await running }
}

export const benchmark = { flags, run }
