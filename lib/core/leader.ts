import { assert } from './assert.js'
import { continueChange } from './change.js'
import { commitTo } from './commit.js'
import type { CoreState } from './core-state.js'
import { emitLead, finishDepartures, startReplication } from './followers.js'
import { makeWayIfFull } from './full-store.js'
import type { Input } from './inputs.js'
import { LeaderState } from './leader-state.js'
import { appendOwn, isReady } from './own-append.js'
import { isMember, isVoter, membersOf, quorumReached, votersOf } from './quorum.js'
import { confirmReads, onTermCommitted } from './read-index.js'
import { learnRemoval } from './removal.js'
import { becomeFollower, changeRole, stepDown } from './roles.js'
import { continueTransfer, handOver } from './transfer.js'

/** Log operations issued and not yet durable; past it nothing more is proposed (S18). */
const MAX_OUTSTANDING_APPENDS = 4096

type InputOf<Kind extends Input['kind']> = Extract<Input, { kind: Kind }>

/** Raft §5.2, §8: a quorum of votes. The no-op lets entries of former terms commit (§5.4.2). */
export function becomeLeader(state: CoreState, now: number): void {
  assert(state.role === 'candidate', 'only a candidate becomes leader (Raft §5.2)', {
    role: state.role,
    term: state.term,
  })
  state.candidacy = null
  // Probe numbers are never reused: they go on from term to term (S10).
  state.leading = new LeaderState(state.term, state.log.lastIndex + 1, state.round * 2 ** 20, now)
  changeRole(state, 'leader', state.id, 'a quorum of votes')
  for (const server of membersOf(state.configuration)) {
    if (server.id !== state.id) startReplication(state, now, server)
  }
  appendOwn(state, now, 1, 0, { kind: 'noop' })
  onDurable(state, now)
}

/** The handshake has shown which incarnation of a member this node talks to (S2, S16). */
export function onIncarnation(state: CoreState, input: InputOf<'incarnation'>): void {
  const { peer, incarnation } = input
  state.incarnations.set(peer, incarnation)
  const progress = state.leading?.progress.get(peer)
  if (progress === undefined || progress.incarnation === incarnation) return
  // Another life of a member that was removed and added again is another session.
  progress.incarnation = incarnation
  progress.matchIndex = 0
  emitLead(state, progress.server, incarnation)
}

/** S16: what it acknowledged is not there any more, so it counts for nothing in this term. */
export function onLostState(state: CoreState, input: InputOf<'lostState'>): void {
  const progress = state.leading?.inSession(input.peer, input.session) ?? null
  if (progress === null) return
  state.leading?.progress.delete(input.peer)
  state.emit({ kind: 'unlead', peer: input.peer })
}

export function onPropose(state: CoreState, now: number, input: InputOf<'propose'>): void {
  const refusal = refuseProposal(state)
  if (refusal !== null) {
    state.emit({ kind: 'rejected', token: input.token, reason: refusal })
    return
  }
  const firstIndex = state.log.lastIndex + 1
  state.emit({ kind: 'accepted', token: input.token, firstIndex, term: state.term })
  appendOwn(state, now, input.count, input.bytes, { kind: 'proposed', token: input.token })
}

export function onBarrier(state: CoreState, now: number, input: InputOf<'barrier'>): void {
  const refusal = refuseProposal(state)
  if (refusal !== null) {
    state.emit({ kind: 'barrierRejected', id: input.id, reason: refusal })
    return
  }
  const index = state.log.lastIndex + 1
  state.emit({ kind: 'barrierAccepted', id: input.id, index, term: state.term })
  appendOwn(state, now, 1, 0, { kind: 'barrier' })
}

function refuseProposal(state: CoreState) {
  const leading = state.leading
  if (leading === null) return notLeader(state)
  if (leading.transfer !== null) return 'transferInProgress'
  if (leading.restoring !== null) return 'restoreInProgress'
  if (state.storeFull) return 'storageFull'
  if (state.durable.outstanding >= MAX_OUTSTANDING_APPENDS) return 'overloaded'
  return leading.uncommittedBytes >= state.config.maxUncommittedBytes ? 'overloaded' : null
}

export function notLeader(state: CoreState) {
  if (state.configurations.latest.index === 0) return 'notBootstrapped'
  return state.leader === null || state.leader === state.id ? 'noLeader' : 'notLeader'
}

/** The leader counts itself up to its own durable index only (S5). */
export function onDurable(state: CoreState, now: number): void {
  if (state.leading !== null) advanceCommit(state, now)
}

export function onMatched(state: CoreState, now: number, input: InputOf<'matched'>): void {
  const progress = state.leading?.inSession(input.peer, input.session) ?? null
  if (progress === null) return
  assert(input.matchIndex <= state.log.lastIndex, 'a follower matches no more than was sent (S1)', {
    peer: input.peer,
    matchIndex: input.matchIndex,
    lastIndex: state.log.lastIndex,
  })
  progress.matchIndex = Math.max(progress.matchIndex, input.matchIndex)
  advanceCommit(state, now)
  if (state.leading === null) return
  continueChange(state, now)
  finishDepartures(state, now)
  continueTransfer(state, now)
  makeWayIfFull(state, now)
}

/** Raft §5.3, §5.4.2: counting commits entries of the current term only, and with them all before. */
function advanceCommit(state: CoreState, now: number): void {
  const leading = state.leading as LeaderState
  const matched = quorumReached(state.configuration, (id) =>
    id === state.id ? state.durable.index : (leading.progress.get(id)?.matchIndex ?? 0),
  )
  if (matched <= state.commitIndex || state.log.termAt(matched) !== state.term) return
  const wasReady = isReady(state)
  commitTo(state, matched)
  leading.progressAt = now
  while ((leading.uncommitted[0]?.lastIndex ?? Number.POSITIVE_INFINITY) <= matched) {
    leading.uncommittedBytes -= leading.uncommitted.shift()?.bytes ?? 0
  }
  if (!wasReady && isReady(state)) onTermCommitted(state, now)
  continueChange(state, now)
  finishDepartures(state, now)
  resignIfOut(state, now)
}

/** S4: a leader that is no voter any more leads until that is committed, hands over, and follows. */
function resignIfOut(state: CoreState, now: number): void {
  const { index, configuration } = state.configurations.latest
  if (index > state.commitIndex || isVoter(configuration, state.id) || !isReady(state)) return
  handOver(state, now)
  stepDown(state, now, 'the committed configuration gives this node no vote')
  if (!isMember(configuration, state.id)) learnRemoval(state, index)
}

export function onHeartbeatAck(
  state: CoreState,
  now: number,
  input: InputOf<'heartbeatAck'>,
): void {
  const progress = state.leading?.inSession(input.peer, input.session) ?? null
  if (progress === null) return
  progress.lastAckAt = Math.max(progress.lastAckAt, input.receivedAt)
  // S10: counted from sending, never from the answer's arrival, and shortened by the clock drift.
  const lease = input.sentAt + input.leaseMs * (1 - state.config.maxClockDrift)
  progress.leaseUntil = Math.max(progress.leaseUntil, lease)
  progress.probeAcked = Math.max(progress.probeAcked, input.probe)
  confirmReads(state, now)
}

export function onHigherTerm(state: CoreState, now: number, input: InputOf<'higherTerm'>): void {
  if (input.term <= state.term) return
  becomeFollower(state, now, input.term, null, `a newer term at ${input.peer}`)
}

/** S10 check-quorum, S12 progress. */
export function leaderTick(state: CoreState, now: number): void {
  const leading = state.leading as LeaderState
  const heardSince = quorumReached(state.configuration, (id) =>
    id === state.id ? now : (leading.progress.get(id)?.lastAckAt ?? Number.NEGATIVE_INFINITY),
  )
  const silentMs = now - heardSince
  if (silentMs > state.config.leaderLeaseTimeoutMs && now >= leading.quorumDueAt) {
    stepDown(state, now, 'no quorum heard within the leader lease timeout')
    return
  }
  // S15: the only voter has nobody to make way for: while its log waits for room, its reads go on.
  if (state.storeFull && votersOf(state.configuration).length === 1) leading.progressAt = now
  // A restored snapshot takes as long as it takes; its transfers have deadlines of their own (S12).
  const waiting = state.commitIndex < state.log.lastIndex && state.uncertain === null
  if (waiting && now - leading.progressAt > state.config.leaderStallTimeoutMs) {
    stepDown(state, now, 'entries wait and nothing commits within the leader stall timeout')
    return
  }
  finishDepartures(state, now)
}
