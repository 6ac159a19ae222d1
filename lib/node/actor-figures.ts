import type { ActorStats } from '../runtime/actor.js'
import type { ActorFigures } from './stats-types.js'

/** How much each actor had to do of late, from what it has counted now and before. */
export function actorFigures(
  now: readonly ActorStats[],
  before: readonly ActorStats[],
  recentMs: number,
): readonly ActorFigures[] {
  const earlier = new Map(before.map((stats) => [stats.name, stats]))
  return now.map((stats) => ({ ...stats, ...sharesOf(stats, earlier.get(stats.name), recentMs) }))
}

function sharesOf(now: ActorStats, earlier: ActorStats | undefined, recentMs: number) {
  // One that was started anew meanwhile counts from zero again.
  const before = earlier !== undefined && earlier.turns <= now.turns ? earlier : undefined
  const turns = now.turns - (before?.turns ?? 0)
  const messages = taken(now) - (before === undefined ? 0 : taken(before))
  return {
    busyShare: recentMs > 0 ? share((now.busyMs - (before?.busyMs ?? 0)) / recentMs) : 0,
    loopShare: loopShare(now, before),
    messagesPerTurn: turns > 0 ? messages / turns : 0,
  }
}

function loopShare({ loop }: ActorStats, before: ActorStats | undefined): number | null {
  if (loop === undefined) return null
  const active = loop.activeMs - (before?.loop?.activeMs ?? 0)
  const idle = loop.idleMs - (before?.loop?.idleMs ?? 0)
  return active + idle > 0 ? share(active / (active + idle)) : 0
}

function taken({ controlMessages, dataMessages }: ActorStats): number {
  return controlMessages + dataMessages
}

function share(part: number): number {
  return Math.min(1, Math.max(0, part))
}
