import type { CoreState } from './core-state.js'
import type { Rejection } from './effects.js'
import type { LeaderState, Progress } from './leader-state.js'
import type { NodeId } from './types.js'

/** Thesis §3.10: proposals stop, the target catches up, then it is told to campaign at once. */
export function onTransfer(state: CoreState, now: number, id: number, to: NodeId | null): void {
  const leading = state.leading as LeaderState
  const target = to ?? bestTarget(state, leading, now)
  const refusal = leading.transfer !== null ? 'transferInProgress' : refuse(state, leading, target)
  if (refusal !== null || target === null) {
    state.emit({ kind: 'transferDone', id, reason: refusal })
    return
  }
  const deadline = now + state.config.electionTimeoutMs
  leading.transfer = { id, to: target, deadline, sent: false }
  continueTransfer(state, now)
}

/** Who cannot win an election is not made to try. */
function refuse(state: CoreState, leading: LeaderState, to: NodeId | null): Rejection | null {
  if (to === null) return 'noOtherVoter'
  if (to === state.id) return 'transferToItself'
  const server = state.configurations.server(to)
  if (server === undefined) return 'unknownServer'
  if (server.suffrage !== 'voter') return 'notVoter'
  // S16: it lost what it had acknowledged and counts for nothing.
  return leading.progress.has(to) ? null : 'unknownServer'
}

/**
 * TimeoutNow goes out once the target holds the whole log. It then has an election timeout to be elected,
 * and this leader waits for it: entries proposed meanwhile would most likely be lost.
 */
export function continueTransfer(state: CoreState, now: number): void {
  const leading = state.leading
  const transfer = leading?.transfer ?? null
  if (leading === null || transfer === null || transfer.sent) return
  if ((leading.progress.get(transfer.to)?.matchIndex ?? 0) < state.log.lastIndex) return
  transfer.sent = true
  transfer.deadline = now + state.config.electionTimeoutMs
  leading.timeoutNowSent = true
  state.emit({ kind: 'timeoutNow', peer: transfer.to, term: state.term })
}

/** A leader on its way out asks the voter that holds everything to campaign at once, if there is one. */
export function handOver(state: CoreState, now: number): void {
  const leading = state.leading as LeaderState
  const target = bestTarget(state, leading, now)
  if (target === null || leading.transfer?.sent === true) return
  if ((leading.progress.get(target)?.matchIndex ?? 0) < state.log.lastIndex) return
  leading.timeoutNowSent = true
  state.emit({ kind: 'timeoutNow', peer: target, term: state.term })
}

/** Bounded by one election timeout to catch up and one to win; then this leader takes proposals again. */
export function transferTick(state: CoreState, now: number): void {
  const transfer = state.leading?.transfer ?? null
  if (state.leading === null || transfer === null || now < transfer.deadline) return
  state.leading.transfer = null
  state.emit({ kind: 'transferDone', id: transfer.id, reason: 'transferTimeout' })
}

/**
 * The voter with the most of the log; of several the one heard last. One that has been silent for a lease
 * is chosen only if there is no other.
 */
function bestTarget(state: CoreState, leading: LeaderState, now: number): NodeId | null {
  let best: Progress | null = null
  const silentSince = now - state.config.leaderLeaseTimeoutMs
  for (const { id, suffrage } of state.configuration.servers) {
    const progress = leading.progress.get(id)
    if (progress === undefined || suffrage !== 'voter') continue
    if (best === null || isBetter(progress, best, silentSince)) best = progress
  }
  return best?.peer ?? null
}

function isBetter(one: Progress, other: Progress, silentSince: number): boolean {
  const [heard, otherHeard] = [one.lastAckAt >= silentSince, other.lastAckAt >= silentSince]
  if (heard !== otherHeard) return heard
  if (one.matchIndex !== other.matchIndex) return one.matchIndex > other.matchIndex
  return one.lastAckAt > other.lastAckAt
}
