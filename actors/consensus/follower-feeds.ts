import type { LogIndex, NodeId, Term } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { LogTail } from '../../lib/log/log-tail.js'
import type { ReplicatorLink } from './links.js'
import type { LogReader } from './log-reader.js'

/** One replicator's wish for batches: from where, and how many bytes it can still take. */
interface Feed {
  readonly link: ReplicatorLink
  readonly number: number
  nextIndex: LogIndex
  credit: number
  reading: boolean
}

/**
 * Batches for the replicators: from the tail when it has them, else from the store (S7, S12). Each
 * replicator pulls by credit, so a slow follower holds no more memory than its window.
 */
export class FollowerFeeds {
  readonly #tail: LogTail
  readonly #reader: LogReader
  readonly #term: () => Term
  readonly #baseIndex: () => LogIndex
  readonly #lastIndex: () => LogIndex
  readonly #feeds = new Map<NodeId, Feed>()

  constructor(options: {
    readonly tail: LogTail
    readonly reader: LogReader
    readonly term: () => Term
    readonly baseIndex: () => LogIndex
    readonly lastIndex: () => LogIndex
  }) {
    this.#tail = options.tail
    this.#reader = options.reader
    this.#term = options.term
    this.#baseIndex = options.baseIndex
    this.#lastIndex = options.lastIndex
  }

  /** A new feed replaces the former one; one of an older term asks in vain. */
  start(
    link: ReplicatorLink,
    term: Term,
    number: number,
    fromIndex: LogIndex,
    credit: number,
  ): void {
    if (term !== this.#term()) return
    const feed = { link, number, nextIndex: fromIndex, credit, reading: false }
    this.#feeds.set(link.peer, feed)
    this.#pump(feed)
  }

  addCredit(peer: NodeId, number: number, bytes: number): void {
    const feed = this.#feeds.get(peer)
    if (feed === undefined || feed.number !== number) return
    feed.credit += bytes
    this.#pump(feed)
  }

  stop(peer: NodeId): void {
    this.#feeds.delete(peer)
  }

  stopAll(): void {
    this.#feeds.clear()
  }

  /** The log has grown, or there may be room again. */
  pump(): void {
    for (const feed of this.#feeds.values()) this.#pump(feed)
  }

  #pump(feed: Feed): void {
    while (feed.credit > 0 && !feed.reading && feed.nextIndex <= this.#lastIndex()) {
      if (feed.nextIndex <= this.#baseIndex()) {
        if (this.#send(feed, [], true)) this.#feeds.delete(feed.link.peer)
        return
      }
      const batches = this.#tail.range(feed.nextIndex, this.#lastIndex(), feed.credit)
      if (batches === null) return this.#readCold(feed)
      if (batches.length === 0 || !this.#send(feed, batches, false)) return
    }
  }

  #readCold(feed: Feed): void {
    feed.reading = true
    this.#reader.read(feed.nextIndex, this.#lastIndex(), feed.credit, (batches) => {
      if (this.#feeds.get(feed.link.peer) !== feed) return
      feed.reading = false
      if (batches.length > 0) this.#send(feed, batches, false)
      if (batches.length > 0 || feed.nextIndex <= this.#baseIndex()) this.#pump(feed)
    })
  }

  /** False: there was no room, and all is as before; the next pump tries again. */
  #send(feed: Feed, batches: readonly BatchRef[], compacted: boolean): boolean {
    const { ref, pins } = feed.link
    const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
    pins.pin(batches)
    if (!ref.tell({ kind: 'batches', feed: feed.number, batches, compacted }, bytes)) {
      pins.unpin(batches)
      return false
    }
    const last = batches.at(-1)
    if (last !== undefined) feed.nextIndex = last.firstIndex + last.count
    feed.credit -= bytes
    return true
  }
}
