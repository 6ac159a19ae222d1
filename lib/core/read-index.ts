import type { CoreState } from './core-state.js'
import type { LeaderState } from './leader-state.js'
import { quorumReached } from './quorum.js'

/** Probes sent and not yet confirmed; further reads wait and share the next one. */
const MAX_OUTSTANDING_PROBES = 4

/**
 * Thesis §6.4, S10: the commit index at the read's arrival is its read index once a quorum has answered
 * a heartbeat sent after that; only then is it certain that no other leader had committed more.
 */
export function onReadIndex(state: CoreState, now: number, id: number, lease: boolean): void {
  const leading = state.leading as LeaderState
  if (lease) {
    const ready = state.commitIndex >= leading.termStartIndex
    if (ready && holdsLease(state, now)) {
      state.emit({ kind: 'readReady', id, index: state.commitIndex })
    } else {
      state.emit({ kind: 'readRejected', id, reason: 'leaseUnavailable' })
    }
    return
  }
  leading.unprobedReads.push({ id, lease })
  probeReads(state, now)
}

/** S10: the quorum-th newest promise still holds, and no TimeoutNow went out in this term. */
export function holdsLease(state: CoreState, now: number): boolean {
  const leading = state.leading
  if (leading === null || leading.timeoutNowSent) return false
  const until = quorumReached(state.configuration, (id) =>
    id === state.id
      ? Number.POSITIVE_INFINITY
      : (leading.progress.get(id)?.leaseUntil ?? Number.NEGATIVE_INFINITY),
  )
  return now < until
}

/** The term's first commit is what waiting reads needed first. */
export function onTermCommitted(state: CoreState, now: number): void {
  probeReads(state, now)
}

function probeReads(state: CoreState, now: number): void {
  const leading = state.leading as LeaderState
  if (leading.unprobedReads.length === 0 || state.commitIndex < leading.termStartIndex) return
  const oldest = leading.reads[0]?.probe
  if (oldest !== undefined && leading.probe - oldest + 1 >= MAX_OUTSTANDING_PROBES) return
  leading.probe += 1
  for (const { id } of leading.unprobedReads.splice(0)) {
    leading.reads.push({ id, index: state.commitIndex, probe: leading.probe })
  }
  state.emit({ kind: 'probe', probe: leading.probe })
  confirmReads(state, now)
}

/** Answers of voters to the probe, or to a later one, release the reads. */
export function confirmReads(state: CoreState, now: number): void {
  const leading = state.leading as LeaderState
  if (leading.reads.length === 0) return
  const confirmed = quorumReached(state.configuration, (id) =>
    id === state.id ? leading.probe : (leading.progress.get(id)?.probeAcked ?? 0),
  )
  while ((leading.reads[0]?.probe ?? Number.POSITIVE_INFINITY) <= confirmed) {
    const read = leading.reads.shift()
    if (read !== undefined) state.emit({ kind: 'readReady', id: read.id, index: read.index })
  }
  probeReads(state, now)
}
