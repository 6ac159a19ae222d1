import type { TraceEvent } from '../runtime/sim-host.js'
import { Nemesis, type ProfileName, profiles } from './nemesis.js'
import { type ClusterTotals, SimCluster } from './sim-cluster.js'

/** What happened in one run. */
export interface SeedReport extends ClusterTotals {
  readonly seed: number
  readonly profile: ProfileName
  readonly nodes: number
  elections: number
  partitions: number
  stalls: number
  resets: number
  events: number
}

export interface SeedOptions {
  readonly seed: number
  readonly profile: ProfileName
  /** Virtual time with faults. Default 60000. */
  readonly faultsMs?: number
  readonly onEvent?: (event: TraceEvent) => void
}

/** Longest virtual time that a healed cluster may need to serve again. */
const RECOVERY_MS = 60_000

const TIMEOUTS = {
  heartbeatTimeoutMs: 300,
  replicationStallTimeoutMs: 2000,
  leaderStallTimeoutMs: 2500,
}

/**
 * One seed: faults for a while, then none, and the cluster must converge: a leader, equal logs, all
 * replicas at the same index, every acknowledged command applied everywhere.
 * @throws SafetyViolation or ConvergenceError
 */
export async function runSeed(options: SeedOptions): Promise<SeedReport> {
  const { seed, profile } = options
  const nodes = [3, 3, 5][seed % 3] ?? 3
  const cluster = new SimCluster({
    seed,
    nodes,
    config: { ...TIMEOUTS, ...snapshotsFor(seed) },
    network: networkFor(profile),
    proposeEveryMs: 20,
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  })
  cluster.start()
  const nemesis = new Nemesis(cluster, profiles[profile])
  await cluster.run(options.faultsMs ?? 60_000)
  nemesis.stop()
  await converge(cluster)
  const { partitions, stalls, resets } = nemesis.totals
  const { elections } = cluster.checks
  const events = cluster.scheduler.fired
  return { seed, profile, nodes, ...cluster.totals, elections, partitions, stalls, resets, events }
}

/** Every third seed takes snapshots often and keeps little of the log, so that followers need them. */
function snapshotsFor(seed: number) {
  if (seed % 3 !== 0) return {}
  return { snapshotIntervalMs: 500, snapshotThresholdEntries: 100, trailingLogEntries: 20 }
}

function networkFor(profile: ProfileName) {
  if (profile !== 'mixed' && profile !== 'network') return {}
  const rates = { dropRate: 0.001, duplicateRate: 0.005, reorderRate: 0.002, resetRate: 0.0005 }
  return { ...rates, maxDelayMs: 5, maxLingerMs: 50 }
}

/** A livelock or a replica that stays behind. */
export class ConvergenceError extends Error {}

async function converge(cluster: SimCluster): Promise<void> {
  cluster.quiesce()
  await cluster.run(RECOVERY_MS, () => cluster.converged)
  if (cluster.converged) return
  throw new ConvergenceError(
    `after ${RECOVERY_MS} ms without faults: ${JSON.stringify(cluster.picture())}`,
  )
}
