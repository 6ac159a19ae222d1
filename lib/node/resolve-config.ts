import type { RaftConfig, ResolvedConfig } from './config.js'
import {
  crossRules,
  DEFAULT_APPLY_BYTES,
  DEFAULT_MAX_PAYLOAD_BYTES,
  type FieldRule,
  fieldRules,
  fixedDefaults,
} from './config-rules.js'
import { RaftError } from './errors.js'

/**
 * Completes a partial configuration and checks every field and every rule between fields. Fields given
 * as undefined take their default.
 * @throws RaftError RAFT_CONFIG_INVALID naming the field, its value and the rule.
 */
export function resolveConfig(
  given: Partial<RaftConfig> = {},
  maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES,
): ResolvedConfig {
  for (const [name, value] of Object.entries(given)) {
    refuseUnknown(name)
    // What was given first: a default that follows from a wrong field is nobody's mistake.
    if (value !== undefined) checkField(name, value, fieldRules[name as keyof RaftConfig])
  }
  const config = withDefaults(given)
  for (const [name, rule] of Object.entries(fieldRules)) {
    checkField(name, config[name as keyof RaftConfig], rule)
  }
  for (const { fields, rule, holds } of crossRules) {
    if (holds(config, maxPayloadBytes)) continue
    const found = fields.map((field) => `${field} is ${config[field]}`).join(', ')
    throw invalid(fields[0] ?? '', `${rule}; found ${found}`, { fields, rule, maxPayloadBytes })
  }
  return Object.freeze(config)
}

function withDefaults(given: Partial<RaftConfig>): RaftConfig {
  const defined = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<RaftConfig>
  const heartbeatTimeoutMs = defined.heartbeatTimeoutMs ?? fixedDefaults.heartbeatTimeoutMs
  const maxApplyLagBytes = defined.maxApplyLagBytes ?? fixedDefaults.maxApplyLagBytes
  const leaderLeaseTimeoutMs = defined.leaderLeaseTimeoutMs ?? Math.min(500, heartbeatTimeoutMs)
  return {
    ...fixedDefaults,
    electionTimeoutMs: heartbeatTimeoutMs,
    heartbeatIntervalMs: Math.max(1, Math.min(heartbeatTimeoutMs / 10, leaderLeaseTimeoutMs / 3)),
    leaderLeaseTimeoutMs,
    leaderStallTimeoutMs: Math.max(5000, heartbeatTimeoutMs),
    maxApplyAheadBytes: Math.min(DEFAULT_APPLY_BYTES, maxApplyLagBytes),
    replicationStallTimeoutMs: Math.max(10_000, heartbeatTimeoutMs),
    ...defined,
  }
}

function refuseUnknown(name: string): void {
  if (Object.hasOwn(fieldRules, name)) return
  throw invalid(name, 'there is no such field', { known: Object.keys(fieldRules) })
}

function checkField(name: string, value: unknown, rule: FieldRule): void {
  if (rule.kind === 'boolean') {
    if (typeof value !== 'boolean') throw invalid(name, `expected true or false`, { value })
    return
  }
  const inRange = typeof value === 'number' && value >= rule.min && value <= rule.max
  if (inRange && (!rule.whole || Number.isSafeInteger(value))) return
  const kind = rule.whole ? 'a whole number' : 'a number'
  throw invalid(name, `expected ${kind} from ${rule.min} to ${rule.max}`, { value })
}

function invalid(
  field: string,
  rule: string,
  details: Readonly<Record<string, unknown>>,
): RaftError {
  const found = 'value' in details ? `; found ${describe(details.value)}` : ''
  return new RaftError('RAFT_CONFIG_INVALID', `config.${field}: ${rule}${found}`, {
    details: { field, ...details },
  })
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
