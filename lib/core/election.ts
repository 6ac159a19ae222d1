import type { CoreState } from './core-state.js'
import { becomeLeader } from './leader.js'
import { hasQuorum, isVoter } from './quorum.js'
import { isLeftOut, onOutside, outsideSince } from './removal.js'
import { becomeFollower, changeRole, withdrawControlBlock } from './roles.js'
import type { RequestVote, TimeoutNow, VoteReply } from './rpc.js'
import type { NodeId } from './types.js'

const LEADER_HEARD = 'a leader was heard'

/** The election timer has run out. */
export function onElectionTimeout(state: CoreState, now: number): void {
  if (promised(state, now)) {
    // S10: the promise given with a heartbeat may be longer than the own timeout.
    state.electionDeadline = (state.lastContactAt ?? now) + state.promisedLeaseMs
    return
  }
  if (!mayCampaign(state, now)) {
    if (isLeftOut(state)) askWhetherOut(state)
    state.electionDeadline = now + state.randomTimeout(state.config.heartbeatTimeoutMs)
    if (state.role !== 'follower' || state.leader !== null) {
      becomeFollower(state, now, state.term, null, 'no leader heard, and not able to campaign')
    }
    return
  }
  if (state.config.preVote) startPreVote(state, now)
  else campaign(state, now, false)
}

/** S16, S15, S10: who may not vote, or could miss acknowledged entries, does not campaign. */
function mayCampaign(state: CoreState, now: number): boolean {
  if (!state.isVoter || state.removedAt !== null) return false
  return mayVoteNow(state, now) && !state.storeFull && !belowFloor(state)
}

function mayVoteNow(state: CoreState, now: number): boolean {
  return state.mayVote && now >= state.promiseFromBefore
}

function belowFloor(state: CoreState): boolean {
  const floor = state.voteFloor
  if (floor === null) return false
  const { lastTerm, lastIndex } = state.log
  return lastTerm < floor.term || (lastTerm === floor.term && lastIndex < floor.index)
}

/** No answer makes a candidate of this node; a refusal may say that it was removed. */
function askWhetherOut(state: CoreState): void {
  state.round += 1
  state.emit({ kind: 'requestVotes', peers: votingPeers(state), request: voteRequest(state, true) })
}

/** Thesis §9.6: asks whether an election could be won; no term changes, nothing is saved. */
function startPreVote(state: CoreState, now: number): void {
  withdrawControlBlock(state)
  state.candidacy = newCandidacy(state, false)
  state.candidacy.granted.add(state.id)
  state.electionDeadline = now + state.randomTimeout(state.config.electionTimeoutMs)
  changeRole(state, 'preCandidate', null, 'no leader heard within the heartbeat timeout')
  const request = voteRequest(state, true)
  state.emit({ kind: 'requestVotes', peers: votingPeers(state), request })
  countVotes(state, now)
}

/** Raft §5.2: a new term, a vote for oneself, durable, and then requests to all voters. */
export function campaign(state: CoreState, now: number, transfer: boolean): void {
  withdrawControlBlock(state)
  state.term += 1
  state.votedFor = state.id
  state.dropGated()
  state.candidacy = newCandidacy(state, transfer)
  state.electionDeadline = now + state.randomTimeout(state.config.electionTimeoutMs)
  state.saveHardState()
  const cause = transfer ? 'the leader handed over' : 'a pre-vote quorum, or no leader heard'
  changeRole(state, 'candidate', null, cause)
  const request = voteRequest(state, false)
  state.gate({ kind: 'requestVotes', peers: votingPeers(state), request })
}

/** The own vote counts once it is durable (S5). */
export function onHardStateSaved(state: CoreState, now: number): void {
  if (state.role !== 'candidate' || !state.hardStateDurable) return
  state.candidacy?.granted.add(state.id)
  countVotes(state, now)
}

export function onVoteReply(state: CoreState, now: number, from: NodeId, reply: VoteReply): void {
  const candidacy = state.candidacy
  if (!reply.granted && reply.term > state.term) {
    becomeFollower(state, now, reply.term, null, `a newer term in a vote reply of ${from}`)
    return
  }
  if (!reply.granted) onOutside(state, reply.outsideSince)
  // a late answer belongs to another round or role, and is dropped by that.
  const expected = reply.preVote ? 'preCandidate' : 'candidate'
  if (candidacy === null || state.role !== expected || reply.round !== candidacy.round) return
  // Raft §5.2: a vote is for one term. Rounds are counted anew after a restart, so they do not tell.
  const askedTerm = reply.preVote ? state.term + 1 : state.term
  if (reply.granted && reply.term !== askedTerm) return
  if (reply.granted) candidacy.granted.add(from)
  else candidacy.refused.add(from)
  countVotes(state, now)
}

function countVotes(state: CoreState, now: number): void {
  const candidacy = state.candidacy
  if (candidacy === null) return
  if (!hasQuorum(state.configuration, (id) => candidacy.granted.has(id))) return
  if (state.role === 'preCandidate') campaign(state, now, false)
  else if (state.role === 'candidate') becomeLeader(state, now)
}

/** Raft §5.2, §5.4.1; thesis §9.6; S3: judged by term, log and stickiness, never by member lists. */
export function onRequestVote(
  state: CoreState,
  now: number,
  connection: number,
  request: RequestVote,
): void {
  const refusal = refuseVote(state, now, request)
  if (refusal === null && !request.preVote) {
    state.votedFor = request.candidate
    state.saveHardState()
    state.electionDeadline = now + state.randomTimeout(state.config.heartbeatTimeoutMs)
  }
  const reply: VoteReply = {
    kind: 'voteReply',
    preVote: request.preVote,
    term: refusal === null ? request.term : state.term,
    granted: refusal === null,
    round: request.round,
    reason: refusal ?? 'granted',
    outsideSince: refusal === LEADER_HEARD ? outsideSince(state, request.candidate) : 0,
  }
  state.gate({ kind: 'replyVote', connection, candidate: request.candidate, reply })
}

/** Why not, or null. A real request of a newer term that is not refused by stickiness moves the term. */
function refuseVote(state: CoreState, now: number, request: RequestVote): string | null {
  if (!mayVoteNow(state, now)) return 'this node may not vote yet'
  // Stickiness (thesis §4.2.3): whoever hears a leader neither votes nor takes the newer term.
  if (!request.transfer && hearsLeader(state, now)) return LEADER_HEARD
  if (request.term < state.term) return 'the term is old'
  if (request.preVote && request.term === state.term) return 'the term is old'
  if (!request.preVote && request.term > state.term) {
    becomeFollower(state, now, request.term, null, `a vote request of ${request.candidate}`)
  }
  if (!request.preVote && state.votedFor !== null && state.votedFor !== request.candidate) {
    return `the vote of this term went to ${state.votedFor}`
  }
  if (!state.log.isUpToDate(request.lastLogIndex, request.lastLogTerm)) {
    return 'the log is not up to date'
  }
  return belowRequest(state, request) ? 'entries may be missing here' : null
}

/** S15: (lastIndex, term) of a damaged last batch is a floor for granting votes. */
function belowRequest(state: CoreState, request: RequestVote): boolean {
  const floor = state.voteFloor
  if (floor === null || !belowFloor(state)) return false
  if (request.lastLogTerm !== floor.term) return request.lastLogTerm < floor.term
  return request.lastLogIndex < floor.index
}

/** S10: answering a heartbeat promised no vote and no pre-vote for its lease, whatever the options. */
export function hearsLeader(state: CoreState, now: number): boolean {
  if (state.role === 'leader') return true
  if (state.lastContactAt === null) return false
  const silence = Math.max(state.config.heartbeatTimeoutMs, state.promisedLeaseMs)
  return now < state.lastContactAt + silence && (state.leader !== null || promised(state, now))
}

function promised(state: CoreState, now: number): boolean {
  return state.lastContactAt !== null && now < state.lastContactAt + state.promisedLeaseMs
}

/** S10: only from the current leader, in the current term, by a voter whose log flushes. */
export function onTimeoutNow(state: CoreState, now: number, request: TimeoutNow): void {
  if (request.term !== state.term || request.leader !== state.leader) return
  if (state.role !== 'follower' || !mayCampaign(state, now)) return
  campaign(state, now, true)
}

function newCandidacy(state: CoreState, transfer: boolean) {
  return {
    round: ++state.round,
    granted: new Set<NodeId>(),
    refused: new Set<NodeId>(),
    transfer,
  }
}

function voteRequest(state: CoreState, preVote: boolean): RequestVote {
  return {
    kind: 'requestVote',
    preVote,
    term: preVote ? state.term + 1 : state.term,
    candidate: state.id,
    lastLogIndex: state.log.lastIndex,
    lastLogTerm: state.log.lastTerm,
    transfer: state.candidacy?.transfer ?? false,
    round: state.round,
  }
}

function votingPeers(state: CoreState): readonly NodeId[] {
  return state.peers().filter((peer) => isVoter(state.configuration, peer))
}
