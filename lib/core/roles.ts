import { abandonChange } from './change.js'
import { announceMembers } from './commit.js'
import type { CoreState } from './core-state.js'
import type { NodeId, Role, Term } from './types.js'

/** Changes of role, term and leader: the only places that touch those fields. */

/**
 * Raft §5.1: a newer term makes a follower, whatever the node was. In the same term a candidate that
 * hears the leader follows it. The new term is durable before anything is answered in it.
 */
export function becomeFollower(
  state: CoreState,
  now: number,
  term: Term,
  leader: NodeId | null,
  cause: string,
): void {
  const led = state.leading !== null
  if (led) leaveLeadership(state)
  const changed = state.role !== 'follower' || state.term !== term || state.leader !== leader
  const newTerm = term !== state.term
  if (changed) withdrawControlBlock(state)
  if (newTerm) {
    state.term = term
    state.votedFor = null
    state.dropGated()
    state.saveHardState()
  }
  state.candidacy = null
  state.role = 'follower'
  state.leader = leader
  // Raft §5.2: only its leader or a vote given puts a follower's election off. A newer term does not, or a
  // hasty node with a poor log would for ever keep the better ones from campaigning.
  if (led) state.electionDeadline = now + state.randomTimeout(state.config.heartbeatTimeoutMs)
  if (changed) announce(state, cause)
}

/** A leader that must not lead any more gives up its role and keeps its term. */
export function stepDown(state: CoreState, now: number, cause: string): void {
  becomeFollower(state, now, state.term, null, cause)
}

/** S9: the fast path stops before anything that may vote, campaign or change the term. */
export function withdrawControlBlock(state: CoreState): void {
  state.dropGatedControlBlock()
  state.emit({ kind: 'controlBlock', block: null })
}

/** S9: heartbeats of this leader are answered without the core once the term is durable. */
export function publishControlBlock(state: CoreState, leader: NodeId, addedAt: number): void {
  state.gate({
    kind: 'controlBlock',
    block: { term: state.term, leader, addedAt, leaseMs: state.promisedLeaseMs },
  })
}

export function announce(state: CoreState, cause: string): void {
  state.emit({
    kind: 'roleChanged',
    role: state.role,
    term: state.term,
    leader: state.leader,
    cause,
  })
}

export function changeRole(
  state: CoreState,
  role: Role,
  leader: NodeId | null,
  cause: string,
): void {
  state.role = role
  state.leader = leader
  announce(state, cause)
}

function leaveLeadership(state: CoreState): void {
  const leading = state.leading
  if (leading === null) return
  state.leading = null
  for (const peer of leading.progress.keys()) state.emit({ kind: 'unlead', peer })
  for (const { id } of [...leading.unprobedReads, ...leading.reads]) {
    state.emit({ kind: 'readRejected', id, reason: 'notLeader' })
  }
  if (leading.transfer !== null) {
    // Thesis §3.10: it has done its work if the target was told to campaign before this node gave up.
    const { id, sent } = leading.transfer
    state.emit({ kind: 'transferDone', id, reason: sent ? null : 'leadershipLost' })
  }
  abandonChange(state, leading)
  const left = [...leading.progress.values()].some((progress) => progress.departure !== null)
  if (left) announceMembers(state)
  if (state.commitIndex < state.log.lastIndex) {
    state.emit({ kind: 'proposalsUnknown', fromIndex: state.commitIndex + 1 })
  }
}
