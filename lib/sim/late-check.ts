import type { Effect } from '../core/effects.js'
import type { Input } from '../core/inputs.js'
import type { CoreStatus, RaftCore } from '../core/raft-core.js'
import type { LogIndex, NodeId } from '../core/types.js'
import { SafetyViolation } from './violation.js'

/**
 * What is late changes nothing (S2, S13): an acknowledgement of another term's session, and a snapshot that
 * another term's leader sent, or that ends below what is committed. Null: the input is not late. Else to be
 * called after the step. @throws SafetyViolation
 */
export function lateCheck(
  id: NodeId,
  core: RaftCore,
  before: CoreStatus,
  input: Input,
): ((after: CoreStatus) => void) | null {
  if (input.kind === 'matched') return lateMatch(id, core, before, input)
  return input.kind === 'snapshotReceived' ? lateSnapshot(id, before, input) : null
}

function lateMatch(
  id: NodeId,
  core: RaftCore,
  { role, term }: CoreStatus,
  { peer, session }: Extract<Input, { kind: 'matched' }>,
) {
  if (role !== 'leader' || session.term === term) return null
  const before = matchOf(core, peer)
  return () => {
    const after = matchOf(core, peer)
    if (after === before) return
    const text = `${id} leads term ${term} and counts ${peer} up to ${after} for term ${session.term}`
    throw new SafetyViolation('late acknowledgements', text)
  }
}

function lateSnapshot(
  id: NodeId,
  { term, commitIndex, uncertain, snapshotIndex, lastLogIndex }: CoreStatus,
  { index, leaderTerm }: Extract<Input, { kind: 'snapshotReceived' }>,
) {
  // A restore of the user's that came to nothing is undone by a snapshot from before it.
  const below = index <= commitIndex && !uncertain
  if (leaderTerm === term && !below) return null
  return (after: CoreStatus) => {
    if (after.snapshotIndex === snapshotIndex && after.lastLogIndex === lastLogIndex) return
    const text = `${id}, in term ${term} and committed up to ${commitIndex}, installs ${index} of term ${leaderTerm}`
    throw new SafetyViolation('late snapshots', text)
  }
}

/** Raft §5.1, S5: what an older term flushed, or the log held then, may not be there any more. */
export function checkReplies(id: NodeId, effects: readonly Effect[], { term }: CoreStatus): void {
  for (const effect of effects) {
    if (effect.kind !== 'replyAppend' || !effect.reply.success || effect.reply.term === term)
      continue
    const text = `${id}, in term ${term}, acknowledges ${effect.reply.matchIndex} to term ${effect.reply.term}`
    throw new SafetyViolation('late acknowledgements', text)
  }
}

function matchOf(core: RaftCore, peer: NodeId): LogIndex {
  return core.matchIndexes().get(peer) ?? 0
}
