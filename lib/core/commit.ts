import { assert } from './assert.js'
import type { CoreState } from './core-state.js'
import type { LogIndex } from './types.js'

/** Moves the commit index up, never down, and tells the state machine's feeder. */
export function commitTo(state: CoreState, index: LogIndex): void {
  if (index <= state.commitIndex) return
  assert(index <= state.log.lastIndex, 'only entries of the log are committed', {
    index,
    lastIndex: state.log.lastIndex,
  })
  state.commitIndex = index
  state.log.committed(index, state.durable.index)
  state.emit({ kind: 'commit', index })
  const committed = state.configurations.at(index)
  if (committed.index > state.committedConfigurationIndex) {
    state.committedConfigurationIndex = committed.index
    state.emit({ kind: 'members', configuration: committed, committed: true })
  }
}

/** A new configuration is in force, or a truncation brought an older one back (S4). */
export function announceMembers(state: CoreState): void {
  state.emit({
    kind: 'members',
    configuration: state.configurations.latest,
    committed: state.configurations.latest.index <= state.commitIndex,
  })
}
