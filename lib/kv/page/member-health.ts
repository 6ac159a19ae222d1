import type { PeerReport } from '../../../actors/consensus/protocol.js'
import type { Server } from '../../core/types.js'
import type { NodeStats } from '../../node/types.js'
import type { LiveHealth, LiveMember } from './live-message.js'

/** What is known here of the cluster at one moment. */
export interface ClusterView {
  readonly stats: NodeStats
  readonly servers: readonly Server[]
  /** As the leader sees the others; null: it could not be asked. */
  readonly reports: readonly PeerReport[] | null
  readonly electionTimeoutMs: number
  readonly committedPerS: number
}

/** So many entries behind is nothing to speak of, at any pace. */
const unremarkableEntries = 1000
/** A member that holds less than was committed so long ago lags. */
const unremarkableS = 2

export function membersOf(view: ClusterView): readonly LiveMember[] {
  return view.servers.map((server) => ({
    id: server.id,
    address: server.address,
    http: server.meta?.http ?? null,
    suffrage: server.suffrage,
    leader: server.id === view.stats.leader,
    self: server.id === view.stats.id,
    health: healthOf(server.id, view),
  }))
}

function healthOf(id: string, view: ClusterView): LiveHealth | null {
  const { stats, reports } = view
  const report = reports?.find((one) => one.id === id)
  if (report !== undefined) return reported(report, view)
  if (id === stats.id) {
    const behind = Math.max(0, stats.commitIndex - stats.flushedIndex)
    const own = { matchIndex: stats.flushedIndex, behind, lastContactMs: 0, roundTripMs: null }
    return { ...own, condition: lags(behind, view) ? 'behind' : 'ok' }
  }
  return id === stats.leader ? ofTheLeader(view) : null
}

function reported(report: PeerReport, view: ClusterView): LiveHealth {
  const { matchIndex, lastContactMs, roundTripMs, incarnation } = report
  const behind = Math.max(0, view.stats.commitIndex - matchIndex)
  const figures = {
    matchIndex,
    behind,
    lastContactMs: rounded(lastContactMs),
    roundTripMs: rounded(roundTripMs),
  }
  if (incarnation === 'lost') return { ...figures, condition: 'lost' }
  if (lastContactMs === null) return { ...figures, condition: 'unknown' }
  if (lastContactMs > view.electionTimeoutMs) return { ...figures, condition: 'silent' }
  return { ...figures, condition: lags(behind, view) ? 'behind' : 'ok' }
}

/** A follower knows of its leader when it was last heard. */
function ofTheLeader({ stats, electionTimeoutMs }: ClusterView): LiveHealth {
  const { lastContactMs } = stats
  const silent = lastContactMs === null || lastContactMs > electionTimeoutMs
  return {
    matchIndex: null,
    behind: null,
    lastContactMs: rounded(lastContactMs),
    roundTripMs: null,
    condition: silent ? 'silent' : 'ok',
  }
}

function lags(behind: number, { committedPerS }: ClusterView): boolean {
  return behind > Math.max(unremarkableEntries, unremarkableS * committedPerS)
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}
