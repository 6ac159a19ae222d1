import { assert } from './assert.js'
import type { CoreState } from './core-state.js'
import { isMember, membersOf } from './quorum.js'
import { FIRST_GENERATION, type LogIndex, type Server, type Standing } from './types.js'
import { confirmRestore } from './uncertain.js'

/** Moves the commit index up, never down, and tells the state machine's feeder. */
export function commitTo(state: CoreState, index: LogIndex): void {
  if (index <= state.commitIndex) return
  // Entries that a restored snapshot replaces: they are not here.
  if (state.uncertain !== null && index < state.uncertain.index) return
  assert(index <= state.log.lastIndex, 'only entries of the log are committed', {
    index,
    lastIndex: state.log.lastIndex,
  })
  state.commitIndex = index
  state.log.committed(index, state.durable.index)
  state.emit({ kind: 'commit', index })
  confirmRestore(state)
  const committed = state.configurations.at(index)
  if (committed.index > state.committedConfigurationIndex) {
    state.committedConfigurationIndex = committed.index
    state.emit({
      kind: 'members',
      configuration: committed,
      committed: true,
      peers: peersOf(state),
      standing: standingOf(state),
    })
  }
}

/** A new configuration is in force, or a truncation brought an older one back (S4). */
export function announceMembers(state: CoreState): void {
  if (isMember(state.configuration, state.id)) state.wasMember = true
  state.emit({
    kind: 'members',
    configuration: state.configurations.latest,
    committed: state.configurations.latest.index <= state.commitIndex,
    peers: peersOf(state),
    standing: standingOf(state),
  })
}

function peersOf(state: CoreState): readonly Server[] {
  const peers = membersOf(state.configuration).filter((server) => server.id !== state.id)
  const leaving = [...(state.leading?.progress.values() ?? [])].filter(
    (progress) => progress.departure !== null,
  )
  return [...peers, ...leaving.map((progress) => progress.server)]
}

function standingOf(state: CoreState): Standing {
  const { generation = FIRST_GENERATION } = state.configuration
  return { generation, addedAt: state.configurations.server(state.id)?.addedAt ?? 0 }
}
