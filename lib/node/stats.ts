import type { ActorStats } from '../runtime/actor.js'
import type { NodeSide } from './node-side.js'
import { stalenessMs } from './reader.js'
import type { NodeState, NodeStats } from './types.js'

export interface StatsSource {
  readonly cluster: string
  readonly address: string
  readonly state: NodeState
  readonly deadLetters: number
  readonly actors: readonly ActorStats[]
}

export function nodeStats(side: NodeSide, source: StatsSource): NodeStats {
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
    actors: source.actors,
  }
}
