import type { CoreState } from './core-state.js'
import type { AppendedBatch } from './effects.js'
import type { LeaderState } from './leader-state.js'

/** Appends at the leader: to its own log, and through the host's tail to every replicator at once. */
export function appendOwn(
  state: CoreState,
  now: number,
  count: number,
  bytes: number,
  content: AppendedBatch['content'],
): void {
  const leading = state.leading as LeaderState
  if (state.commitIndex === state.log.lastIndex) leading.progressAt = now
  const firstIndex = state.log.lastIndex + 1
  const lastIndex = firstIndex + count - 1
  const prevTerm = state.log.lastTerm
  const span = { firstIndex, lastIndex, term: state.term }
  state.log.append(span)
  leading.uncommitted.push({ lastIndex, bytes })
  leading.uncommittedBytes += bytes
  const seq = state.durable.appended(lastIndex)
  state.emit({ kind: 'append', seq, batches: [{ ...span, prevTerm, content }] })
}

/** S10: an entry of the own term is committed, so the commit index covers all former terms. */
export function isReady(state: CoreState): boolean {
  return state.leading !== null && state.commitIndex >= state.leading.termStartIndex
}
