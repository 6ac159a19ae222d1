import type { ConsensusInit } from '../../actors/consensus/consensus-init.js'
import type { ConsensusSettings } from '../../actors/consensus/settings.js'
import type { FsmInit } from '../../actors/fsm/protocol.js'
import type { InboundInit } from '../../actors/inbound/protocol.js'
import type { LogInit, RecoveredLog } from '../../actors/log/protocol.js'
import type { ReplicatorConfig } from '../../actors/replicator/protocol.js'
import type { SnapshotInit, SnapshotMeta } from '../../actors/snapshot/protocol.js'
import { OWN_ANNOUNCEMENT } from '../transport/announcement.js'
import type { AssemblyOptions } from './assembled.js'
import type { RaftConfig } from './config.js'
import { LONGEST_REQUEST_MS } from './peer-requests.js'

/** What each actor of a node is given at its start, from the node's options and what was recovered. */

/** The memory that actors of one node share beside their mailboxes and the slabs. */
export interface SharedBlocks {
  readonly controlBlock: SharedArrayBuffer
  readonly leaderBoard: SharedArrayBuffer
  readonly logAlive: SharedArrayBuffer
  /** Where each counts and measures. */
  readonly figures: {
    readonly log: SharedArrayBuffer
    readonly fsm: SharedArrayBuffer
    readonly inbound: SharedArrayBuffer
    readonly consensus: SharedArrayBuffer
  }
}

export function logInit(options: AssemblyOptions, { logAlive, figures }: SharedBlocks): LogInit {
  const { cluster, id, dataDir, store, config } = options
  const { maxReadBytes } = config
  return {
    nodeId: id,
    cluster,
    dataDir,
    store,
    maxReadBytes,
    aliveWord: logAlive,
    figures: figures.log,
  }
}

export function snapshotInit(options: AssemblyOptions): SnapshotInit {
  const { id, dataDir, snapshots, config, placement } = options
  // On the caller's thread, and in the simulator, there are no threads to give the work to.
  const compression = config.compressSnapshots && placement.snapshot === 'thread' ? 'pool' : 'off'
  const retain = config.retainSnapshots
  return { nodeId: id, dataDir, store: snapshots, retain, compression }
}

export function fsmInit(
  { id, dataDir, stateMachine, config }: AssemblyOptions,
  { figures }: SharedBlocks,
): FsmInit {
  const { maxApplyEntries, maxApplyBytes } = config
  const limits = { maxApplyEntries, maxApplyBytes }
  return { nodeId: id, dataDir, stateMachine, ...limits, figures: figures.fsm }
}

export function inboundInit(
  { cluster, id, transport, config }: AssemblyOptions,
  recovered: RecoveredLog,
  { controlBlock, logAlive, figures }: SharedBlocks,
): InboundInit {
  const { slabBytes, maxIdleSlabs, maxUnansweredBytes } = config
  return {
    nodeId: id,
    cluster,
    incarnation: recovered.identity.incarnation,
    transport,
    controlBlock,
    logAliveWord: logAlive,
    arena: { slabBytes, maxIdleSlabs },
    maxUnansweredBytes,
    figures: figures.inbound,
  }
}

export function consensusInit(
  options: AssemblyOptions,
  found: {
    readonly recovered: RecoveredLog
    readonly snapshot: SnapshotMeta | null
    /** The state machine keeps its own state. */
    readonly flushedOnly: boolean
  },
  { controlBlock, leaderBoard, figures }: SharedBlocks,
): ConsensusInit {
  const { id, observeCore, config } = options
  const { recovered, snapshot, flushedOnly } = found
  const { hardState, log, lastTime, incarnations } = recovered
  return {
    nodeId: id,
    incarnation: recovered.identity.incarnation,
    ...consensusSettings(config),
    applyStallTimeoutMs: config.applyStallTimeoutMs,
    tailMaxBytes: config.tailMaxBytes,
    maxReadBytes: config.maxReadBytes,
    hardState,
    log,
    lastTime,
    snapshot,
    restoreSnapshotOnStart: config.restoreSnapshotOnStart,
    incarnations,
    mayVote: hasTakenPart(recovered),
    flushedOnly,
    features: (options.transport.announce ?? OWN_ANNOUNCEMENT).features,
    ...(observeCore && { observeCore }),
    controlBlock,
    leaderBoard,
    figures: figures.consensus,
  }
}

/**
 * S16: this directory has given a vote or acknowledged more than its own bootstrap entry. Until then it may
 * be what replaces a lost one, however often it was started, and asks before it votes.
 */
function hasTakenPart({ hardState, log, bootstrap }: RecoveredLog): boolean {
  const { term, votedFor } = hardState
  const begun = bootstrap?.index ?? 0
  return term > 1 || votedFor !== null || log.lastIndex > begun
}

/** What a reload gives the consensus actor. */
export function consensusSettings(config: RaftConfig): ConsensusSettings {
  return {
    core: {
      heartbeatTimeoutMs: config.heartbeatTimeoutMs,
      electionTimeoutMs: config.electionTimeoutMs,
      leaderLeaseTimeoutMs: config.leaderLeaseTimeoutMs,
      leaderStallTimeoutMs: config.leaderStallTimeoutMs,
      maxClockDrift: config.maxClockDrift,
      preVote: config.preVote,
      trailingLogs: config.trailingLogEntries,
      removeGraceMs: config.removeGraceMs,
      maxUncommittedBytes: config.maxPendingBytes,
    },
    snapshots: {
      snapshotIntervalMs: config.snapshotIntervalMs,
      snapshotThreshold: config.snapshotThresholdEntries,
      snapshotChunkBytes: config.snapshotChunkBytes,
      maxInstallLogBytes: config.maxInstallLogBytes,
    },
    maxApplyBytes: config.maxApplyAheadBytes,
    maxApplyLagBytes: config.maxApplyLagBytes,
    tickMs: Math.max(2, config.heartbeatTimeoutMs / 20),
  }
}

/** What a reload gives each replicator. */
export function replicatorConfig(config: RaftConfig): ReplicatorConfig {
  return {
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    heartbeatTimeoutMs: config.heartbeatTimeoutMs,
    leaderLeaseTimeoutMs: config.leaderLeaseTimeoutMs,
    commitTimeoutMs: config.commitTimeoutMs,
    maxInflightBytes: config.maxInflightBytes,
    maxInflightRequests: config.maxInflightRequests,
    maxAppendBytes: config.maxAppendBytes,
    snapshotChunkBytes: config.snapshotChunkBytes,
    replicationStallTimeoutMs: config.replicationStallTimeoutMs,
    leaderStallTimeoutMs: config.leaderStallTimeoutMs,
    reconnectMinMs: config.reconnectMinMs,
    reconnectMaxMs: config.reconnectMaxMs,
    // Each request brings a limit of its own; that of a change may be longer than any default.
    forwardTimeoutMs: LONGEST_REQUEST_MS,
  }
}
