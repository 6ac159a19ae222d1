import type { TraceEvent } from '../runtime/sim-host.js'
import type { ClusterTotals } from './cluster-totals.js'
import { Nemesis } from './nemesis.js'
import { type ProfileName, profileFor } from './profiles.js'
import { SimCluster } from './sim-cluster.js'
import { ConvergenceError } from './violation.js'

/** What happened in one run. */
export interface SeedReport extends ClusterTotals {
  readonly seed: number
  readonly profile: ProfileName
  readonly nodes: number
  readonly elections: number
  readonly truncations: number
  readonly configurations: number
  /** Machines that lost their state and came back as new members. */
  readonly replaced: number
  readonly ruins: number
  readonly machineFaults: number
  readonly outages: number
  readonly partitions: number
  readonly isolations: number
  readonly resets: number
  readonly stalls: number
  readonly pauses: number
  readonly actorFailures: number
  readonly fullDisks: number
  readonly flushErrors: number
  readonly events: number
}

/** One run of the simulator. */
export interface SeedOptions {
  readonly seed: number
  readonly profile: ProfileName
  /** Virtual time with faults. Default 60000. */
  readonly faultsMs?: number
  readonly onEvent?: (event: TraceEvent) => void
}

/** Longest virtual time that a healed cluster may need to serve again. */
const RECOVERY_MS = 60_000

/** Restarts are the nemesis' doing here and no reason to give up. */
const PATIENT = { maxRestarts: 1000, restartMaxMs: 500 }

/**
 * One seed: faults for a while, then none, and the cluster must converge: a leader, equal logs, all
 * replicas at the same index, every acknowledged command applied everywhere.
 * @throws SafetyViolation or ConvergenceError
 */
export async function runSeed(options: SeedOptions): Promise<SeedReport> {
  const { seed } = options
  const profile = profileFor(options.profile, seed)
  const nodes = [3, 5, 3, 3, 7, 3, 5][seed % 7] ?? 3
  const cluster = new SimCluster({
    seed,
    nodes,
    spares: profile.changeEveryMs > 0 ? 2 : 0,
    changeEveryMs: profile.changeEveryMs,
    config: { ...PATIENT, ...timeoutsFor(seed), ...snapshotsFor(seed) },
    network: networkFor(profile.noisyNetwork),
    proposeEveryMs: seed % 4 === 0 ? 12 : 40,
    readEveryMs: (profile.readEveryMs * nodes) / 3,
    transferEveryMs: profile.transferEveryMs,
    // A flush is slower than a message or faster, so that either may lose the race.
    flushMs: [0.1, 1, 5][seed % 3] ?? 1,
    // The rates of two clocks differ by less than maxClockDrift.
    clockSkew: options.profile === 'calm' ? 0 : 0.045,
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  })
  cluster.start()
  const nemesis = new Nemesis(cluster, profile)
  await cluster.run(options.faultsMs ?? 60_000)
  nemesis.stop()
  await converge(cluster)
  const { elections, truncations, configurations } = cluster.checks
  const { replaced } = cluster.operator
  const { cuts: _, slowLinks: __, ...troubles } = nemesis.totals
  const events = cluster.scheduler.fired
  const counts = {
    ...cluster.totals,
    elections,
    truncations,
    configurations,
    replaced,
    ...troubles,
    events,
  }
  return { seed, profile: options.profile, nodes, ...counts }
}

function timeoutsFor(seed: number) {
  const heartbeatTimeoutMs = seed % 2 === 0 ? 400 : 200
  const leaderStallTimeoutMs = seed % 5 === 0 ? 600 : 2500
  return { heartbeatTimeoutMs, leaderStallTimeoutMs, replicationStallTimeoutMs: 2000 }
}

/** Two of three seeds take snapshots often; one keeps so little of the log that followers need them. */
function snapshotsFor(seed: number) {
  if (seed % 3 === 1) return {}
  const trailingLogEntries = seed % 3 === 0 ? 20 : 200
  const snapshotChunkBytes = 4096
  return {
    snapshotIntervalMs: 500,
    snapshotThresholdEntries: 100,
    trailingLogEntries,
    snapshotChunkBytes,
  }
}

function networkFor(noisy: boolean) {
  if (!noisy) return {}
  const rates = { dropRate: 0.001, duplicateRate: 0.005, reorderRate: 0.002, resetRate: 0.0005 }
  return { ...rates, maxDelayMs: 5, maxLingerMs: 50 }
}

async function converge(cluster: SimCluster): Promise<void> {
  cluster.quiesce()
  cluster.operator.rest()
  await cluster.run(RECOVERY_MS, () => cluster.converged)
  if (!cluster.converged) {
    throw new ConvergenceError(
      `after ${RECOVERY_MS} ms without faults: ${JSON.stringify(cluster.picture())}`,
    )
  }
  cluster.compare()
}
