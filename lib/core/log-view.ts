import { assert } from './assert.js'
import type { BatchSpan, LogIndex, LogSummary, Term, TermRun } from './types.js'

/**
 * What the core knows of its own log: where it begins and ends and which term each entry has. Entries
 * at or below `baseIndex` are gone (compacted, or covered by a snapshot); the term at the base is kept.
 */
export class LogView {
  #baseIndex: LogIndex
  #baseTerm: Term
  #lastIndex: LogIndex
  readonly #runs: TermRun[]
  /** Spans above the commit index: the only ones that may be truncated or issued again. */
  #uncommitted: BatchSpan[] = []

  constructor(summary: LogSummary) {
    this.#baseIndex = summary.firstIndex - 1
    this.#baseTerm = summary.prevTerm
    this.#lastIndex = summary.lastIndex
    this.#runs = [...summary.termRuns]
  }

  get baseIndex(): LogIndex {
    return this.#baseIndex
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex
  }

  get lastTerm(): Term {
    return this.#runs.at(-1)?.term ?? this.#baseTerm
  }

  /** Null when the entry is compacted away or beyond the end. */
  termAt(index: LogIndex): Term | null {
    if (index === this.#baseIndex) return this.#baseTerm
    if (index < this.#baseIndex || index > this.#lastIndex) return null
    return (this.#runs[this.#runOf(index)] as TermRun).term
  }

  /** First index present of the run that holds `index`. */
  firstOfTerm(index: LogIndex): LogIndex {
    return (this.#runs[this.#runOf(index)] as TermRun).firstIndex
  }

  /** Raft §5.4.1: the later last term wins; with equal terms the longer log. */
  isUpToDate(lastLogIndex: LogIndex, lastLogTerm: Term): boolean {
    return (
      lastLogTerm > this.lastTerm ||
      (lastLogTerm === this.lastTerm && lastLogIndex >= this.#lastIndex)
    )
  }

  /** `span` may begin at or below the end only right above a snapshot that it reaches into (S6). */
  append(span: BatchSpan): void {
    const reachesIntoBase =
      span.firstIndex <= this.#baseIndex && this.#lastIndex === this.#baseIndex
    assert(
      span.firstIndex === this.#lastIndex + 1 || reachesIntoBase,
      'a batch must follow the last entry',
      { firstIndex: span.firstIndex, lastIndex: this.#lastIndex },
    )
    assert(span.lastIndex > this.#lastIndex, 'a batch must add entries', { ...span })
    assert(span.term >= this.lastTerm, 'terms never decrease in a log (Raft §5.3)', {
      term: span.term,
      lastTerm: this.lastTerm,
    })
    const last = this.#runs.at(-1)
    if (last === undefined || last.term !== span.term) {
      this.#runs.push({ firstIndex: this.#lastIndex + 1, term: span.term })
    }
    this.#lastIndex = span.lastIndex
    this.#uncommitted.push(span)
  }

  /** Raft §5.3: deletes a conflicting entry and all that follow it. S6: on a batch boundary. */
  truncate(fromIndex: LogIndex, commitIndex: LogIndex): void {
    assert(fromIndex > commitIndex, 'a committed entry is never truncated (Raft §5.4)', {
      fromIndex,
      commitIndex,
    })
    assert(fromIndex > this.#baseIndex, 'a compacted entry is never truncated', {
      fromIndex,
      baseIndex: this.#baseIndex,
    })
    while ((this.#uncommitted.at(-1)?.firstIndex ?? 0) >= fromIndex) this.#uncommitted.pop()
    const before = this.#uncommitted.at(-1)
    assert(
      before === undefined || before.lastIndex < fromIndex,
      'a truncation falls on a batch boundary (S6)',
      { fromIndex, batch: before },
    )
    while ((this.#runs.at(-1)?.firstIndex ?? 0) >= fromIndex) this.#runs.pop()
    this.#lastIndex = fromIndex - 1
  }

  /** Spans wholly or partly above `index`, oldest first, as far as they are not committed. */
  spansAbove(index: LogIndex): readonly BatchSpan[] {
    return this.#uncommitted.filter((span) => span.lastIndex > index)
  }

  /** Spans at or below `index` can no longer be truncated; those not yet durable are kept. */
  committed(index: LogIndex, durableIndex: LogIndex): void {
    const settled = Math.min(index, durableIndex)
    let count = 0
    while (
      count < this.#uncommitted.length &&
      (this.#uncommitted[count] as BatchSpan).lastIndex <= settled
    ) {
      count++
    }
    if (count > 0) this.#uncommitted = this.#uncommitted.slice(count)
  }

  /** Entries at or below `index` are gone; `index` must be held. */
  compact(index: LogIndex): void {
    const term = this.termAt(index)
    assert(term !== null, 'compaction needs the term at its index', {
      index,
      baseIndex: this.#baseIndex,
      lastIndex: this.#lastIndex,
    })
    const keep = index === this.#lastIndex ? this.#runs.length : this.#runOf(index + 1)
    const first = this.#runs[keep]
    this.#runs.splice(0, keep)
    if (first !== undefined) this.#runs[0] = { firstIndex: index + 1, term: first.term }
    this.#baseIndex = index
    this.#baseTerm = term
  }

  /** The log is empty after a snapshot at (index, term) (Raft §7, Figure 13 step 7). */
  reset(index: LogIndex, term: Term): void {
    this.#runs.length = 0
    this.#uncommitted = []
    this.#baseIndex = index
    this.#baseTerm = term
    this.#lastIndex = index
  }

  /** Position of the run that holds `index`, by binary search; index is within the log. */
  #runOf(index: LogIndex): number {
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#runs[middle] as TermRun).firstIndex <= index) low = middle
      else high = middle - 1
    }
    return low
  }
}
