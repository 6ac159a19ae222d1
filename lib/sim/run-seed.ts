import type { StateMachine } from '../fsm/state-machine.js'
import type { TraceEvent } from '../runtime/sim-host.js'
import type { ClusterTotals } from './cluster-totals.js'
import { electWithoutTheRest, loseLeaderOfPromotion } from './endings.js'
import { type Make, makeOf } from './make.js'
import { Nemesis } from './nemesis.js'
import { type Profile, type ProfileName, profileFor } from './profiles.js'
import { SimCluster } from './sim-cluster.js'
import type { ErasedSubject, Subject } from './subject.js'
import type { Troubles } from './trouble.js'
import { ConvergenceError } from './violation.js'

/** What happened in one run. */
export interface SeedReport extends ClusterTotals, Troubles {
  readonly seed: number
  readonly profile: ProfileName
  readonly nodes: number
  readonly elections: number
  readonly truncations: number
  /** Configurations that leaders have brought into force. */
  readonly configurations: number
  /** Machines that lost their state and came back as new members. */
  readonly replaced: number
  /** Times that an actor was held up between two accesses to shared memory. */
  readonly preemptions: number
  readonly events: number
}

/** One run of the simulator. */
export interface SeedOptions<
  Command = Uint8Array,
  Machine extends StateMachine<Command> = StateMachine<Command>,
> {
  readonly seed: number
  /** Which troubles there are. Default `all`: each seed has its own mix. */
  readonly profile?: ProfileName
  /** Virtual time with faults. Default 60000. */
  readonly faultsMs?: number
  /** Voters to begin with. Default: 3, 5 or 7, by the seed. */
  readonly nodes?: number
  /** Kinds of trouble, as named in `Profile`, that are left out. Default: none. */
  readonly without?: readonly (keyof Profile)[]
  /** Your own state machine beside the simulator's. */
  readonly subject?: Subject<Command, Machine>
  readonly onEvent?: (event: TraceEvent) => void
}

/** Longest virtual time that a healed cluster may need to serve again. */
const RECOVERY_MS = 60_000

/** Restarts are the nemesis' doing here and no reason to give up. */
const PATIENT = { maxRestarts: 1000, restartMaxMs: 500 }

/** Processes that are starting when the faults end have started, or failed to. */
const SETTLE_MS = 500

const SESSIONS = 2
/** S8: rare enough not to slow everything down, and now and then as long as some exchanges take. */
const PREEMPTION = { everyAccesses: 300, maxMs: 20 }

/**
 * One seed: faults for a while, then none, and the cluster must converge: a leader, equal logs, all
 * replicas at the same index, every acknowledged command applied everywhere, nothing unanswered.
 * @throws SafetyViolation or ConvergenceError
 */
export async function runSeed<Command, Machine extends StateMachine<Command>>(
  options: SeedOptions<Command, Machine>,
): Promise<SeedReport> {
  const { seed, profile: name = 'all', faultsMs = 60_000 } = options
  const profile = withoutTroubles(profileFor(name, seed), options.without ?? [])
  const drawn = makeOf(seed)
  const make = { ...drawn, nodes: options.nodes ?? drawn.nodes }
  const subject = options.subject as ErasedSubject | undefined
  const cluster = createCluster({ ...options, subject }, profile, make)
  cluster.startAll()
  const nemesis = new Nemesis(cluster, profile, make.heartbeatTimeoutMs)
  await cluster.run(faultsMs)
  nemesis.stop()
  await cluster.run(SETTLE_MS)
  await electWithoutTheRest(cluster)
  cluster.startAll()
  cluster.operator.rest()
  if (profile.changeEveryMs > 0) await loseLeaderOfPromotion(cluster)
  await converge(cluster)
  const { elections, truncations, configurations } = cluster.checks
  return {
    seed,
    profile: name,
    nodes: make.nodes,
    ...cluster.totals,
    ...nemesis.totals,
    elections,
    truncations,
    configurations,
    replaced: cluster.operator.replaced,
    preemptions: cluster.scheduler.preemptions,
    events: cluster.scheduler.fired,
  }
}

function createCluster(
  options: Omit<SeedOptions, 'subject'> & { readonly subject: ErasedSubject | undefined },
  profile: Profile,
  make: Make,
): SimCluster {
  const { seed, onEvent, subject } = options
  const { changeEveryMs, transferEveryMs, noisyNetwork, wallClockErrorMs, extremeClocks } = profile
  const { nodes, proposeEveryMs, flushMs, preempted } = make
  const keepingMachines = make.keepingMachines && subject === undefined
  return new SimCluster({
    seed,
    nodes,
    spares: changeEveryMs > 0 ? 2 : 0,
    changeEveryMs,
    config: configOf(make),
    network: networkFor(noisyNetwork),
    proposeEveryMs,
    readEveryMs: (profile.readEveryMs * nodes) / 3,
    transferEveryMs,
    sessions: SESSIONS,
    flushMs,
    // The rates of two clocks differ by less than maxClockDrift.
    clockSkew: options.profile === 'calm' ? 0 : 0.045,
    extremeClocks,
    wallClockErrorMs,
    keepingMachines,
    ...(preempted ? { preemption: PREEMPTION } : {}),
    ...(subject === undefined ? {} : { subject }),
    ...(onEvent === undefined ? {} : { onEvent }),
  })
}

function configOf(make: Make) {
  const { heartbeatTimeoutMs, heartbeatIntervalMs, leaderStallTimeoutMs } = make
  const { trailingLogEntries, leaderLeaseTimeoutMs } = make
  const timeouts = {
    heartbeatTimeoutMs,
    heartbeatIntervalMs,
    leaderLeaseTimeoutMs,
    leaderStallTimeoutMs,
    replicationStallTimeoutMs: 2000,
  }
  if (trailingLogEntries === null) return { ...PATIENT, ...timeouts }
  const snapshots = { snapshotIntervalMs: 500, snapshotThresholdEntries: 100, trailingLogEntries }
  return { ...PATIENT, ...timeouts, ...snapshots }
}

function withoutTroubles(profile: Profile, kinds: readonly (keyof Profile)[]): Profile {
  const left: Record<string, number | boolean> = { ...profile }
  for (const kind of kinds) left[kind] = typeof left[kind] === 'boolean' ? false : 0
  return left as unknown as Profile
}

function networkFor(noisy: boolean) {
  if (!noisy) return {}
  const rates = { dropRate: 0.001, duplicateRate: 0.005, reorderRate: 0.002, resetRate: 0.0005 }
  return { ...rates, maxDelayMs: 5, maxLingerMs: 50 }
}

async function converge(cluster: SimCluster): Promise<void> {
  cluster.quiesce()
  cluster.startAll()
  await cluster.run(RECOVERY_MS, () => cluster.converged)
  if (!cluster.converged) {
    throw new ConvergenceError(
      `after ${RECOVERY_MS} ms without faults: ${JSON.stringify(cluster.picture())}`,
    )
  }
  cluster.compare()
}
