/**
 * What can be tuned of one node. Every field has a default; give only what differs. Names end in their
 * unit. "Limit" is what a single field must satisfy; the rules between fields are in config-rules.ts.
 *
 * Of hashicorp/raft's options these have another form here: LocalID is the option `id`; NotifyCh and
 * observers are `on` and `events`; LogOutput, LogLevel and Logger are the option `logger`; BatchApplyCh
 * is always on (group commit); ProtocolVersion is negotiated in the handshake; StartAsLeader would skip
 * an election and does not exist.
 */
export interface RaftConfig {
  // -- elections and leases

  /** Silence of the leader after which a follower asks for votes (HeartbeatTimeout). Default 1000. Limit 5..600000. */
  readonly heartbeatTimeoutMs: number
  /** Shortest wait for votes before another round; the wait is drawn from [T, 2T) (ElectionTimeout). Default: heartbeatTimeoutMs. Limit 5..600000. */
  readonly electionTimeoutMs: number
  /** How often a leader heartbeats each follower. Default: a tenth of heartbeatTimeoutMs, at most a third of leaderLeaseTimeoutMs, at least 1. Limit 1..600000. */
  readonly heartbeatIntervalMs: number
  /** Silence that a follower promises with each heartbeat it answers; without a quorum of such promises a leader steps down (LeaderLeaseTimeout). Default: min(500, heartbeatTimeoutMs). Limit 5..600000. */
  readonly leaderLeaseTimeoutMs: number
  /** How much faster one node's clock may run than another's, as a part of 1; shortens read leases (S10). Default 0.1. Limit 0..0.5. */
  readonly maxClockDrift: number
  /** Ask whether an election can be won before raising the term (not PreVoteDisabled). Default true. */
  readonly preVote: boolean
  /** A leader whose input or log makes no progress for so long gives up leadership (S11). Default: max(5000, heartbeatTimeoutMs). Limit 10..3600000. */
  readonly leaderStallTimeoutMs: number
  /** A node that learns that it was removed from the cluster closes itself (ShutdownOnRemove). Default true. */
  readonly shutdownOnRemove: boolean
  /** Opt-in: a leader removes a server that has been unreachable for so long, if the rest is a healthy quorum (dead-server-policy.ts). Default 0: never. Limit 0..2592000000. */
  readonly deadServerGraceMs: number
  /** Voters that such a removal leaves at least. Default 3. Limit 1..1000. */
  readonly deadServerMinQuorum: number
  /** How long a leader keeps telling a removed member about its removal (S4). Default 10000. Limit 0..600000. */
  readonly removeGraceMs: number

  // -- proposals

  /** Largest encoded command; more is RAFT_ENTRY_TOO_LARGE. Default 4 MiB. Limit 1 B..1 GiB. */
  readonly maxEntryBytes: number
  /** A batch is closed before it would exceed this; one larger command makes a batch of its own. Default 1 MiB. Limit 1 KiB..256 MiB. */
  readonly maxBatchBytes: number
  /** Most commands in one batch (with maxApplyEntries the counterpart of MaxAppendEntries). Default 8192. Limit 1..1048576. */
  readonly maxBatchEntries: number
  /** Batches given to consensus and not yet flushed here; commands that arrive meanwhile form the next batch (group commit). One that was applied meanwhile, committed by the others, counts no more. Default 2. Limit 1..64. */
  readonly maxUnflushedBatches: number
  /** Bytes of commands proposed here and not yet settled; more is RAFT_OVERLOADED. Default 64 MiB. Limit 1 KiB..512 MiB. */
  readonly maxPendingBytes: number
  /** Commands proposed here and not yet settled; more is RAFT_OVERLOADED. Default 131072. Limit 1..16777216. */
  readonly maxPendingEntries: number
  /** Reads asked for here and not yet settled; more is RAFT_OVERLOADED. Default 131072. Limit 1..16777216. */
  readonly maxPendingReads: number
  /** Bytes committed since the start and not yet applied on this leader; more refuses new proposals with RAFT_OVERLOADED (S18). Also of those proposed and applied here that its own disk has not flushed. Default 64 MiB. Limit 1 KiB..4 GiB. */
  readonly maxApplyLagBytes: number
  /** Bytes on their way to the state machine's actor and not yet applied; what is committed beyond them waits in the log. Default: min(8 MiB, maxApplyLagBytes). Limit 1 KiB..1 GiB. */
  readonly maxApplyAheadBytes: number
  /** Most entries handed to the state machine at once. Default 4096. Limit 1..1048576. */
  readonly maxApplyEntries: number
  /** Most bytes of commands handed to applyBatch at once; a larger command comes alone. Default 4 MiB. Limit 1 KiB..1 GiB. */
  readonly maxApplyBytes: number
  /** A state machine that answers nothing for so long is reported (event `stateMachine`, a warning), never terminated (S14). Default 10000. Limit 10..86400000. */
  readonly applyStallTimeoutMs: number
  /** Default time limit of apply, applyBatch, barrier and reads. Default 5000. Limit 1..86400000. */
  readonly requestTimeoutMs: number
  /** Default time limit of membership changes and leadership transfer. Default 10000. Limit 1..86400000. */
  readonly changeTimeoutMs: number

  // -- replication

  /** An idle follower learns of a new commit index within this time (CommitTimeout). Default 50. Limit 1..60000. */
  readonly commitTimeoutMs: number
  /** Bytes of batches in one AppendEntries, at least one batch. Default 1 MiB. Limit 1 KiB..256 MiB. */
  readonly maxAppendBytes: number
  /** Bytes sent to one follower and not yet answered. Default 8 MiB. Limit 1 KiB..1 GiB. */
  readonly maxInflightBytes: number
  /** Requests sent to one follower and not yet answered (MaxRPCsInFlight). Default 64. Limit 1..4096. */
  readonly maxInflightRequests: number
  /** An unanswered request older than this drops the data connection (S12). Default: max(10000, heartbeatTimeoutMs). Limit 10..3600000. */
  readonly replicationStallTimeoutMs: number
  /** First delay before a connection is dialled again; doubled, with jitter. Default 50. Limit 1..60000. */
  readonly reconnectMinMs: number
  /** Longest such delay. Default 2000. Limit 1..600000. */
  readonly reconnectMaxMs: number
  /** Bytes received from one peer and not yet answered before its socket is paused. Default 16 MiB. Limit 1 KiB..1 GiB. */
  readonly maxUnansweredBytes: number

  // -- memory

  /** Newest batches kept in shared memory for followers; older ones are read from the store (S7). Default 64 MiB. Limit 64 KiB..16 GiB. */
  readonly tailMaxBytes: number
  /** Size of one piece of shared memory for batches. Default 4 MiB. Limit 64 KiB..256 MiB. */
  readonly slabBytes: number
  /** Free pieces kept for reuse by each producer of batches. Default 4. Limit 0..1024. */
  readonly maxIdleSlabs: number
  /** Largest run of batches read from the store at once. Default 4 MiB. Limit 1 KiB..256 MiB. */
  readonly maxReadBytes: number
  /** Messages that an actor's data lane holds before it refuses more. Default 4096. Limit 16..1048576. */
  readonly mailboxMaxMessages: number
  /** Bytes that an actor's data lane refers to before it refuses more. Default 128 MiB. Limit 64 KiB..512 MiB. */
  readonly mailboxMaxBytes: number

  // -- snapshots

  /** Entries applied since the last snapshot that make the next one due (SnapshotThreshold). Default 8192. Limit 1..2^53-1. */
  readonly snapshotThresholdEntries: number
  /** How often that is looked at, drawn from [T, 2T) (SnapshotInterval). Default 120000. Limit 5..86400000. */
  readonly snapshotIntervalMs: number
  /** Entries kept in the log before a snapshot, for followers a little behind (TrailingLogs). Default 10240. Limit 0..2^53-1. */
  readonly trailingLogEntries: number
  /** Snapshots kept on disk. Default 2. Limit 1..64. */
  readonly retainSnapshots: number
  /** Bytes of a snapshot sent at once. Default 1 MiB. Limit 4 KiB..64 MiB. */
  readonly snapshotChunkBytes: number
  /** Deflate the chunks of a snapshot for followers, each where it saves a tenth or more; on threads of a pool, so not where the snapshot actor runs on the caller's thread. Default true. */
  readonly compressSnapshots: boolean
  /** Log written while a follower is sent a snapshot and kept for it, however few trailing entries are kept otherwise; past it the follower gets a newer snapshot. Default 256 MiB. Limit 0..2^53-1. */
  readonly maxInstallLogBytes: number
  /** Load the newest snapshot into the state machine at start (not NoSnapshotRestoreOnStart). Default true. */
  readonly restoreSnapshotOnStart: boolean

  // -- sessions and idempotency keys: recorded in the log by the node that proposes, so nodes may differ

  /** A client session not used for so long, by the leaders' clocks in the log, expires. Default 300000. Limit 100..2592000000. */
  readonly sessionTimeoutMs: number
  /** Most open sessions; the one unused for longest makes room for another. Default 4096. Limit 1..1048576. */
  readonly maxSessions: number
  /** Bytes of results kept for one session until its client has them; an older one is then RAFT_RESULT_LOST when it is asked for again. Default 256 KiB. Limit 0..1 GiB. */
  readonly maxSessionResultBytes: number
  /** How long an idempotency key is remembered after it was first seen, by the leaders' clocks. Default 600000. Limit 100..2592000000. */
  readonly idempotencyTimeoutMs: number
  /** Most idempotency keys remembered; further ones are RAFT_OVERLOADED. Default 262144. Limit 1..16777216. */
  readonly maxIdempotencyKeys: number
  /** Bytes of results kept for all idempotency keys. Default 64 MiB. Limit 0..1 GiB. */
  readonly maxIdempotencyResultBytes: number

  // -- supervision

  /** How often one actor may be restarted within restartWindowMs before the node fails. Default 10. Limit 0..1000. */
  readonly maxRestarts: number
  /** See maxRestarts. Default 60000. Limit 1..86400000. */
  readonly restartWindowMs: number
  /** First delay before a failed actor is restarted; doubled each time. Default 50. Limit 0..60000. */
  readonly restartMinMs: number
  /** Longest such delay. Default 5000. Limit 0..600000. */
  readonly restartMaxMs: number
  /** How long an actor may take to stop before its thread is ended. Default 5000. Limit 10..600000. */
  readonly stopTimeoutMs: number
}

/** A configuration that has been completed and checked by `resolveConfig`. */
export type ResolvedConfig = RaftConfig
