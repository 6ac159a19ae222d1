import type { CoreState } from './core-state.js'
import { isMember } from './quorum.js'
import type { Removed } from './rpc.js'
import type { LogIndex, NodeId } from './types.js'

/**
 * How a node learns that it is not a member any more. Its own log does not tell: a server that is added
 * again reads of its removal on the way to the entry that adds it. So it believes the leader (S4), or a
 * voter that hears a leader and whose committed configuration, at or above this node's own, has it no more.
 * A node that hears nobody and finds itself left out asks the voters: a pre-vote is such a question.
 */

export function learnRemoval(state: CoreState, index: LogIndex): void {
  if (state.removedAt !== null && state.removedAt >= index) return
  state.removedAt = index
  state.emit({ kind: 'removedFromCluster', index })
}

export function onRemoved(state: CoreState, request: Removed): void {
  if (request.term < state.term) return
  const { index, configuration } = state.configurations.latest
  // Added again since, as this node knows already.
  if (index > request.index && isMember(configuration, state.id)) return
  learnRemoval(state, request.index)
}

/** A refusal said that a later configuration than this node's own has no such candidate. */
export function onOutside(state: CoreState, outsideSince: LogIndex): void {
  if (!state.wasMember || outsideSince === 0) return
  if (outsideSince >= state.configurations.latest.index) learnRemoval(state, outsideSince)
}

/** Left out of the newest configuration, though not of an earlier one, and not told why. */
export function isLeftOut(state: CoreState): boolean {
  const { index, configuration } = state.configurations.latest
  const left = state.wasMember && index > 0 && !isMember(configuration, state.id)
  return left && state.removedAt === null
}

/** A leader speaks in a session that began after the removal: this node was added again. */
export function noteLeader(state: CoreState, addedAt: LogIndex): void {
  if (state.removedAt !== null && addedAt > state.removedAt) state.removedAt = null
}

/** What to say to a candidate: index of the committed configuration without it, or 0. */
export function outsideSince(state: CoreState, candidate: NodeId): LogIndex {
  const { index, configuration } = state.configurations.at(state.commitIndex)
  return index > 0 && !isMember(configuration, candidate) ? index : 0
}
