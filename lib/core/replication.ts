import { assertNever } from './assert.js'
import type {
  ChunkReply,
  FedBatch,
  FedChunk,
  ReplicationInit,
  ReplicationInput,
  ReplicationOutput,
} from './replication-messages.js'
import { advancePipeline, beginPipeline, mayLackCommit, onFed } from './replication-pipeline.js'
import { advanceProbe, onLookup, onRejection } from './replication-probe.js'
import {
  advanceSnapshot,
  onChunk,
  onChunkReply,
  onInstalled,
  onTransferTick,
} from './replication-snapshot.js'
import { type ReplicationMode, ReplicationState } from './replication-state.js'
import type { SentRequest } from './replication-window.js'
import type { AppendReply } from './rpc.js'
import type { LogIndex } from './types.js'

/**
 * The replication of one leader to one follower in one session (S1, S2): a pure state machine that owns
 * nextIndex, the in-flight window and the mode. It never sees the leader's log: it asks for batches
 * (`feed`, `credit`) and is fed them whole (S6). The host sends what it puts out and steps it with
 * `tick` once `deadline()` has passed. Bound to one term: a batch of a later one is a bug (S7).
 */
export class Replication<B extends FedBatch, C extends FedChunk> {
  readonly #state: ReplicationState<B, C>

  constructor(init: ReplicationInit) {
    this.#state = new ReplicationState(init)
  }

  get mode(): ReplicationMode {
    return this.#state.mode
  }

  /** First index that the follower has not been sent. */
  get nextIndex(): LogIndex {
    return this.#state.nextIndex
  }

  get matchIndex(): LogIndex {
    return this.#state.match.index
  }

  /** Sent and not acknowledged. */
  get inflight(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#state.window.requests, bytes: this.#state.window.bytes }
  }

  /** For the machine of the host's next session: no feed or transfer number is used twice. */
  get nextNumbers(): Pick<ReplicationInit, 'firstFeed' | 'firstTransfer'> {
    return { firstFeed: this.#state.feed.number + 1, firstTransfer: this.#state.nextTransfer }
  }

  /** `now` in ms, never decreasing. Outputs are carried out in order. */
  step(now: number, input: ReplicationInput<B, C>): readonly ReplicationOutput<B, C>[] {
    const state = this.#state
    state.now = now
    if (state.mode === 'ended') {
      if (input.kind === 'batches') state.release(input.batches)
    } else {
      this.#take(input)
      this.#advance()
    }
    return state.takeOutputs()
  }

  /** The session is over: gives back what is held and does nothing from now on. */
  end(): readonly ReplicationOutput<B, C>[] {
    this.#state.end()
    return this.#state.takeOutputs()
  }

  /** When `tick` is due; null while only an input can change anything. */
  deadline(): number | null {
    const state = this.#state
    const { config, transfer } = state
    if (state.mode === 'ended' || !state.connected) return null
    const due: number[] = []
    const stalledSince = [state.window.waitingSince, transfer?.sentAt, askedAt(state)]
    for (const since of stalledSince) {
      if (typeof since === 'number') due.push(since + config.replicationStallTimeoutMs)
    }
    if (state.now < state.pausedUntil) due.push(state.pausedUntil)
    else if (state.mode === 'pipeline' && mayLackCommit(state)) due.push(state.commitLookAt)
    else if (transfer !== null && transfer.verifyAt !== null && state.window.isEmpty) {
      due.push(transfer.verifyAt)
    }
    return due.length === 0 ? null : Math.min(...due)
  }

  #take(input: ReplicationInput<B, C>): void {
    const state = this.#state
    switch (input.kind) {
      case 'connected':
        if (state.connected) state.disconnected()
        state.window.restart()
        state.connected = true
        return
      case 'disconnected':
        if (state.connected) state.disconnected()
        return
      case 'committed':
        state.commitIndex = input.index
        return
      case 'batches':
        return this.#onBatches(input.feed, input.batches, input.compacted)
      case 'appendReply':
        return this.#onAppendReply(input.reply)
      case 'chunk':
        return onChunk(state, input.chunk)
      case 'chunkReply':
        return this.#onChunkReply(input.reply)
      case 'tick':
        return this.#onTick()
      default:
        assertNever(input)
    }
  }

  /** Sends and asks for whatever the new state allows. */
  #advance(): void {
    const state = this.#state
    // Each round ends in the same mode or moves on: probe -> snapshot at most.
    let before: ReplicationMode
    do {
      if (!state.connected || state.now < state.pausedUntil) return
      before = state.mode
      if (before === 'probe') advanceProbe(state)
      else if (before === 'pipeline') advancePipeline(state)
      else if (before === 'snapshot') advanceSnapshot(state)
    } while (state.mode !== before)
  }

  #onBatches(feed: number, batches: readonly B[], compacted: boolean): void {
    const state = this.#state
    state.assertTerm(batches)
    if (!state.feed.isOpen || feed !== state.feed.number) state.release(batches)
    else if (state.mode === 'pipeline') onFed(state, batches, compacted)
    else onLookup(state, batches, compacted)
  }

  #onAppendReply(reply: AppendReply): void {
    const state = this.#state
    if (this.#isOver(reply.term)) return
    const sent = reply.term === state.term ? state.window.find(reply.request) : null
    // S1: answered already, or sent before a rejection. S2: an answer to another term's request.
    if (sent === null) return
    if (reply.success) this.#onSuccess(sent, reply.matchIndex)
    else if (reply.conflict === undefined) state.dropConnection('a rejection without a conflict')
    else onRejection(state, sent, reply.conflict)
  }

  #onSuccess(sent: SentRequest, matchIndex: LogIndex): void {
    const state = this.#state
    if (matchIndex !== sent.last.index) {
      // S1: a success answers prevLogIndex + the entries of that request, nothing more and nothing less.
      state.dropConnection(
        `request ${sent.request} ends at index ${sent.last.index}, acknowledged is ${matchIndex}`,
      )
      return
    }
    state.window.acknowledge(state.now, sent.request)
    state.acknowledged(sent.last)
    if (state.mode === 'snapshot') onInstalled(state)
    if (state.mode === 'probe') beginPipeline(state)
  }

  #onChunkReply(reply: ChunkReply): void {
    if (!this.#isOver(reply.term)) onChunkReply(this.#state, reply)
  }

  /** Raft §5.1: a higher term ends the leader, and this machine at once (S11). */
  #isOver(term: number): boolean {
    if (term <= this.#state.term) return false
    this.#state.emit({ kind: 'higherTerm', term })
    this.#state.end()
    return true
  }

  /** S12: whatever is waited for has a deadline. */
  #onTick(): void {
    const state = this.#state
    const { now, transfer, config } = state
    const stall = config.replicationStallTimeoutMs
    const since = Math.min(state.window.waitingSince ?? Infinity, transfer?.sentAt ?? Infinity)
    if (state.connected && now >= since + stall) {
      state.dropConnection(`no answer for ${Math.round(now - since)} ms`)
    } else if (transfer !== null) {
      onTransferTick(state)
    } else if (now >= (askedAt(state) ?? Infinity) + stall) {
      state.closeFeed()
    }
  }
}

/** When a look-up or a chunk that has not come was asked for. */
function askedAt<B extends FedBatch, C extends FedChunk>(
  state: ReplicationState<B, C>,
): number | null {
  if (state.mode === 'probe') return state.feed.askedAt
  return state.transfer?.askedAt ?? null
}
