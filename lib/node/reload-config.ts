import type { RaftConfig } from './config.js'
import { RaftError } from './errors.js'
import { resolveConfig } from './resolve-config.js'

/** Fields that may change while the node runs; the others need a restart. */
export const reloadableFields: readonly (keyof RaftConfig)[] = [
  'heartbeatTimeoutMs',
  'electionTimeoutMs',
  'heartbeatIntervalMs',
  'leaderLeaseTimeoutMs',
  'leaderStallTimeoutMs',
  'replicationStallTimeoutMs',
  'preVote',
  'shutdownOnRemove',
  'removeGraceMs',
  'deadServerGraceMs',
  'deadServerMinQuorum',
  'maxApplyAheadBytes',
  'maxApplyLagBytes',
  'requestTimeoutMs',
  'changeTimeoutMs',
  'commitTimeoutMs',
  'snapshotThresholdEntries',
  'snapshotIntervalMs',
  'trailingLogEntries',
  'sessionTimeoutMs',
  'maxSessions',
  'maxSessionResultBytes',
  'idempotencyTimeoutMs',
  'maxIdempotencyKeys',
  'maxIdempotencyResultBytes',
]

export interface ReloadedConfig {
  /** What the program has given so far; defaults that follow from other fields are worked out anew. */
  readonly given: Partial<RaftConfig>
  readonly config: RaftConfig
}

/**
 * The configuration that `part` makes of the current one, complete and checked as a whole.
 * @throws RaftError RAFT_CONFIG_INVALID naming the field, its value and the rule; or the field that needs a
 * restart.
 */
export function reloadedConfig(
  current: ReloadedConfig,
  part: Partial<RaftConfig>,
  maxPayloadBytes: number | undefined,
): ReloadedConfig {
  const given = { ...current.given, ...part }
  const config = resolveConfig(given, maxPayloadBytes)
  for (const name of Object.keys(config) as (keyof RaftConfig)[]) {
    if (config[name] === current.config[name] || reloadableFields.includes(name)) continue
    throw needsRestart(name, current.config[name], config[name])
  }
  return { given, config }
}

function needsRestart(field: keyof RaftConfig, current: unknown, value: unknown): RaftError {
  return new RaftError(
    'RAFT_CONFIG_INVALID',
    `config.${field}: a restart is needed to change it; it is ${current}, found ${value}. ` +
      `These may change while the node runs: ${reloadableFields.join(', ')}`,
    { details: { field, current, value, reloadable: reloadableFields } },
  )
}
