import { assert, assertNever } from './assert.js'
import { continueChange, onCancelChange, onChangeMembers } from './change.js'
import { announceMembers } from './commit.js'
import { type CoreInit, CoreState } from './core-state.js'
import type { Effect } from './effects.js'
import {
  onElectionTimeout,
  onHardStateSaved,
  onRequestVote,
  onTimeoutNow,
  onVoteReply,
} from './election.js'
import { onAppendEntries, onHeartbeat } from './follower.js'
import type { Input } from './inputs.js'
import {
  leaderTick,
  notLeader,
  onBarrier,
  onDurable,
  onHeartbeatAck,
  onHigherTerm,
  onIncarnation,
  onLostState,
  onMatched,
  onPropose,
} from './leader.js'
import type { Progress } from './leader-state.js'
import { isReady } from './own-append.js'
import { quorumReached, votersOf } from './quorum.js'
import { onReadIndex } from './read-index.js'
import { onReload } from './reload.js'
import { onRemoved } from './removal.js'
import { onRestoreBegin, onRestoreCancel, onRestoreCommit } from './restore.js'
import { stepDown } from './roles.js'
import {
  onBootstrapped,
  onLogRefused,
  onLogWritable,
  onSnapshotReceived,
  onSnapshotSaved,
  reconcileAtStart,
} from './storage.js'
import { onTransfer, transferTick } from './transfer.js'
import type { IndexedConfiguration, LogIndex, NodeId, Role, Term } from './types.js'
import { discardUndone } from './uncertain.js'

/** What others may see of the core. */
export interface CoreStatus {
  readonly role: Role
  readonly term: Term
  readonly leader: NodeId | null
  readonly commitIndex: LogIndex
  readonly lastLogIndex: LogIndex
  readonly lastLogTerm: Term
  readonly flushedIndex: LogIndex
  readonly baseIndex: LogIndex
  readonly snapshotIndex: LogIndex
  readonly snapshotTerm: Term
  readonly configuration: IndexedConfiguration
  readonly committedConfigurationIndex: LogIndex
  readonly lastContactAt: number | null
  readonly ready: boolean
  /** The log begins with a restored snapshot that is not known to be committed: see uncertain.ts. */
  readonly uncertain: boolean
}

/** The round of votes that a candidate is in; for observers. */
export interface Tally {
  readonly round: number
  /** Asked for: one more than the current one while it is a pre-vote. */
  readonly term: Term
  readonly preVote: boolean
  readonly granted: readonly NodeId[]
  readonly refused: readonly NodeId[]
  readonly voters: number
}

/**
 * Raft as a function: the same state, time and input give the same new state and the same effects, in
 * order. No I/O, no clock, no thread, no promise; chance comes from the source given at construction.
 */
export class RaftCore {
  readonly #state: CoreState

  constructor(init: CoreInit) {
    this.#state = new CoreState(init)
    reconcileAtStart(this.#state)
    announceMembers(this.#state)
  }

  /** What the host must do before the first step. */
  start(): Effect[] {
    return this.#state.takeEffects()
  }

  /** `now` is monotonic milliseconds and never decreases from call to call. */
  step(now: number, input: Input): Effect[] {
    const state = this.#state
    const { term, commitIndex, undone } = state
    this.#dispatch(now, input)
    state.releaseGated()
    assert(state.term >= term, 'the term never decreases (Raft §5.1)', {
      from: term,
      to: state.term,
    })
    // But for a log that begins anew because a restore came to nothing.
    const kept = state.commitIndex >= commitIndex || state.undone !== undone
    assert(kept, 'the commit index never decreases', { from: commitIndex, to: state.commitIndex })
    return state.takeEffects()
  }

  /** When the next `tick` has work to do; the host may tick more often. */
  nextDeadline(): number {
    return this.#state.electionDeadline
  }

  status(): CoreStatus {
    const state = this.#state
    return {
      role: state.role,
      term: state.term,
      leader: state.leader,
      commitIndex: state.commitIndex,
      lastLogIndex: state.log.lastIndex,
      lastLogTerm: state.log.lastTerm,
      flushedIndex: state.durable.index,
      baseIndex: state.log.baseIndex,
      snapshotIndex: state.snapshotIndex,
      snapshotTerm: state.snapshotTerm,
      configuration: state.configurations.latest,
      committedConfigurationIndex: state.committedConfigurationIndex,
      lastContactAt: state.lastContactAt,
      ready: isReady(state),
      uncertain: state.uncertain !== null,
    }
  }

  /** S16: a quorum found this node fresh, a leader spoke to it, or it took part before it was started. */
  get mayVote(): boolean {
    return this.#state.mayVote
  }

  /** Term of the entry at `index`, null when it is not in the log. */
  termAt(index: LogIndex): Term | null {
    return this.#state.log.termAt(index)
  }

  /** Null on a node that is no candidate. */
  tally(): Tally | null {
    const { candidacy, role, term, configuration } = this.#state
    if (candidacy === null) return null
    const { round, granted, refused } = candidacy
    const preVote = role === 'preCandidate'
    const voters = votersOf(configuration).length
    const votes = { granted: [...granted], refused: [...refused], voters }
    return { round, term: preVote ? term + 1 : term, preVote, ...votes }
  }

  configurations(): readonly IndexedConfiguration[] {
    return this.#state.configurations.all
  }

  /** How `peer` is being replicated to now, as its `lead` effect would say; null when it is not. */
  following(peer: NodeId): Omit<Extract<Effect, { kind: 'lead' }>, 'kind'> | null {
    const state = this.#state
    const progress = state.leading?.progress.get(peer)
    if (progress === undefined) return null
    const { lastIndex, lastTerm } = state.log
    const { server, incarnation } = progress
    return { peer: server, term: state.term, incarnation, lastIndex, lastTerm }
  }

  /** matchIndex of each member, on the leader. */
  matchIndexes(): ReadonlyMap<NodeId, LogIndex> {
    const entries = [...(this.#state.leading?.progress ?? [])]
    return new Map(entries.map(([id, progress]) => [id, progress.matchIndex]))
  }

  /**
   * On the leader: what so many others hold that its own flush is all that is missing for a quorum. Nothing
   * follows from it; it tells observers which of the two takes longer.
   */
  replicatedIndex(): LogIndex {
    const { leading, configuration, id: self, log } = this.#state
    if (leading === null) return 0
    const reached = (id: NodeId): LogIndex =>
      id === self ? log.lastIndex : (leading.progress.get(id)?.matchIndex ?? 0)
    return Math.max(0, quorumReached(configuration, reached))
  }

  /** Every follower as the leader sees it; empty elsewhere. `lastAckAt` is monotonic ms. */
  followers(): readonly Readonly<Progress>[] {
    return [...(this.#state.leading?.progress.values() ?? [])].map((progress) => ({ ...progress }))
  }

  #dispatch(now: number, input: Input): void {
    const state = this.#state
    switch (input.kind) {
      case 'tick':
        return this.#tick(now)
      case 'contact':
        return this.#contact(now, input.at)
      case 'hardStateSaved':
        state.hardStateSaved(input.seq)
        discardUndone(state)
        return onHardStateSaved(state, now)
      case 'logFlushed':
        state.durable.flushed(input.seq)
        state.log.committed(state.commitIndex, state.durable.index)
        this.#settleVoteFloor()
        return onDurable(state, now)
      case 'logRefused':
        return onLogRefused(state, now, input)
      case 'logWritable':
        onLogWritable(state)
        return continueChange(state, now)
      case 'snapshotSaved':
        return onSnapshotSaved(state, input)
      case 'snapshotReceived':
        return onSnapshotReceived(state, input)
      case 'stalled':
        if (state.leading !== null && input.term === state.term) {
          stepDown(state, now, 'this thread stood still past the leader stall timeout')
        }
        return
      case 'requestVote':
        return onRequestVote(state, now, input.connection, input.request)
      case 'voteReply':
        return onVoteReply(state, now, input.from, input.reply)
      case 'appendEntries':
        return onAppendEntries(state, now, input)
      case 'heartbeat':
        return onHeartbeat(state, now, input.connection, input.request)
      case 'timeoutNow':
        return onTimeoutNow(state, now, input.request)
      case 'matched':
        return onMatched(state, now, input)
      case 'higherTerm':
        return onHigherTerm(state, now, input)
      case 'heartbeatAck':
        return onHeartbeatAck(state, now, input)
      case 'lostState':
        return onLostState(state, input)
      case 'incarnation':
        return onIncarnation(state, input)
      case 'propose':
        return onPropose(state, now, input)
      case 'barrier':
        return onBarrier(state, now, input)
      case 'readIndex':
        if (state.leading !== null) return onReadIndex(state, now, input.id, input.lease)
        return state.emit({ kind: 'readRejected', id: input.id, reason: notLeader(state) })
      case 'transfer':
        if (state.leading !== null) return onTransfer(state, now, input.id, input.to)
        return state.emit({ kind: 'transferDone', id: input.id, reason: notLeader(state) })
      case 'removed':
        return onRemoved(state, input.request)
      case 'changeMembers': {
        if (state.leading !== null) return onChangeMembers(state, now, input)
        const refusal = { index: 0, reason: notLeader(state), outcome: 'rejected' } as const
        return state.emit({ kind: 'changeDone', id: input.id, ...refusal, detail: '' })
      }
      case 'cancelChange':
        return onCancelChange(state, input)
      case 'reload':
        return onReload(state, now, input.config)
      case 'restoreBegin':
        return onRestoreBegin(state, input)
      case 'restoreCommit':
        return onRestoreCommit(state, now, input)
      case 'restoreCancel':
        return onRestoreCancel(state, input)
      case 'bootstrapped':
        return onBootstrapped(state, input)
      case 'votingAllowed':
        state.mayVote = true
        return
      default:
        return assertNever(input)
    }
  }

  #tick(now: number): void {
    const state = this.#state
    if (state.leading !== null) {
      transferTick(state, now)
      leaderTick(state, now)
    } else if (now >= state.electionDeadline) onElectionTimeout(state, now)
  }

  /** S9: the fast path heard the leader of this term; nothing but the timer learns of it. */
  #contact(now: number, at: number): void {
    const state = this.#state
    if (state.role !== 'follower' || state.leader === null) return
    if (state.lastContactAt !== null && at <= state.lastContactAt) return
    assert(at <= now + 1, 'a contact lies in the past', { at, now })
    state.lastContactAt = at
    const deadline = at + state.randomTimeout(state.config.heartbeatTimeoutMs)
    state.electionDeadline = Math.max(state.electionDeadline, deadline)
  }

  /** S15: replicated past the damaged batch, the log has nothing to hide any more. */
  #settleVoteFloor(): void {
    const state = this.#state
    if (state.voteFloor !== null && state.durable.index >= state.voteFloor.index) {
      state.voteFloor = null
    }
  }
}
