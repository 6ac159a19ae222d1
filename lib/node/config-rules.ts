import type { RaftConfig } from './config.js'

/** What one field may be, and its default. */
export type FieldRule =
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly kind: 'boolean' }

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const DAY_MS = 86_400_000

const whole = (min: number, max: number): FieldRule => ({ kind: 'number', min, max, whole: true })
const ms = (min: number, max: number): FieldRule => ({ kind: 'number', min, max, whole: false })
const flag: FieldRule = { kind: 'boolean' }

export const fieldRules: { readonly [K in keyof RaftConfig]: FieldRule } = {
  heartbeatTimeoutMs: ms(5, 600_000),
  electionTimeoutMs: ms(5, 600_000),
  heartbeatIntervalMs: ms(1, 600_000),
  leaderLeaseTimeoutMs: ms(5, 600_000),
  maxClockDrift: { kind: 'number', min: 0, max: 0.5, whole: false },
  preVote: flag,
  leaderStallTimeoutMs: ms(10, 3_600_000),
  shutdownOnRemove: flag,
  removeGraceMs: ms(0, 600_000),
  deadServerGraceMs: ms(0, 30 * DAY_MS),
  deadServerMinQuorum: whole(1, 1000),
  maxEntryBytes: whole(1, GIB),
  maxBatchBytes: whole(KIB, 256 * MIB),
  maxBatchEntries: whole(1, 1_048_576),
  maxUnflushedBatches: whole(1, 64),
  maxPendingBytes: whole(KIB, 512 * MIB),
  maxPendingEntries: whole(1, 16_777_216),
  maxPendingReads: whole(1, 16_777_216),
  maxApplyLagBytes: whole(KIB, 4 * GIB),
  maxApplyAheadBytes: whole(KIB, GIB),
  maxApplyEntries: whole(1, 1_048_576),
  maxApplyBytes: whole(KIB, GIB),
  applyStallTimeoutMs: ms(10, DAY_MS),
  requestTimeoutMs: ms(1, DAY_MS),
  changeTimeoutMs: ms(1, DAY_MS),
  commitTimeoutMs: ms(1, 60_000),
  maxAppendBytes: whole(KIB, 256 * MIB),
  maxInflightBytes: whole(KIB, GIB),
  maxInflightRequests: whole(1, 4096),
  replicationStallTimeoutMs: ms(10, 3_600_000),
  reconnectMinMs: ms(1, 60_000),
  reconnectMaxMs: ms(1, 600_000),
  maxUnansweredBytes: whole(KIB, GIB),
  tailMaxBytes: whole(64 * KIB, 16 * GIB),
  slabBytes: whole(64 * KIB, 256 * MIB),
  maxIdleSlabs: whole(0, 1024),
  maxReadBytes: whole(KIB, 256 * MIB),
  mailboxMaxMessages: whole(16, 1_048_576),
  mailboxMaxBytes: whole(64 * KIB, 512 * MIB),
  snapshotThresholdEntries: whole(1, Number.MAX_SAFE_INTEGER),
  snapshotIntervalMs: ms(5, DAY_MS),
  trailingLogEntries: whole(0, Number.MAX_SAFE_INTEGER),
  retainSnapshots: whole(1, 64),
  snapshotChunkBytes: whole(4 * KIB, 64 * MIB),
  compressSnapshots: flag,
  maxInstallLogBytes: whole(0, Number.MAX_SAFE_INTEGER),
  restoreSnapshotOnStart: flag,
  sessionTimeoutMs: whole(100, 30 * DAY_MS),
  maxSessions: whole(1, 1_048_576),
  maxSessionResultBytes: whole(0, GIB),
  idempotencyTimeoutMs: whole(100, 30 * DAY_MS),
  maxIdempotencyKeys: whole(1, 16_777_216),
  maxIdempotencyResultBytes: whole(0, GIB),
  maxRestarts: whole(0, 1000),
  restartWindowMs: ms(1, DAY_MS),
  restartMinMs: ms(0, 60_000),
  restartMaxMs: ms(0, 600_000),
  stopTimeoutMs: ms(10, 600_000),
}

/** Fields whose default follows from others are worked out in `resolveConfig`. */
type Derived =
  | 'electionTimeoutMs'
  | 'heartbeatIntervalMs'
  | 'leaderLeaseTimeoutMs'
  | 'leaderStallTimeoutMs'
  | 'replicationStallTimeoutMs'
  | 'maxApplyAheadBytes'

export const fixedDefaults: Omit<RaftConfig, Derived> = {
  heartbeatTimeoutMs: 1000,
  maxClockDrift: 0.1,
  preVote: true,
  shutdownOnRemove: true,
  removeGraceMs: 10_000,
  deadServerGraceMs: 0,
  deadServerMinQuorum: 3,
  maxEntryBytes: 4 * MIB,
  maxBatchBytes: MIB,
  maxBatchEntries: 8192,
  maxUnflushedBatches: 2,
  maxPendingBytes: 64 * MIB,
  maxPendingEntries: 131_072,
  maxPendingReads: 131_072,
  maxApplyLagBytes: 64 * MIB,
  maxApplyEntries: 4096,
  maxApplyBytes: 4 * MIB,
  applyStallTimeoutMs: 10_000,
  requestTimeoutMs: 5000,
  changeTimeoutMs: 10_000,
  commitTimeoutMs: 50,
  maxAppendBytes: MIB,
  maxInflightBytes: 8 * MIB,
  maxInflightRequests: 64,
  reconnectMinMs: 50,
  reconnectMaxMs: 2000,
  maxUnansweredBytes: 16 * MIB,
  tailMaxBytes: 64 * MIB,
  slabBytes: 4 * MIB,
  maxIdleSlabs: 4,
  maxReadBytes: 4 * MIB,
  mailboxMaxMessages: 4096,
  mailboxMaxBytes: 128 * MIB,
  snapshotThresholdEntries: 8192,
  snapshotIntervalMs: 120_000,
  trailingLogEntries: 10_240,
  retainSnapshots: 2,
  snapshotChunkBytes: MIB,
  compressSnapshots: true,
  maxInstallLogBytes: 256 * MIB,
  restoreSnapshotOnStart: true,
  sessionTimeoutMs: 300_000,
  maxSessions: 4096,
  maxSessionResultBytes: 256 * KIB,
  idempotencyTimeoutMs: 600_000,
  maxIdempotencyKeys: 262_144,
  maxIdempotencyResultBytes: 64 * MIB,
  maxRestarts: 10,
  restartWindowMs: 60_000,
  restartMinMs: 50,
  restartMaxMs: 5000,
  stopTimeoutMs: 5000,
}

/** Bytes in the state machine's hands when nothing is given. */
export const DEFAULT_APPLY_BYTES = 8 * MIB

/** A frame's payload limit when the transport names none (TransportLimits.maxPayloadBytes). */
export const DEFAULT_MAX_PAYLOAD_BYTES = 16 * MIB

/** Room left in a frame for a batch's header, entry headers and extensions. */
const FRAME_ROOM_BYTES = 128 * KIB

/** A rule between fields; `holds` false makes the message. */
interface CrossRule {
  readonly fields: readonly (keyof RaftConfig)[]
  readonly rule: string
  holds(config: RaftConfig, maxPayloadBytes: number): boolean
}

export const crossRules: readonly CrossRule[] = [
  {
    fields: ['heartbeatIntervalMs', 'heartbeatTimeoutMs'],
    rule: 'at least 3 heartbeats fit in a heartbeat timeout: 3 * heartbeatIntervalMs <= heartbeatTimeoutMs',
    holds: (c) => 3 * c.heartbeatIntervalMs <= c.heartbeatTimeoutMs,
  },
  {
    fields: ['leaderLeaseTimeoutMs', 'heartbeatTimeoutMs'],
    rule: 'leaderLeaseTimeoutMs <= heartbeatTimeoutMs',
    holds: (c) => c.leaderLeaseTimeoutMs <= c.heartbeatTimeoutMs,
  },
  {
    fields: ['heartbeatTimeoutMs', 'electionTimeoutMs'],
    rule: 'heartbeatTimeoutMs <= electionTimeoutMs',
    holds: (c) => c.heartbeatTimeoutMs <= c.electionTimeoutMs,
  },
  {
    fields: ['heartbeatIntervalMs', 'leaderLeaseTimeoutMs', 'maxClockDrift'],
    rule: 'a lease outlives the next heartbeat: heartbeatIntervalMs < leaderLeaseTimeoutMs * (1 - maxClockDrift)',
    holds: (c) => c.heartbeatIntervalMs < c.leaderLeaseTimeoutMs * (1 - c.maxClockDrift),
  },
  {
    fields: ['leaderStallTimeoutMs', 'heartbeatTimeoutMs'],
    rule: 'heartbeatTimeoutMs <= leaderStallTimeoutMs',
    holds: (c) => c.heartbeatTimeoutMs <= c.leaderStallTimeoutMs,
  },
  {
    fields: ['replicationStallTimeoutMs', 'heartbeatTimeoutMs'],
    rule: 'heartbeatTimeoutMs <= replicationStallTimeoutMs',
    holds: (c) => c.heartbeatTimeoutMs <= c.replicationStallTimeoutMs,
  },
  {
    fields: ['maxEntryBytes', 'maxBatchBytes', 'maxAppendBytes', 'snapshotChunkBytes'],
    rule: 'each fits in one frame of the transport with 128 KiB to spare (maxPayloadBytes)',
    holds: (c, maxPayloadBytes) =>
      Math.max(c.maxEntryBytes, c.maxBatchBytes, c.maxAppendBytes, c.snapshotChunkBytes) +
        FRAME_ROOM_BYTES <=
      maxPayloadBytes,
  },
  {
    fields: ['maxPendingBytes', 'maxEntryBytes', 'maxBatchBytes'],
    rule: 'maxPendingBytes >= maxEntryBytes and >= maxBatchBytes',
    holds: (c) => c.maxPendingBytes >= Math.max(c.maxEntryBytes, c.maxBatchBytes),
  },
  {
    fields: ['maxPendingEntries', 'maxBatchEntries'],
    rule: 'maxPendingEntries >= maxBatchEntries',
    holds: (c) => c.maxPendingEntries >= c.maxBatchEntries,
  },
  {
    fields: ['maxInflightBytes', 'maxEntryBytes', 'maxBatchBytes', 'maxAppendBytes'],
    rule: 'maxInflightBytes >= maxEntryBytes, >= maxBatchBytes and >= maxAppendBytes',
    holds: (c) =>
      c.maxInflightBytes >= Math.max(c.maxEntryBytes, c.maxBatchBytes, c.maxAppendBytes),
  },
  {
    fields: ['tailMaxBytes', 'maxEntryBytes', 'maxBatchBytes'],
    rule: 'tailMaxBytes >= maxEntryBytes and >= maxBatchBytes',
    holds: (c) => c.tailMaxBytes >= Math.max(c.maxEntryBytes, c.maxBatchBytes),
  },
  {
    fields: ['maxApplyLagBytes', 'maxEntryBytes', 'maxBatchBytes'],
    rule: 'maxApplyLagBytes >= maxEntryBytes and >= maxBatchBytes',
    holds: (c) => c.maxApplyLagBytes >= Math.max(c.maxEntryBytes, c.maxBatchBytes),
  },
  {
    fields: ['maxApplyAheadBytes', 'maxApplyLagBytes'],
    rule: 'maxApplyAheadBytes <= maxApplyLagBytes',
    holds: (c) => c.maxApplyAheadBytes <= c.maxApplyLagBytes,
  },
  {
    fields: ['deadServerGraceMs', 'heartbeatTimeoutMs', 'leaderStallTimeoutMs'],
    rule: 'no pause of this node makes others look dead: deadServerGraceMs is 0, or >= 10 * heartbeatTimeoutMs and >= 2 * leaderStallTimeoutMs',
    holds: (c) =>
      c.deadServerGraceMs === 0 ||
      c.deadServerGraceMs >= Math.max(10 * c.heartbeatTimeoutMs, 2 * c.leaderStallTimeoutMs),
  },
  {
    fields: ['mailboxMaxBytes', 'maxPendingBytes'],
    rule: 'mailboxMaxBytes >= maxPendingBytes, so that accepted proposals always find room',
    holds: (c) => c.mailboxMaxBytes >= c.maxPendingBytes,
  },
  {
    fields: ['reconnectMinMs', 'reconnectMaxMs'],
    rule: 'reconnectMinMs <= reconnectMaxMs',
    holds: (c) => c.reconnectMinMs <= c.reconnectMaxMs,
  },
  {
    fields: ['restartMinMs', 'restartMaxMs'],
    rule: 'restartMinMs <= restartMaxMs',
    holds: (c) => c.restartMinMs <= c.restartMaxMs,
  },
]
