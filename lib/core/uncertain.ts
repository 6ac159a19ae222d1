import type { CoreState } from './core-state.js'
import type { AppendEntries } from './rpc.js'
import type { LogIndex, Term } from './types.js'

/**
 * A restored snapshot that is not known to be committed.
 *
 * A user's restore puts a snapshot at (X, T) in the place of everything before: X is above every entry of
 * the leader's log, T is its term. To Raft that is one entry of term T which carries a whole state, and
 * like any entry it is committed once a quorum holds it, or something of a later term behind it, and not
 * before. Until then:
 *
 * - whoever holds it is `uncertain`: its log begins at X, its commit index stays where it was, its state
 *   machine is given nothing and keeps what it has. So no state machine ever goes back.
 * - a node without it may still be elected, by a quorum without it. Nothing that was committed is lost then:
 *   (X, T) is later than every entry it replaced, so whoever gave such an entry up for it votes only for
 *   nodes that have something later, and those who kept it vote as ever.
 * - the leader of that later term does not have what the uncertain node's log begins with, and that node does
 *   not have what was before. It answers that it needs a snapshot (`askForSnapshot`) and takes whatever
 *   comes, even from below its commit index (`undo`). That (X, T) does not count any more is in the hard
 *   state, durable before anything is answered that would not be true of (X, T); there it is also the floor
 *   for votes, since what this node acknowledged before the restore, and does not hold, lies below it.
 */
export interface SnapshotPosition {
  readonly index: LogIndex
  readonly term: Term
}

/** What came into force: what was replaced is gone for good, and the state machine takes the snapshot. */
export function confirmRestore(state: CoreState): void {
  const { uncertain } = state
  if (uncertain === null) return
  state.uncertain = null
  state.emit({ kind: 'restoreSnapshot', ...uncertain })
}

/**
 * Whether the sender's log does not begin as this one does, so that nothing in it can be compared: of
 * what is at or below the snapshot this node knows nothing.
 */
export function askForSnapshot(state: CoreState, request: AppendEntries): boolean {
  const { uncertain } = state
  if (uncertain === null || request.prevLogIndex > uncertain.index) return false
  return request.prevLogIndex < uncertain.index || request.prevLogTerm !== uncertain.term
}

/**
 * The leader of a later term sends a snapshot at or below X. One that has (X, T) has it from the beginning
 * of its term and nothing older to send, so the restore has come to nothing.
 */
export function isUndone(state: CoreState, leaderTerm: Term, index: LogIndex): boolean {
  const { uncertain } = state
  return (
    uncertain !== null &&
    leaderTerm === state.term &&
    leaderTerm > uncertain.term &&
    index <= uncertain.index
  )
}

export function undo(state: CoreState): void {
  state.undone = state.uncertain
  state.uncertain = null
  state.voteFloor = state.undone
  state.discarding = state.saveHardState()
}

/** Not before it is durable that it does not count: the log on the disk may begin with it. */
export function discardUndone(state: CoreState): void {
  const { undone, discarding } = state
  if (discarding === null || !state.hardStateIsSaved(discarding)) return
  state.discarding = null
  if (undone !== null) state.emit({ kind: 'discardSnapshot', ...undone, undone: true })
}

/** What came to nothing here comes again, from a leader whose log begins with it. */
export function redo(state: CoreState, { index, term }: SnapshotPosition): void {
  if (state.undone?.index !== index || state.undone.term !== term) return
  state.undone = null
  state.discarding = null
  state.saveHardState()
}
