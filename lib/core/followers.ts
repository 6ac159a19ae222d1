import { announceMembers } from './commit.js'
import type { CoreState } from './core-state.js'
import type { LeaderState, Progress } from './leader-state.js'
import { membersOf } from './quorum.js'
import type { LogIndex, Server } from './types.js'

/** Whom a leader replicates to: everyone in the newest configuration, and for a while those it dropped. */

export function startReplication(state: CoreState, now: number, server: Server): void {
  const incarnation = state.incarnations.get(server.id) ?? null
  state.leading?.progress.set(server.id, {
    peer: server.id,
    addedAt: server.addedAt,
    server,
    departure: null,
    incarnation,
    matchIndex: 0,
    lastAckAt: now,
    leaseUntil: Number.NEGATIVE_INFINITY,
    probeAcked: 0,
  })
  emitLead(state, server, incarnation)
}

export function emitLead(state: CoreState, peer: Server, incarnation: string | null): void {
  const { lastIndex, lastTerm } = state.log
  state.emit({ kind: 'lead', peer, term: state.term, incarnation, lastIndex, lastTerm })
}

/** A configuration was appended here: from this moment it is the one in force (S4). */
export function followConfiguration(state: CoreState, now: number, index: LogIndex): void {
  const leading = state.leading as LeaderState
  const members = new Map(membersOf(state.configuration).map((server) => [server.id, server]))
  members.delete(state.id)
  const deadline = now + state.config.removeGraceMs
  for (const progress of leading.progress.values()) {
    if (!members.has(progress.peer)) progress.departure ??= { index, deadline }
  }
  for (const server of members.values()) {
    const progress = leading.progress.get(server.id)
    // S2: who was removed and is added again begins anew, whatever it held before.
    if (progress?.addedAt !== server.addedAt) startReplication(state, now, server)
    else progress.server = server
  }
  announceMembers(state)
}

/**
 * S4: a removed member is followed until the committed removal has reached it, or its time is up; then
 * it is told.
 */
export function finishDepartures(state: CoreState, now: number): void {
  const leading = state.leading
  if (leading === null) return
  let gone = false
  for (const progress of leading.progress.values()) {
    if (!hasDeparted(state, now, progress)) continue
    gone = true
    const { peer, departure } = progress
    leading.progress.delete(peer)
    const index = departure?.index ?? 0
    state.emit({ kind: 'tellRemoved', peer, term: state.term, index })
    state.emit({ kind: 'unlead', peer })
  }
  if (gone) announceMembers(state)
}

function hasDeparted(state: CoreState, now: number, progress: Progress): boolean {
  const { departure, matchIndex } = progress
  if (departure === null || state.commitIndex < departure.index) return false
  return matchIndex >= departure.index || now >= departure.deadline
}
