import type { FedBatch, FedChunk } from '../../../lib/core/replication-messages.js'
import type { SeededRandom } from '../../helpers/seeded-random.js'

export interface TestBatch extends FedBatch {
  /** Told apart by identity; the number is for messages. */
  readonly name: number
}

/** A leader's log in batches, its feed and its snapshot, as the consensus actor offers them. */
export class ModelLeader {
  readonly #random: SeededRandom
  batches: TestBatch[] = []
  lastIndex = 0
  lastTerm = 0
  commitIndex = 0
  /** Entries up to here are compacted; a batch that reaches past it is kept whole. */
  snapshot = { index: 0, term: 0, size: 0 }
  #names = 0
  #feed: { readonly number: number; nextIndex: number; credit: number } | null = null
  readonly #transfers = new Map<number, { index: number; term: number; size: number }>()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  get firstIndex(): number {
    return this.batches[0]?.firstIndex ?? this.lastIndex + 1
  }

  append(term: number, count: number, length: number): void {
    const { lastIndex, lastTerm } = this
    const name = ++this.#names
    this.batches.push({ name, firstIndex: lastIndex + 1, count, term, prevTerm: lastTerm, length })
    this.lastIndex += count
    this.lastTerm = term
  }

  /** The term of an entry of the log; what is compacted has none. */
  termAt(index: number): number | null {
    if (index === 0) return 0
    if (index === this.snapshot.index) return this.snapshot.term
    const first = this.batches[0]
    if (first !== undefined && index === first.firstIndex - 1) return first.prevTerm
    return this.batchAt(index)?.term ?? null
  }

  batchAt(index: number): TestBatch | undefined {
    return this.batches.find((b) => b.firstIndex <= index && index < b.firstIndex + b.count)
  }

  /** Takes a snapshot at the commit index and lets go of the log below it. */
  compact(size: number): void {
    const index = this.commitIndex
    const term = this.termAt(index)
    if (term === null || index <= this.snapshot.index) return
    this.snapshot = { index, term, size }
    this.batches = this.batches.filter((batch) => batch.firstIndex + batch.count - 1 > index)
  }

  open(number: number, fromIndex: number, credit: number): void {
    this.#feed = { number, nextIndex: fromIndex, credit }
  }

  credit(number: number, bytes: number): void {
    if (this.#feed?.number === number) this.#feed.credit += bytes
  }

  /** Some of what the feed allows now. */
  feed(): { feed: number; batches: readonly TestBatch[]; compacted: boolean } | null {
    const feed = this.#feed
    if (feed === null || feed.credit <= 0 || feed.nextIndex > this.lastIndex) return null
    if (feed.nextIndex < this.firstIndex) {
      this.#feed = null
      return { feed: feed.number, batches: [], compacted: true }
    }
    const batches: TestBatch[] = []
    const most = 1 + this.#random.below(4)
    while (feed.credit > 0 && batches.length < most) {
      const batch = this.batchAt(feed.nextIndex)
      if (batch === undefined) break
      batches.push(batch)
      feed.credit -= batch.length
      feed.nextIndex = batch.firstIndex + batch.count
    }
    return { feed: feed.number, batches, compacted: false }
  }

  chunk(transfer: number, offset: number, maxBytes: number): FedChunk {
    if (!this.#transfers.has(transfer)) this.#transfers.set(transfer, this.snapshot)
    const meta = this.#transfers.get(transfer) ?? this.snapshot
    const length = Math.min(maxBytes, meta.size - offset)
    const done = offset + length === meta.size
    return { transfer, meta, offset, length, done, failed: false }
  }
}
