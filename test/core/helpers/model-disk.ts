import { assert } from '../../../lib/core/assert.js'
import type { Input } from '../../../lib/core/inputs.js'
import type {
  BatchSpan,
  Configuration,
  HardState,
  IndexedConfiguration,
  LogIndex,
  LogSummary,
  Term,
  TermRun,
} from '../../../lib/core/types.js'

/** A batch with its content: what entries carry is a text, or a configuration. */
export interface ModelBatch extends BatchSpan {
  readonly prevTerm: Term
  readonly value: string
  readonly configuration: Configuration | null
}

/** What a state machine holds: the entry applied at each index, as `term value`. */
export type Applied = readonly (string | undefined)[]

export interface ModelSnapshot {
  readonly index: LogIndex
  readonly term: Term
  readonly configuration: IndexedConfiguration
  readonly applied: Applied
  readonly restored?: boolean
}

type Operation =
  | { readonly kind: 'append'; readonly seq: number; readonly batches: readonly ModelBatch[] }
  | { readonly kind: 'truncate'; readonly seq: number; readonly fromIndex: LogIndex }
  | { readonly kind: 'reset'; readonly seq: number; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: 'compact'; readonly seq: number; readonly index: LogIndex }

/**
 * What a node keeps over a crash, as the log actor and its store do: operations wait, in order, until
 * they are synced; a crash loses those that were not. Full, it refuses all that waits (S15).
 */
export class ModelDisk {
  hardState: HardState = { term: 0, votedFor: null, promisedLeaseMs: 0 }
  base: { readonly index: LogIndex; readonly term: Term } = { index: 0, term: 0 }
  batches: readonly ModelBatch[] = []
  snapshots: readonly ModelSnapshot[] = []
  /** Where the log ended before its last batch was damaged (S15). */
  voteFloor: { readonly index: LogIndex; readonly term: Term } | null = null
  full = false
  #hardStates: { readonly seq: number; readonly hardState: HardState }[] = []
  #operations: Operation[] = []

  /** The newest by (term, index). */
  get snapshot(): ModelSnapshot | null {
    return this.snapshots[0] ?? null
  }

  saveSnapshot(snapshot: ModelSnapshot): void {
    const others = this.snapshots.filter((one) => !isSame(one, snapshot))
    this.snapshots = [snapshot, ...others].sort((a, b) => b.term - a.term || b.index - a.index)
    // What is older than a restored one goes when the state machine has taken that.
    if (snapshot.restored !== true) this.prune(snapshot)
  }

  prune(id: { readonly index: LogIndex; readonly term: Term }): void {
    const place = this.snapshots.findIndex((one) => isSame(one, id))
    if (place >= 0) this.snapshots = this.snapshots.slice(0, place + 1)
  }

  discard(id: { readonly index: LogIndex; readonly term: Term }): void {
    this.snapshots = this.snapshots.filter((one) => !isSame(one, id))
  }

  /** What a start does first. */
  removeUndone(): void {
    if (this.hardState.undone !== undefined) this.discard(this.hardState.undone)
  }

  get lastIndex(): LogIndex {
    return this.batches.at(-1)?.lastIndex ?? this.base.index
  }

  /** Operations of the log that wait. */
  get waiting(): number {
    return this.#operations.length
  }

  get isIdle(): boolean {
    return this.#operations.length === 0 && this.#hardStates.length === 0
  }

  saveHardState(seq: number, hardState: HardState): void {
    this.#hardStates.push({ seq, hardState })
  }

  issue(operation: Operation): void {
    this.#operations.push(operation)
  }

  /** Saves what hard state waits. It overtakes the log's operations (S5). */
  syncHardState(): readonly Input[] {
    const newest = this.#hardStates.at(-1)
    this.#hardStates = []
    if (newest === undefined) return []
    const { seq, hardState } = newest
    assert(hardState.term >= this.hardState.term, 'a saved term never decreases', { seq })
    const sameTerm = hardState.term === this.hardState.term
    const voted = this.hardState.votedFor
    assert(!sameTerm || voted === null || hardState.votedFor === voted, 'one vote a term (§5.2)', {
      term: hardState.term,
      votes: [voted, hardState.votedFor],
    })
    this.hardState = hardState
    return [{ kind: 'hardStateSaved', seq }]
  }

  /** Hard state, then up to `count` operations of the log. What the core is told of it. */
  sync(count = Number.POSITIVE_INFINITY): readonly Input[] {
    const told: Input[] = [...this.syncHardState()]
    let flushed: number | null = null
    for (let done = 0; done < count; done++) {
      const operation = this.#operations[0]
      if (operation === undefined) break
      if (this.full) {
        this.#operations = []
        if (flushed !== null) told.push({ kind: 'logFlushed', seq: flushed })
        told.push({ kind: 'logRefused', seq: operation.seq, lastIndex: this.lastIndex })
        return told
      }
      this.#operations.shift()
      this.#carryOut(operation)
      this.#liftVoteFloor()
      flushed = operation.seq
    }
    if (flushed !== null) told.push({ kind: 'logFlushed', seq: flushed })
    return told
  }

  crash(): void {
    this.#operations = []
    this.#hardStates = []
  }

  /** The last batch turns out damaged at the next start, flushed and perhaps acknowledged as it was. */
  damage(): boolean {
    const last = this.batches.at(-1)
    if (last === undefined || last.firstIndex <= (this.snapshot?.index ?? 1)) return false
    this.batches = this.batches.slice(0, -1)
    this.voteFloor = { index: last.lastIndex, term: last.term }
    return true
  }

  /** What recovery finds. */
  summary(): LogSummary {
    const termRuns: TermRun[] = []
    const configurations: IndexedConfiguration[] = []
    for (const { firstIndex, term, configuration } of this.batches) {
      if (termRuns.at(-1)?.term !== term) termRuns.push({ firstIndex, term })
      if (configuration !== null) configurations.push({ index: firstIndex, configuration })
    }
    const { index, term: prevTerm } = this.base
    const lastTerm = this.batches.at(-1)?.term ?? prevTerm
    const ends = { firstIndex: index + 1, lastIndex: this.lastIndex }
    const floor = this.voteFloor === null ? {} : { voteFloor: this.voteFloor }
    return { ...ends, lastTerm, prevTerm, termRuns, configurations, ...floor }
  }

  #liftVoteFloor(): void {
    const floor = this.voteFloor
    const lastTerm = this.batches.at(-1)?.term ?? this.base.term
    const isPast = (index: LogIndex, term: Term) =>
      lastTerm > term || (lastTerm === term && this.lastIndex >= index)
    if (floor !== null && isPast(floor.index, floor.term)) this.voteFloor = null
  }

  #carryOut(operation: Operation): void {
    switch (operation.kind) {
      case 'append':
        for (const batch of operation.batches) this.#append(batch)
        return
      case 'truncate':
        assert(operation.fromIndex > this.base.index, 'a truncation reaches below the log', {
          ...operation,
          base: this.base.index,
        })
        this.batches = this.batches.filter(({ firstIndex }) => firstIndex < operation.fromIndex)
        return
      case 'reset':
        this.batches = []
        this.base = { index: operation.index, term: operation.term }
        return
      case 'compact': {
        const gone = this.batches.filter(({ lastIndex }) => lastIndex <= operation.index)
        const last = gone.at(-1)
        if (last === undefined) return
        this.batches = this.batches.slice(gone.length)
        this.base = { index: last.lastIndex, term: last.term }
      }
    }
  }

  #append(batch: ModelBatch): void {
    const { firstIndex, lastIndex, term } = batch
    const numbers = { firstIndex, lastIndex, term, end: this.lastIndex }
    const straddles = this.batches.length === 0 && firstIndex <= this.lastIndex
    const follows = firstIndex === this.lastIndex + 1 || straddles
    assert(follows && lastIndex > this.lastIndex, 'a batch continues the log', numbers)
    assert(term <= this.hardState.term, 'no entry is durable before its term is (S5)', numbers)
    this.batches = [...this.batches, batch]
  }
}

function isSame(one: ModelSnapshot, id: { readonly index: LogIndex; readonly term: Term }) {
  return one.index === id.index && one.term === id.term
}
