import { majority } from '../core/quorum.js'
import type { Suffrage } from '../core/types.js'

/** A member as the leader sees it. */
export interface ServerHealth {
  readonly id: string
  readonly suffrage: Suffrage
  /** Since it last answered a heartbeat; null: the leader does not follow it up. 0 for the leader itself. */
  readonly silentMs: number | null
}

/** What the leader knows when it looks for servers that are dead. */
export interface ClusterHealth {
  readonly self: string
  /** This node leads, and an entry of its own term is committed. */
  readonly leads: boolean
  /** How long it has led. */
  readonly ledMs: number
  /** The newest configuration is committed and not joint. */
  readonly settled: boolean
  readonly servers: readonly ServerHealth[]
  /** Why this leader may be the one in trouble; null: nothing speaks for it. */
  readonly doubt: string | null
}

export interface DeadServerRules {
  /** Unreachable for so long is dead. 0: nobody ever is. */
  readonly graceMs: number
  /** Heard within this time is healthy. */
  readonly healthyMs: number
  /** Voters left at least. */
  readonly minQuorum: number
}

export type DeadServerVerdict =
  | { readonly remove: string; readonly silentMs: number }
  /** Nobody is to be removed; `candidate` is who would have been. */
  | { readonly remove: null; readonly candidate: string | null; readonly reason: string }

/**
 * Which server the leader may remove because it is dead, one at a time. A partition must never shrink
 * the quorum: a voter goes only if those that were heard just now, this leader among them, are a majority
 * of the voters with it and of the voters without it, and `minQuorum` voters are left.
 */
export function judgeDeadServers(health: ClusterHealth, rules: DeadServerRules): DeadServerVerdict {
  const refuse = (reason: string, candidate: string | null = null): DeadServerVerdict => ({
    remove: null,
    candidate,
    reason,
  })
  if (rules.graceMs === 0) return refuse('dead servers are not removed (deadServerGraceMs is 0)')
  if (!health.leads)
    return refuse('only a leader with a committed entry of its term removes servers')
  const dead = longestSilent(health, rules.graceMs)
  if (dead === null) return refuse('every server was heard within the grace time')
  if (health.ledMs < rules.graceMs)
    return refuse('this node leads for less than the grace time', dead.id)
  if (health.doubt !== null) return refuse(`the leader is in doubt: ${health.doubt}`, dead.id)
  if (!health.settled) return refuse('a configuration change is under way', dead.id)
  const danger = endangered(health, rules, dead)
  if (danger !== null) return refuse(danger, dead.id)
  return { remove: dead.id, silentMs: dead.silentMs }
}

/** Nonvoters first: their removal endangers nothing. Of those alike, the one that is silent longest. */
function longestSilent(
  { servers, self }: ClusterHealth,
  graceMs: number,
): { readonly id: string; readonly suffrage: Suffrage; readonly silentMs: number } | null {
  const dead = servers.flatMap(({ id, suffrage, silentMs }) =>
    id !== self && silentMs !== null && silentMs >= graceMs ? [{ id, suffrage, silentMs }] : [],
  )
  const rank = (suffrage: Suffrage) => (suffrage === 'voter' ? 1 : 0)
  dead.sort((a, b) => rank(a.suffrage) - rank(b.suffrage) || b.silentMs - a.silentMs)
  return dead[0] ?? null
}

function endangered(
  { servers, self }: ClusterHealth,
  { healthyMs, minQuorum }: DeadServerRules,
  dead: { readonly id: string; readonly suffrage: Suffrage },
): string | null {
  const voters = servers.filter(({ suffrage }) => suffrage === 'voter')
  if (!voters.some(({ id }) => id === self)) return 'this leader is no voter'
  const healthy = voters.filter(
    ({ id, silentMs }) => id === self || (silentMs !== null && silentMs <= healthyMs),
  ).length
  const left = dead.suffrage === 'voter' ? voters.length - 1 : voters.length
  if (dead.suffrage === 'voter' && left < minQuorum) {
    return `${left} voters would be left, fewer than deadServerMinQuorum ${minQuorum}`
  }
  for (const count of [voters.length, left]) {
    if (healthy >= majority(count)) continue
    return `${healthy} healthy voters are no majority of ${count}`
  }
  return null
}
