import { assert } from './assert.js'
import { type FedBatch, lastIndexOf, type Position } from './replication-messages.js'
import type { AppendReply } from './rpc.js'
import type { LogIndex, Term } from './types.js'

export type Conflict = NonNullable<AppendReply['conflict']>

/**
 * Where the logs may still agree after a rejection (Raft §5.3, the optimisation by terms). The replicator
 * does not know the terms of its own log, so it looks batches up: first at the top of what is possible,
 * then in growing steps below it, then by halves. It ends at the highest entry that the follower
 * may hold too:
 *
 * - the follower's log is shorter: its last entry;
 * - it has term T where the leader has another: the leader's last entry of term T if the follower's run
 *   of T reaches down to it, else the last entry before that run which is not of a later term.
 *
 * Every candidate lies below the rejected entry, so nextIndex falls with each rejection.
 */
export class MatchSearch {
  readonly #conflict: Conflict
  /** Candidates not judged yet: from #low to #high. */
  #low: LogIndex
  #high: LogIndex
  /** The highest candidate known to be possible; null once compaction has overtaken it. */
  #best: Position | null
  #step = 1
  /** A possible one was looked up: what remains is between it and an impossible one. */
  #bounded = false

  /** `base` is known to match; `rejected` was probed and is above it. */
  constructor(base: Position, rejected: Position, conflict: Conflict) {
    this.#conflict = conflict
    this.#best = base
    this.#low = base.index + 1
    const highest = Math.min(rejected.index - 1, conflict.lastIndex)
    // A run of a term later than the leader's at that place has no entry in the leader's log below it.
    this.#high = conflict.term > rejected.term ? Math.min(highest, conflict.index - 1) : highest
  }

  /** The entry to look up next: feed from the one after it. Null when the search is over. */
  get wanted(): LogIndex | null {
    if (this.#low > this.#high) return null
    if (this.#bounded) return Math.floor((this.#low + this.#high) / 2)
    return Math.max(this.#low, this.#high - this.#step + 1)
  }

  /** Once nothing is wanted: where to probe; null when what is needed is compacted away. */
  get result(): Position | null {
    return this.#best
  }

  /** `batch` holds the entry after `wanted`, and so tells the term of `wanted`. */
  learn(wanted: LogIndex, batch: FedBatch): void {
    assert(
      batch.firstIndex <= wanted + 1 && lastIndexOf(batch) > wanted,
      'a look-up brings the batch that holds the index asked for (S6)',
      { index: wanted + 1, firstIndex: batch.firstIndex, lastIndex: lastIndexOf(batch) },
    )
    const inside = wanted >= batch.firstIndex
    const term = inside ? batch.term : batch.prevTerm
    if (this.#possible(wanted, term)) {
      // The whole batch has one term: as far up as that is possible, the top of it is the candidate.
      const top = inside ? Math.min(lastIndexOf(batch), this.#high) : wanted
      this.#accept(this.#possible(top, term) ? top : wanted, term)
      return
    }
    this.#step *= 2
    // The rest of the batch below it is as impossible, but for what lies before the follower's run.
    const runStart = this.#conflict.index
    const edge = wanted >= runStart ? Math.max(batch.firstIndex, runStart) : batch.firstIndex
    const below = (inside ? edge : wanted) - 1
    const termBelow = below >= batch.firstIndex ? batch.term : batch.prevTerm
    this.#high = below
    if (inside && below >= this.#low && this.#possible(below, termBelow)) {
      this.#accept(below, termBelow)
    }
  }

  /** The entry after `wanted` is not in the log any more: nothing at or below `wanted` is of use. */
  compacted(wanted: LogIndex): void {
    this.#low = wanted + 1
    this.#best = null
    this.#bounded = true
  }

  #accept(index: LogIndex, term: Term): void {
    this.#best = { index, term }
    this.#low = index + 1
    this.#bounded = true
  }

  #possible(index: LogIndex, term: Term): boolean {
    const { term: theirs, index: runStart } = this.#conflict
    if (theirs === 0) return true
    // Within the follower's run only the same term matches; before it, anything not later than that.
    return index >= runStart ? term === theirs : term <= theirs
  }
}
