import { assert } from './assert.js'
import { Feed } from './replication-feed.js'
import {
  type FedBatch,
  type FedChunk,
  lastIndexOf,
  type Position,
  type ReplicationConfig,
  type ReplicationInit,
  type ReplicationOutput,
} from './replication-messages.js'
import type { MatchSearch } from './replication-search.js'
import type { SnapshotTransfer } from './replication-transfer.js'
import { RequestWindow } from './replication-window.js'
import type { LogIndex, Term } from './types.js'

export type ReplicationMode =
  /** Looking for the last entry that both logs hold, one empty AppendEntries at a time. */
  | 'probe'
  /** The match is known: batches are sent as they come, within the window. */
  | 'pipeline'
  /** What the follower needs is compacted away. */
  | 'snapshot'
  /** A higher term or a lost state was seen: nothing is done any more. */
  | 'ended'

/** How often commitTimeoutMs is doubled at most for a follower that refuses again and again. */
const MAX_DOUBLINGS = 6

/**
 * What a leader keeps about one follower in one session (S1). The functions of the mode files read and
 * change it; everything they want done goes through `emit`.
 */
export class ReplicationState<B extends FedBatch, C extends FedChunk> {
  readonly term: Term
  readonly config: ReplicationConfig
  readonly window = new RequestWindow()
  readonly feed: Feed<B>
  now = 0
  mode: ReplicationMode = 'probe'
  connected = false
  /** The entry before nextIndex: what the next request names as prevLogIndex and prevLogTerm. */
  prev: Position
  /** The newest entry that the follower acknowledged in this session. It never goes back (S1). */
  match: Position = { index: 0, term: 0 }
  /** Probe mode, after a rejection: where to probe next is being looked up. */
  search: MatchSearch | null = null
  /** Snapshot mode. */
  transfer: SnapshotTransfer<C> | null = null
  nextTransfer: number
  commitIndex: LogIndex = 0
  /** The highest commit index that the follower can have drawn from what it was sent. */
  toldCommit: LogIndex = 0
  /** When to look again whether an idle follower should hear of a newer commit index. */
  commitLookAt = 0
  /** Refusals in a row of what should have been taken, with no progress between them. */
  refusals = 0
  /** Nothing is sent before this moment. */
  pausedUntil = 0
  #outputs: ReplicationOutput<B, C>[] = []

  constructor(init: ReplicationInit) {
    this.term = init.term
    this.config = init.config
    this.feed = new Feed(init.firstFeed, init.config.maxInflightBytes)
    this.prev = { index: init.lastIndex, term: init.lastTerm }
    this.nextTransfer = init.firstTransfer
  }

  get nextIndex(): LogIndex {
    return this.prev.index + 1
  }

  emit(output: ReplicationOutput<B, C>): void {
    this.#outputs.push(output)
  }

  takeOutputs(): readonly ReplicationOutput<B, C>[] {
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  release(batches: readonly B[]): void {
    if (batches.length > 0) this.emit({ kind: 'release', batches })
  }

  openFeed(fromIndex: LogIndex, creditBytes: number): void {
    const feed = this.feed.open(this.now, fromIndex, creditBytes)
    this.emit({ kind: 'feed', feed, fromIndex, creditBytes })
  }

  closeFeed(): void {
    this.release(this.feed.close())
  }

  /** The next request: the batches that follow `prev`, or none to ask whether `prev` is held. */
  sendAppend(prev: Position, batches: readonly B[]): void {
    const request = this.window.nextRequest
    const final = batches.at(-1)
    const last = final === undefined ? prev : { index: lastIndexOf(final), term: final.term }
    const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
    this.window.push(this.now, { request, prev, last, bytes })
    this.toldCommit = Math.max(this.toldCommit, Math.min(this.commitIndex, last.index))
    this.commitLookAt = this.now + this.config.commitTimeoutMs
    this.emit({
      kind: 'append',
      request,
      prevLogIndex: prev.index,
      prevLogTerm: prev.term,
      leaderCommit: this.commitIndex,
      batches,
    })
  }

  acknowledged(last: Position): void {
    if (last.index <= this.match.index) return
    this.match = last
    this.refusals = 0
    this.emit({ kind: 'matched', matchIndex: last.index })
  }

  /** Nothing sent so far will be answered, or its answers mean nothing any more (S1). */
  forgetSent(): void {
    this.window.forget()
    this.closeFeed()
  }

  /** Begins the search for the match anew, from what is known to match. */
  probeFromMatch(): void {
    this.mode = 'probe'
    this.search = null
    this.prev = this.match
  }

  /** The first refusal is tried again at once, the next ones later and later. */
  pauseAfterRefusal(): void {
    this.refusals++
    if (this.refusals === 1) return
    const doublings = Math.min(this.refusals - 2, MAX_DOUBLINGS)
    this.pausedUntil = this.now + this.config.commitTimeoutMs * 2 ** doublings
  }

  disconnected(): void {
    this.connected = false
    this.forgetSent()
    this.transfer?.interrupt(this.now)
    if (this.mode === 'pipeline') this.probeFromMatch()
  }

  dropConnection(reason: string): void {
    this.emit({ kind: 'dropConnection', reason })
    this.disconnected()
  }

  end(): void {
    this.forgetSent()
    this.mode = 'ended'
    this.search = null
    this.transfer = null
  }

  /** S7: bound to one term; and what is fed is in the leader's log, so of no later term. */
  assertTerm(batches: readonly B[]): void {
    for (const batch of batches) {
      assert(batch.term <= this.term, 'a replicator sends no batch of a later term (S7)', {
        batchTerm: batch.term,
        term: this.term,
        firstIndex: batch.firstIndex,
      })
    }
  }
}
