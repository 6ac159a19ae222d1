import type { CoreState } from './core-state.js'
import type { LeaderState, Progress } from './leader-state.js'
import { isVoter } from './quorum.js'
import type { NodeId } from './types.js'

/** Thesis §3.10: proposals stop, the target catches up, then it is told to campaign at once. */
export function onTransfer(state: CoreState, now: number, id: number, to: NodeId | null): void {
  const leading = state.leading as LeaderState
  if (leading.transfer !== null) {
    state.emit({ kind: 'transferDone', id, reason: 'transferInProgress' })
    return
  }
  const target = to ?? bestTarget(state, leading)
  const eligible =
    target !== null && leading.progress.has(target) && isVoter(state.configuration, target)
  if (!eligible) {
    state.emit({ kind: 'transferDone', id, reason: 'unknownServer' })
    return
  }
  const deadline = now + state.config.electionTimeoutMs
  leading.transfer = { id, to: target, deadline, sent: false }
  continueTransfer(state)
}

/** TimeoutNow goes out once the target holds the whole log. */
export function continueTransfer(state: CoreState): void {
  const leading = state.leading
  const transfer = leading?.transfer ?? null
  if (leading === null || transfer === null || transfer.sent) return
  if ((leading.progress.get(transfer.to)?.matchIndex ?? 0) < state.log.lastIndex) return
  transfer.sent = true
  leading.timeoutNowSent = true
  state.emit({ kind: 'timeoutNow', peer: transfer.to, term: state.term })
}

/** Bounded by one election timeout; afterwards this leader takes proposals again. */
export function transferTick(state: CoreState, now: number): void {
  const transfer = state.leading?.transfer ?? null
  if (state.leading === null || transfer === null || now < transfer.deadline) return
  state.leading.transfer = null
  state.emit({ kind: 'transferDone', id: transfer.id, reason: 'transferTimeout' })
}

/** The voter that was heard last among those that hold the most of the log. */
function bestTarget(state: CoreState, leading: LeaderState): NodeId | null {
  let best: Progress | null = null
  for (const progress of leading.progress.values()) {
    if (!isVoter(state.configuration, progress.peer)) continue
    if (best === null || isBetter(progress, best)) best = progress
  }
  return best?.peer ?? null
}

function isBetter(one: Progress, other: Progress): boolean {
  if (one.matchIndex !== other.matchIndex) return one.matchIndex > other.matchIndex
  return one.lastAckAt > other.lastAckAt
}
