import { assert } from './assert.js'
import { announceMembers, commitTo } from './commit.js'
import type { CoreState } from './core-state.js'
import { makeWayIfFull } from './full-store.js'
import type { Input } from './inputs.js'
import { stepDown } from './roles.js'
import { isUndone, redo, undo } from './uncertain.js'

type InputOf<Kind extends Input['kind']> = Extract<Input, { kind: Kind }>

/** Snapshots, compaction, and a store that is full: what the log's other end does. */

/** S13: at start a snapshot ahead of the log, or in conflict with it, wins. */
export function reconcileAtStart(state: CoreState): void {
  const { snapshotIndex: index, snapshotTerm: term, undone, log } = state
  if (
    undone !== null &&
    log.baseIndex === undone.index &&
    log.termAt(undone.index) === undone.term
  ) {
    // The log that began with it does not count either.
    state.commitIndex = state.uncertain === null ? index : 0
    state.committedConfigurationIndex = state.configurations.at(state.commitIndex).index
    return beginAnew(state)
  }
  assert(index >= state.log.baseIndex, 'a snapshot reaches to where the log begins (S13)', {
    snapshotIndex: index,
    logBase: state.log.baseIndex,
  })
  if (index === 0 || state.log.termAt(index) === term) return
  beginAnew(state)
}

function beginAnew(state: CoreState): void {
  const { snapshotIndex: index, snapshotTerm: term } = state
  state.log.reset(index, term)
  state.configurations.truncate(index + 1)
  state.emit({ kind: 'resetLog', seq: state.durable.reset(index), index, term })
}

/** A snapshot made here: the log may lose what it covers, but for some trailing entries. */
export function onSnapshotSaved(state: CoreState, input: InputOf<'snapshotSaved'>): void {
  if (input.index <= state.snapshotIndex) return
  if (input.index > state.commitIndex) {
    // The state machine knows more than a log that began anew (uncertain.ts): it is given what is committed.
    if (state.log.termAt(input.index) !== input.term) return
    commitTo(state, input.index)
  }
  state.snapshotIndex = input.index
  state.snapshotTerm = input.term
  const trailing = state.log.lastIndex - state.config.trailingLogs
  compactTo(state, Math.min(input.index, trailing, input.keepAbove ?? input.index))
}

function compactTo(state: CoreState, index: number): void {
  const safe = Math.min(index, state.commitIndex, state.durable.index)
  if (safe <= state.log.baseIndex) return
  state.log.compact(safe)
  state.configurations.compact(safe)
  state.emit({ kind: 'compact', seq: state.durable.compacted(), index: safe })
}

/** S13, Raft Figure 13 steps 6 to 8: one step decides over log and state machine together. */
export function onSnapshotReceived(state: CoreState, input: InputOf<'snapshotReceived'>): void {
  const { index, term } = input
  // A transfer that was repeated brings the very snapshot that the log now begins with.
  if (index === state.snapshotIndex && term === state.snapshotTerm) return
  const undone = isUndone(state, input.leaderTerm, index)
  if (input.leaderTerm !== state.term || (index <= state.commitIndex && !undone)) {
    state.emit({ kind: 'discardSnapshot', index, term })
    return
  }
  const replaced = undone ? null : state.uncertain
  if (undone) undo(state)
  if (input.restored === true) redo(state, input)
  state.snapshotIndex = index
  state.snapshotTerm = term
  if (!undone && state.log.termAt(index) === term) {
    // The log holds the snapshot's last entry: it is right up to there, and what follows stays.
    commitTo(state, index)
    return
  }
  // A conflicting suffix does not survive the install (hashicorp/raft issue 697).
  state.log.reset(index, term)
  state.configurations.reset(input.configuration)
  state.emit({ kind: 'resetLog', seq: state.durable.reset(index), index, term })
  // S15: what the store had refused was of the log that is gone now.
  state.refused = null
  if (!undone && (state.voteFloor?.index ?? 0) <= index) state.voteFloor = null
  if (replaced !== null) {
    state.emit({ kind: 'discardSnapshot', ...replaced, undone: true })
  }
  // What is at or below the own commit index is committed, whoever sends it.
  if (input.restored === true && index > state.commitIndex) {
    state.uncertain = { index, term }
    state.emit({ kind: 'holdApply' })
  } else {
    state.uncertain = null
    state.commitIndex = index
    state.committedConfigurationIndex = input.configuration.index
    if (state.undone !== null && undone) {
      state.emit({ kind: 'restoreUndone', index, term, undone: state.undone.index })
    } else state.emit({ kind: 'restoreSnapshot', index, term })
  }
  announceMembers(state)
}

/** S15: nothing was written. The leadership goes to where there is room, reads go on, the log waits for it. */
export function onLogRefused(state: CoreState, now: number, input: InputOf<'logRefused'>): void {
  state.refused = state.durable.refused(input.seq, input.lastIndex, state.refused)
  state.storeFull = true
  if (state.leading !== null) return makeWayIfFull(state, now)
  // S15: no campaign goes on; its leader could write nothing.
  if (state.role !== 'follower') stepDown(state, now, 'the store is full')
}

/** There is room again: everything that the store does not hold is issued once more. */
export function onLogWritable(state: CoreState): void {
  if (!state.storeFull) return
  const refused = state.refused
  state.storeFull = false
  state.refused = null
  if (refused === null) return
  const { log, durable } = state
  let { fromIndex } = refused
  if (refused.reset) {
    const [index, term] = [log.baseIndex, log.termAt(log.baseIndex) ?? 0]
    state.emit({ kind: 'resetLog', seq: durable.reset(index), index, term, again: true })
    fromIndex = index + 1
  } else if (refused.drop) {
    state.emit({ kind: 'truncate', seq: durable.truncated(fromIndex), fromIndex, again: true })
  }
  for (const span of log.spansAbove(fromIndex - 1)) {
    const prevTerm = 0
    const seq = durable.appended(span.lastIndex)
    state.emit({ kind: 'append', seq, batches: [{ ...span, prevTerm, content: { kind: 'held' } }] })
  }
}

/** The log actor has made the bootstrap entry durable; the log, the term and the members follow it. */
export function onBootstrapped(state: CoreState, input: InputOf<'bootstrapped'>): void {
  assert(state.log.lastIndex === 0 && state.term === 0, 'only an empty node is bootstrapped', {
    lastIndex: state.log.lastIndex,
    term: state.term,
  })
  state.term = 1
  state.log.append({ firstIndex: 1, lastIndex: 1, term: 1 })
  state.durable.flushed(state.durable.appended(1))
  state.configurations.append(1, input.configuration)
  announceMembers(state)
}
