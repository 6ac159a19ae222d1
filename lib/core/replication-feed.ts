import { assert } from './assert.js'
import { type FedBatch, lastIndexOf } from './replication-messages.js'
import type { LogIndex, Term } from './types.js'

/** How much of the window may be free before the feeder is told: fewer, larger grants. */
const GRANT_SHARE = 4

/**
 * What is asked of the leader's log and has come: one feed at a time, its batches in order without a
 * gap, and the credit that bounds them. A feeder sends while credit is left, so one batch may exceed it.
 */
export class Feed<B extends FedBatch> {
  readonly #maxBytes: number
  #number: number
  #open = false
  #openedAt = 0
  #fromIndex: LogIndex = 0
  /** First index not fed yet; a feed's first batch may begin below it. */
  #nextIndex: LogIndex = 0
  /** Term of the entry before #nextIndex, once the feed has brought something. */
  #lastTerm: Term | null = null
  #queue: B[] = []
  #queuedBytes = 0
  /** Granted and not yet used; below zero when a batch exceeded it. */
  #credit = 0

  /** `firstNumber` is the first feed's; `maxBytes` bounds what is queued and in flight together. */
  constructor(firstNumber: number, maxBytes: number) {
    this.#number = firstNumber - 1
    this.#maxBytes = maxBytes
  }

  /** Of the latest feed. */
  get number(): number {
    return this.#number
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** When an open feed that has brought nothing yet was asked for; null otherwise. */
  get askedAt(): number | null {
    return this.#open && this.#lastTerm === null ? this.#openedAt : null
  }

  /** First index that has not been fed. */
  get nextIndex(): LogIndex {
    return this.#nextIndex
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0
  }

  open(now: number, fromIndex: LogIndex, credit: number): number {
    assert(this.isEmpty, 'a new feed begins with an empty queue', { queued: this.#queue.length })
    this.#open = true
    this.#openedAt = now
    this.#fromIndex = fromIndex
    this.#nextIndex = fromIndex
    this.#lastTerm = null
    this.#credit = credit
    return ++this.#number
  }

  /** Ends the feed; what was fed and not taken is the caller's. */
  close(): readonly B[] {
    const queue = this.#queue
    this.#open = false
    this.#queue = []
    this.#queuedBytes = 0
    return queue
  }

  /** False when `batch` leaves a gap after what was fed: something got lost on the way here. */
  push(batch: B): boolean {
    const last = lastIndexOf(batch)
    if (this.#lastTerm === null) {
      assert(
        batch.firstIndex <= this.#fromIndex && last >= this.#fromIndex,
        'a feed begins with the batch that holds the index asked for (S6)',
        { fromIndex: this.#fromIndex, firstIndex: batch.firstIndex, lastIndex: last },
      )
    } else {
      if (batch.firstIndex !== this.#nextIndex) return false
      assert(batch.prevTerm === this.#lastTerm, 'a batch names the term of the entry before it', {
        firstIndex: batch.firstIndex,
        prevTerm: batch.prevTerm,
        expected: this.#lastTerm,
      })
    }
    this.#nextIndex = last + 1
    this.#lastTerm = batch.term
    this.#queue.push(batch)
    this.#queuedBytes += batch.length
    this.#credit -= batch.length
    return true
  }

  /** The next batches, at least one, together at most `maxBytes` and `maxCount`. */
  take(maxBytes: number, maxCount: number): readonly B[] {
    let count = 0
    let bytes = 0
    for (const batch of this.#queue) {
      if (count > 0 && (count === maxCount || bytes + batch.length > maxBytes)) break
      bytes += batch.length
      count++
    }
    this.#queuedBytes -= bytes
    return this.#queue.splice(0, count)
  }

  /** Length of the next batch; 0 when there is none. */
  get nextLength(): number {
    return this.#queue[0]?.length ?? 0
  }

  /** Credit to grant now that `inflightBytes` are in flight, 0 while too little to be worth a message. */
  grant(inflightBytes: number): number {
    if (!this.#open) return 0
    const free = this.#maxBytes - this.#queuedBytes - inflightBytes - this.#credit
    if (free < this.#maxBytes / GRANT_SHARE) return 0
    this.#credit += free
    return free
  }
}
