import type { Server } from '../core/types.js'
import { SNAPSHOT_VERSION } from '../snapshot/file-layout.js'
import { PROTOCOL_VERSION } from '../transport/handshake.js'
import type { NodeFigures } from './stats-types.js'
import type { NodeState, NodeStats } from './types.js'

/** The names, and the texts as values, that operators and their dashboards know from hashicorp/raft. */
export interface HashicorpStats {
  readonly state: string
  readonly term: string
  readonly last_log_index: string
  readonly last_log_term: string
  readonly commit_index: string
  readonly applied_index: string
  readonly fsm_pending: string
  readonly last_snapshot_index: string
  readonly last_snapshot_term: string
  readonly protocol_version: string
  readonly protocol_version_min: string
  readonly protocol_version_max: string
  readonly snapshot_version_min: string
  readonly snapshot_version_max: string
  readonly latest_configuration_index: string
  readonly latest_configuration: string
  readonly num_peers: string
  readonly last_contact: string
}

/** The part of `node.stats()` that says where a node stands. */
export type NodePosition = Omit<NodeStats, keyof NodeFigures>

/**
 * `node.stats()` under the names of hashicorp/raft: `hashicorpStats(node.stats())`.
 *
 * | there                         | here                           | different                                  |
 * | ----------------------------- | ------------------------------ | ------------------------------------------ |
 * | state                         | state                          | a pre-candidate is a Candidate             |
 * | term                          | term                           |                                            |
 * | last_log_index, _term         | lastLogIndex, lastLogTerm      |                                            |
 * | commit_index                  | commitIndex                    |                                            |
 * | applied_index                 | appliedIndex                   | applied, there: queued to be applied       |
 * | fsm_pending                   | commitIndex - appliedIndex     | entries, there: batches in a queue         |
 * | last_snapshot_index, _term    | snapshotIndex, snapshotTerm    |                                            |
 * | protocol_version, _min, _max  | of this library's transport    |                                            |
 * | snapshot_version_min, _max    | of this library's snapshots    |                                            |
 * | latest_configuration_index    | configurationIndex             | the true one, there: always 0              |
 * | latest_configuration          | servers                        |                                            |
 * | num_peers                     | voters but this one            | 0 if this node is no voter, as there       |
 * | last_contact                  | lastContactMs                  | "0" on the leader, "never", or e.g. "12ms" |
 */
export function hashicorpStats(stats: NodePosition): HashicorpStats {
  const protocol = String(PROTOCOL_VERSION)
  const snapshot = String(SNAPSHOT_VERSION)
  const isVoter = stats.servers.some(({ id, suffrage }) => id === stats.id && suffrage === 'voter')
  return {
    state: stateNames[stats.state],
    term: String(stats.term),
    last_log_index: String(stats.lastLogIndex),
    last_log_term: String(stats.lastLogTerm),
    commit_index: String(stats.commitIndex),
    applied_index: String(stats.appliedIndex),
    fsm_pending: String(Math.max(0, stats.commitIndex - stats.appliedIndex)),
    last_snapshot_index: String(stats.snapshotIndex),
    last_snapshot_term: String(stats.snapshotTerm),
    protocol_version: protocol,
    protocol_version_min: protocol,
    protocol_version_max: protocol,
    snapshot_version_min: snapshot,
    snapshot_version_max: snapshot,
    latest_configuration_index: String(stats.configurationIndex),
    latest_configuration: `[${stats.servers.map(serverText).join(' ')}]`,
    num_peers: String(isVoter ? stats.voters - 1 : 0),
    last_contact: stats.state === 'leader' ? '0' : contactText(stats.lastContactMs),
  }
}

const stateNames: Readonly<Record<NodeState, string>> = {
  follower: 'Follower',
  preCandidate: 'Candidate',
  candidate: 'Candidate',
  leader: 'Leader',
  closed: 'Shutdown',
}

/** A struct as Go prints it. */
function serverText({ id, address, suffrage }: Server): string {
  const name = suffrage === 'voter' ? 'Voter' : 'Nonvoter'
  return `{Suffrage:${name} ID:${id} Address:${address}}`
}

/** A duration as Go prints it: 1.5ms, 2.25s, 1m0.5s, 2h0m3s. */
function contactText(ms: number | null): string {
  if (ms === null) return 'never'
  const micros = Math.round(ms * 1000)
  if (micros < 1000) return micros === 0 ? '0s' : `${micros}µs`
  if (micros < 1_000_000) return `${micros / 1000}ms`
  const seconds = micros / 1_000_000
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const rest = `${Number((seconds % 60).toFixed(6))}s`
  if (hours > 0) return `${hours}h${minutes}m${rest}`
  return minutes > 0 ? `${minutes}m${rest}` : rest
}
