import type { ConsensusFigures } from '../../actors/consensus/figures.js'
import type { FsmFigures } from '../../actors/fsm/figures.js'
import type { InboundFigures } from '../../actors/inbound/figures.js'
import type { LogFigures } from '../../actors/log/figures.js'
import type { ReplicatorFigures } from '../../actors/replicator/figures.js'
import type { ActorStats } from '../runtime/actor.js'
import { actorFigures } from './actor-figures.js'
import { sizeFigures, timeFigures } from './distributions.js'
import type { NodeSide } from './node-side.js'
import { stalenessMs } from './reader.js'
import { RecentPast } from './recent-past.js'
import type { StageClock } from './stage-clock.js'
import { STAGES, type Stage } from './stages.js'
import type {
  LogActorFigures,
  NodeFigures,
  ReplicationFigures,
  StateMachineFigures,
  TimeFigures,
} from './stats-types.js'
import type { NodeState, NodeStats } from './types.js'

/** What the actors have written into shared memory, read just now. */
export interface TroupeFigures {
  readonly log: LogFigures
  readonly fsm: FsmFigures
  readonly inbound: InboundFigures
  readonly consensus: ConsensusFigures
  /** By peer. */
  readonly replicators: ReadonlyMap<string, ReplicatorFigures>
  readonly actors: readonly ActorStats[]
}

export interface StatsSource {
  readonly cluster: string
  readonly address: string
  readonly state: NodeState
  readonly deadLetters: number
  readonly figures: TroupeFigures
}

/** Everything cumulative of one moment, as the next ones are compared with it. */
interface Reading extends TroupeFigures {
  readonly stages: ReturnType<StageClock['counts']>
}

/**
 * `node.stats()`. Nothing is gathered unless somebody asks: actors count in shared memory, each batch is timed
 * on this side (stage-clock.ts), events are counted as they pass (event-counts.ts).
 */
export class NodeStatistics {
  readonly #side: NodeSide
  readonly #startedAt: number
  #past: RecentPast<Reading | null>

  constructor(side: NodeSide) {
    this.#side = side
    this.#startedAt = side.now()
    this.#past = new RecentPast<Reading | null>(this.#startedAt, null)
  }

  read(source: StatsSource): NodeStats {
    const now = this.#side.now()
    const reading: Reading = { ...source.figures, stages: this.#side.stages.counts() }
    const past = this.#past.before(now, reading)
    return {
      ...position(this.#side, source),
      ...this.#side.counts.totals(),
      ...figuresOf(reading, past.value, now - past.at),
      uptimeMs: now - this.#startedAt,
      actorRestarts: this.#side.actorRestarts,
    }
  }
}

/** Where the node stands. */
function position(side: NodeSide, source: StatsSource) {
  const { view, proposer, budget } = side
  const { status } = view
  const { servers } = status.configuration.configuration
  const voters = servers.filter(({ suffrage }) => suffrage === 'voter').length
  return {
    id: view.id,
    cluster: source.cluster,
    address: source.address,
    state: source.state,
    term: status.term,
    leader: status.leader,
    ready: status.ready,
    commitIndex: status.commitIndex,
    appliedIndex: status.lastApplied,
    lastLogIndex: status.lastLogIndex,
    lastLogTerm: status.lastLogTerm,
    flushedIndex: status.flushedIndex,
    snapshotIndex: status.snapshotIndex,
    snapshotTerm: status.snapshotTerm,
    configurationIndex: status.configuration.index,
    committedConfigurationIndex: status.committedConfigurationIndex,
    servers,
    voters,
    nonvoters: servers.length - voters,
    lastContactMs: stalenessMs(view, side.now()),
    pendingEntries: budget.entries,
    pendingBytes: budget.bytes,
    pendingReads: side.reader.pending,
    proposedBatches: proposer.batches,
    proposedEntries: proposer.entries,
    forwardedRequests: side.peers.count,
    applyLagBytes: status.applyLagBytes,
    leaderChanges: side.leaderChanges,
    loopDelayMs: status.loopDelayMs,
    refusedForLoad: side.refusedForLoad,
    timeouts: side.timeouts,
    deadLetters: source.deadLetters,
    features: status.features,
  }
}

type Counted = Omit<
  NodeFigures,
  keyof ReturnType<NodeSide['counts']['totals']> | 'uptimeMs' | 'actorRestarts'
>

function figuresOf(now: Reading, before: Reading | null, recentMs: number): Counted {
  return {
    recentMs,
    stages: stageFigures(now, before),
    batchEntries: sizeFigures(now.stages.entries, before?.stages.entries),
    batchBytes: sizeFigures(now.stages.bytes, before?.stages.bytes),
    failedEntries: now.stages.failedEntries,
    log: logFigures(now.log, before?.log),
    stateMachine: fsmFigures(now.fsm, before?.fsm),
    inbound: now.inbound.numbers,
    replication: [...now.replicators].map(([peer, figures]) =>
      replicationFigures(peer, figures, before?.replicators.get(peer)),
    ),
    loopDelay: timeFigures(
      now.consensus.histograms.loopDelayMs,
      before?.consensus.histograms.loopDelayMs,
    ),
    actors: actorFigures(now.actors, before?.actors ?? [], recentMs),
  }
}

function stageFigures(now: Reading, before: Reading | null): Record<Stage, TimeFigures> {
  const figures = STAGES.map((stage) => {
    return [stage, timeFigures(now.stages.stages[stage], before?.stages.stages[stage])]
  })
  return Object.fromEntries(figures) as Record<Stage, TimeFigures>
}

function logFigures(now: LogFigures, before: LogFigures | undefined): LogActorFigures {
  const { flushMs, flushBatches, flushBytes, hardStateMs } = now.histograms
  return {
    ...now.numbers,
    flush: timeFigures(flushMs, before?.histograms.flushMs),
    flushBatches: sizeFigures(flushBatches, before?.histograms.flushBatches),
    flushBytes: sizeFigures(flushBytes, before?.histograms.flushBytes),
    hardState: timeFigures(hardStateMs, before?.histograms.hardStateMs),
  }
}

function fsmFigures(now: FsmFigures, before: FsmFigures | undefined): StateMachineFigures {
  const { applyMs, applyEntries, queryMs, snapshotMs, restoreMs } = now.histograms
  return {
    ...now.numbers,
    apply: timeFigures(applyMs, before?.histograms.applyMs),
    applyEntries: sizeFigures(applyEntries, before?.histograms.applyEntries),
    query: timeFigures(queryMs, before?.histograms.queryMs),
    snapshot: timeFigures(snapshotMs, before?.histograms.snapshotMs),
    restore: timeFigures(restoreMs, before?.histograms.restoreMs),
  }
}

function replicationFigures(
  peer: string,
  now: ReplicatorFigures,
  before: ReplicatorFigures | undefined,
): ReplicationFigures {
  const { appendMs, heartbeatMs } = now.histograms
  return {
    peer,
    ...now.numbers,
    append: timeFigures(appendMs, before?.histograms.appendMs),
    heartbeat: timeFigures(heartbeatMs, before?.histograms.heartbeatMs),
  }
}
