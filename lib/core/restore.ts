import type { CoreState } from './core-state.js'
import type { Rejection } from './effects.js'
import { emitLead } from './followers.js'
import type { Input } from './inputs.js'
import { notLeader, onDurable } from './leader.js'
import { appendOwn, isReady } from './own-append.js'

type InputOf<Kind extends Input['kind']> = Extract<Input, { kind: Kind }>

/**
 * A user's restore, at the leader, in two steps. `begin` takes no more proposals and says where the
 * snapshot will stand: above the last entry and above the index that it had where it was taken. Once it is
 * durable under that name, `commit` puts it in the place of the log. What it means that the others do not
 * have it yet is said in uncertain.ts.
 */
export function onRestoreBegin(state: CoreState, input: InputOf<'restoreBegin'>): void {
  const { id } = input
  const reason = refuseRestore(state)
  if (reason !== null || state.leading === null) {
    state.emit({ kind: 'restoreRefused', id, reason: reason ?? 'notLeader' })
    return
  }
  // One index is burnt: no follower has an entry there, so each must take the snapshot.
  const index = Math.max(state.log.lastIndex, input.index) + 1
  state.leading.restoring = { id, index }
  const configuration = state.configurations.latest
  state.emit({ kind: 'restoreReady', id, index, term: state.term, configuration })
}

function refuseRestore(state: CoreState): Rejection | null {
  const { leading } = state
  if (leading === null) return notLeader(state)
  if (leading.transfer !== null) return 'transferInProgress'
  const { restoring, change } = leading
  if (restoring !== null || change !== null || state.uncertain !== null) return 'changeInProgress'
  // S4: the configuration goes into the snapshot, so it must not be one that may yet be truncated.
  if (state.configurations.latest.index > state.commitIndex) return 'changeInProgress'
  if (state.configuration.outgoing !== undefined || !isReady(state)) return 'changeInProgress'
  return state.storeFull ? 'storageFull' : null
}

export function onRestoreCancel(state: CoreState, input: InputOf<'restoreCancel'>): void {
  const { leading } = state
  if (leading?.restoring?.id === input.id) leading.restoring = null
}

/** The one step that changes anything: log, replication and proposals go over to the snapshot together. */
export function onRestoreCommit(
  state: CoreState,
  now: number,
  input: InputOf<'restoreCommit'>,
): void {
  const { id, index, term } = input
  const { leading } = state
  const reason = refuseCommit(state, input)
  if (leading === null || reason !== null) {
    // What the log begins with was asked for twice.
    const inUse = index === state.snapshotIndex && term === state.snapshotTerm
    if (!inUse) state.emit({ kind: 'discardSnapshot', index, term, undone: true })
    state.emit({ kind: 'restoreRefused', id, reason: reason ?? notLeader(state) })
    return
  }
  leading.restoring = null
  // S17: in the log, some perhaps committed, and superseded whatever they were.
  state.emit({ kind: 'proposalsUnknown', fromIndex: 0, reason: 'abortedByRestore' })
  leading.uncommitted.length = 0
  leading.uncommittedBytes = 0
  leading.progressAt = now
  // S10: no read is served before the restored state is committed.
  leading.termStartIndex = index + 1
  const configuration = state.configurations.latest
  state.snapshotIndex = index
  state.snapshotTerm = term
  state.uncertain = { index, term }
  state.log.reset(index, term)
  state.configurations.reset(configuration)
  state.emit({ kind: 'holdApply' })
  state.emit({ kind: 'resetLog', seq: state.durable.reset(index), index, term })
  for (const progress of leading.progress.values()) {
    // S1: what the follower matched is of the log that is gone; its replicator begins anew.
    progress.matchIndex = 0
    emitLead(state, progress.server, progress.incarnation)
  }
  state.emit({ kind: 'barrierAccepted', id, index: index + 1, term })
  appendOwn(state, now, 1, 0, { kind: 'noop' })
  onDurable(state, now)
}

function refuseCommit(state: CoreState, input: InputOf<'restoreCommit'>): Rejection | null {
  const { leading } = state
  if (leading === null || input.term !== state.term) return notLeader(state)
  if (leading.transfer !== null) return 'transferInProgress'
  const { restoring } = leading
  const current = restoring?.id === input.id && restoring.index === input.index
  // A change of members may have been appended meanwhile.
  const settled = state.configurations.latest.index <= state.commitIndex
  if (!current || !settled || state.log.lastIndex >= input.index) return 'changeInProgress'
  return state.storeFull ? 'storageFull' : null
}
