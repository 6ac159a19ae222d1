import { assert } from './assert.js'
import { announceMembers, commitTo } from './commit.js'
import type { CoreState } from './core-state.js'
import type { AppendedBatch } from './effects.js'
import type { Input, ReceivedConfiguration } from './inputs.js'
import { noteLeader } from './removal.js'
import { becomeFollower, publishControlBlock } from './roles.js'
import type { AppendEntries, AppendReply, Heartbeat } from './rpc.js'
import type { BatchSpan, LogIndex, Term } from './types.js'
import { askForSnapshot } from './uncertain.js'

type AppendInput = Extract<Input, { kind: 'appendEntries' }>

/** Raft Figure 2, AppendEntries, receiver implementation. */
export function onAppendEntries(state: CoreState, now: number, input: AppendInput): void {
  const { request, connection } = input
  // S2: meant for another incarnation of this node.
  if (request.incarnation !== state.incarnation) return
  if (request.term < state.term) {
    replyAppend(state, connection, request, false)
    return
  }
  if (!follow(state, now, request)) return
  if (askForSnapshot(state, request)) {
    const { lastIndex } = state.log
    replyAppend(state, connection, request, false, { term: 0, index: 0, lastIndex })
    return
  }
  const conflict = findConflict(state, request)
  if (conflict !== null) {
    replyAppend(state, connection, request, false, conflict)
    return
  }
  if (state.storeFull && request.batches.length > 0) {
    // S15: nothing conflicts, but nothing can be written: the leader asks again, more and more rarely.
    const { prevLogIndex: index, prevLogTerm: term } = request
    const { lastIndex } = state.log
    replyAppend(state, connection, request, false, { term, index, lastIndex })
    return
  }
  const matchIndex = storeBatches(state, input)
  // S1, D4: what this request verified bounds the commit index, not what the log happens to hold.
  commitTo(state, Math.min(request.leaderCommit, matchIndex))
  // S5: success leaves once everything it vouches for is on disk.
  const reply = appendReply(state, request, true, matchIndex)
  state.gate({ kind: 'replyAppend', connection, reply }, matchIndex)
}

/** A heartbeat that the fast path did not answer (S9). It carries no log position. */
export function onHeartbeat(
  state: CoreState,
  now: number,
  connection: number,
  request: Heartbeat,
): void {
  if (request.incarnation !== state.incarnation) return
  const { probe, sentAt, leaseMs } = request
  if (request.term < state.term) {
    const reply = { kind: 'heartbeatReply', accepted: false, probe, sentAt, leaseMs } as const
    state.gate({ kind: 'replyHeartbeat', connection, reply: { ...reply, term: state.term } })
    return
  }
  if (!follow(state, now, request)) return
  if (leaseMs > state.promisedLeaseMs) {
    // S10: a promise longer than any before is durable before it is given.
    state.promisedLeaseMs = leaseMs
    state.saveHardState()
  }
  const reply = { kind: 'heartbeatReply', accepted: true, probe, sentAt, leaseMs } as const
  state.gate({ kind: 'replyHeartbeat', connection, reply: { ...reply, term: state.term } })
  publishControlBlock(state, request.leader, request.addedAt)
}

/** Takes `leader` as the leader of its term; false when this node knows better. */
function follow(
  state: CoreState,
  now: number,
  from: { readonly term: number; readonly leader: string; readonly addedAt: number },
): boolean {
  if (from.term === state.term && state.role === 'leader') {
    // a second leader in one term would be a broken cluster; its messages change nothing here.
    return false
  }
  if (from.term > state.term || state.role !== 'follower' || state.leader !== from.leader) {
    if (from.term === state.term && state.leader !== null && state.leader !== from.leader)
      return false
    becomeFollower(state, now, from.term, from.leader, `heard leader ${from.leader}`)
  }
  state.mayVote = true
  noteLeader(state, from.addedAt)
  state.lastContactAt = now
  state.electionDeadline = now + state.randomTimeout(state.config.heartbeatTimeoutMs)
  return true
}

/** Raft §5.3 consistency check, with the back-off by term of its last paragraphs. */
function findConflict(state: CoreState, request: AppendEntries): AppendReply['conflict'] | null {
  const { log } = state
  const { prevLogIndex, prevLogTerm } = request
  const term = log.termAt(prevLogIndex)
  if (prevLogIndex <= state.commitIndex) {
    assertCommitted(state, prevLogIndex, prevLogTerm)
    return null
  }
  if (term === null) return { term: 0, index: log.lastIndex + 1, lastIndex: log.lastIndex }
  if (term === prevLogTerm) return null
  const index = Math.max(log.firstOfTerm(prevLogIndex), state.commitIndex + 1)
  return { term, index, lastIndex: log.lastIndex }
}

/** Skips what is held, cuts off a conflict, appends the rest. Returns the last index verified. */
function storeBatches(state: CoreState, input: AppendInput): LogIndex {
  const { request, token } = input
  const fresh: AppendedBatch[] = []
  let matchIndex = request.prevLogIndex
  request.batches.forEach((span, position) => {
    assert(span.firstIndex === matchIndex + 1, 'batches follow prevLogIndex gapless (Raft §5.3)', {
      expected: matchIndex + 1,
      ...span,
    })
    matchIndex = span.lastIndex
    if (fresh.length === 0 && holds(state, span)) return
    if (fresh.length === 0) truncateConflict(state, span)
    const prevTerm = span.firstIndex <= state.log.lastIndex ? 0 : state.log.lastTerm
    state.log.append(span)
    fresh.push({ ...span, prevTerm, content: { kind: 'received', token, position } })
    takeConfiguration(state, input.configurations, position, span.firstIndex)
  })
  if (fresh.length > 0) {
    const seq = state.durable.appended(state.log.lastIndex)
    state.emit({ kind: 'append', seq, batches: fresh })
  }
  return matchIndex
}

/** S6: batches are atomic, so one that begins alike is held to its end. */
function holds(state: CoreState, span: BatchSpan): boolean {
  const { log } = state
  if (span.lastIndex <= state.commitIndex) {
    assertCommitted(state, span.lastIndex, span.term)
    return true
  }
  const index = Math.max(span.firstIndex, log.baseIndex + 1)
  if (log.termAt(index) !== span.term) return false
  assert(span.lastIndex <= log.lastIndex, 'a batch is held whole or not at all (S6)', {
    ...span,
    heldLastIndex: log.lastIndex,
  })
  return true
}

/**
 * Raft §5.4, leader completeness: what is committed here is in the leader's log as it is, compacted or not.
 * A leader that has something else there was elected by nodes that lost their state (S16).
 */
function assertCommitted(state: CoreState, index: LogIndex, leaderTerm: Term): void {
  const term = state.log.termAt(index)
  assert(term === null || term === leaderTerm, 'the leader has what is committed (Raft §5.4)', {
    index,
    committedTerm: term,
    leaderTerm,
  })
}

/** Raft §5.3: an entry that conflicts with a new one goes, with all that follow it. */
function truncateConflict(state: CoreState, span: BatchSpan): void {
  if (span.firstIndex > state.log.lastIndex || span.firstIndex <= state.log.baseIndex) return
  truncateFrom(state, span.firstIndex)
}

function truncateFrom(state: CoreState, fromIndex: LogIndex): void {
  state.log.truncate(fromIndex, state.commitIndex)
  const seq = state.durable.truncated(fromIndex)
  state.emit({ kind: 'truncate', seq, fromIndex })
  if (state.configurations.truncate(fromIndex)) announceMembers(state)
}

/** Raft §6: a configuration is in force as soon as it is in the log. */
function takeConfiguration(
  state: CoreState,
  received: readonly ReceivedConfiguration[],
  position: number,
  index: LogIndex,
): void {
  const found = received.find((entry) => entry.position === position)
  if (found === undefined) return
  state.configurations.append(index, found.configuration)
  announceMembers(state)
}

function replyAppend(
  state: CoreState,
  connection: number,
  request: AppendEntries,
  success: boolean,
  conflict?: AppendReply['conflict'],
): void {
  const reply = appendReply(state, request, success, 0)
  const full = conflict === null || conflict === undefined ? reply : { ...reply, conflict }
  state.gate({ kind: 'replyAppend', connection, reply: full })
}

function appendReply(
  state: CoreState,
  request: AppendEntries,
  success: boolean,
  matchIndex: LogIndex,
): AppendReply {
  return { kind: 'appendReply', term: state.term, request: request.request, success, matchIndex }
}
