import type { LogIndex } from '../core/types.js'
import { Ring } from '../log/ring.js'
import { Histogram, type HistogramCounts } from '../runtime/histogram.js'

/** What a batch of commands reaches on its way, in the order in which it usually does. */
export const STAGES = ['proposed', 'flushed', 'replicated', 'committed', 'applied'] as const
export type Stage = (typeof STAGES)[number]

/** One batch that this node proposed. Monotonic ms; a stage that is not reached yet is not there. */
export interface BatchTimes {
  /** When its first command was given to `apply`. */
  readonly openedAt: number
  readonly count: number
  readonly bytes: number
  readonly reached: Partial<Record<Stage, number>>
}

interface Tracked extends BatchTimes {
  lastIndex: LogIndex
  failed: boolean
}

/** Times up to 1/32 ms are one bucket, as is a single entry, and 64 bytes. */
const LOWEST_MS = 1 / 32
const LOWEST_BYTES = 64

/**
 * How long the batches that this node proposes take to reach each stage, each counted from the `apply` of
 * the batch's first command: `proposed` has its place in the log, `flushed` is durable here, `replicated` is
 * durable on so many others that this node's flush is all that a quorum lacks, `committed`, and `applied` by
 * this node's state machine. One look at the clock for each stage of a batch, and nothing for a command.
 */
export class StageClock {
  readonly #now: () => number
  readonly #stages = byStage(() => new Histogram(LOWEST_MS))
  readonly #entries = new Histogram(1)
  readonly #bytes = new Histogram(LOWEST_BYTES)
  readonly #told = new Map<number, Tracked>()
  readonly #unreplicated = new Ring<Tracked>()
  readonly #uncommitted = new Ring<Tracked>()
  #failedEntries = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** The batch goes to consensus. */
  told(proposal: number, openedAt: number, count: number, bytes: number): void {
    const reached = {}
    this.#told.set(proposal, { openedAt, count, bytes, reached, lastIndex: 0, failed: false })
  }

  accepted(proposal: number, firstIndex: LogIndex): void {
    const batch = this.#told.get(proposal)
    if (batch === undefined) return
    batch.lastIndex = firstIndex + batch.count - 1
    this.#entries.record(batch.count)
    this.#bytes.record(batch.bytes)
    this.#reach(batch, 'proposed', this.#now())
    this.#unreplicated.push(batch)
    this.#uncommitted.push(batch)
  }

  flushed(proposal: number): void {
    const batch = this.#told.get(proposal)
    if (batch === undefined || batch.reached.flushed !== undefined) return
    this.#reach(batch, 'flushed', this.#now())
    // The others may have committed it before.
    if (batch.reached.applied !== undefined) this.#told.delete(proposal)
  }

  /** As far as consensus has come by its latest status. */
  moved(replicatedIndex: LogIndex, commitIndex: LogIndex): void {
    this.#pass(this.#unreplicated, 'replicated', Math.max(replicatedIndex, commitIndex))
    this.#pass(this.#uncommitted, 'committed', commitIndex)
  }

  applied(proposal: number): BatchTimes | null {
    const batch = this.#told.get(proposal)
    if (batch === undefined) return null
    // The status of the turn in which it was committed may still be on its way.
    this.moved(batch.lastIndex, batch.lastIndex)
    this.#reach(batch, 'applied', this.#now())
    if (batch.reached.flushed !== undefined) this.#told.delete(proposal)
    return batch
  }

  failed(proposal: number): void {
    const batch = this.#told.get(proposal)
    if (batch === undefined) return
    this.#told.delete(proposal)
    if (batch.reached.applied !== undefined) return
    batch.failed = true
    this.#failedEntries += batch.count
  }

  /** This node leads no more: what it does not hear of any more is not measured. */
  stopped(): void {
    for (const proposal of [...this.#told.keys()]) this.failed(proposal)
    this.moved(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  }

  counts(): {
    readonly stages: Readonly<Record<Stage, HistogramCounts>>
    readonly entries: HistogramCounts
    readonly bytes: HistogramCounts
    /** Commands whose batch ended without a result. */
    readonly failedEntries: number
  } {
    return {
      stages: byStage((stage) => this.#stages[stage].counts()),
      entries: this.#entries.counts(),
      bytes: this.#bytes.counts(),
      failedEntries: this.#failedEntries,
    }
  }

  #pass(ring: Ring<Tracked>, stage: Stage, index: LogIndex): void {
    let first = ring.first()
    if (first === undefined || first.lastIndex > index) return
    const now = this.#now()
    for (; first !== undefined && first.lastIndex <= index; first = ring.first()) {
      ring.shift()
      if (!first.failed) this.#reach(first, stage, now)
    }
  }

  #reach(batch: Tracked, stage: Stage, now: number): void {
    batch.reached[stage] = now
    this.#stages[stage].record(Math.max(0, now - batch.openedAt))
  }
}

function byStage<T>(make: (stage: Stage) => T): Record<Stage, T> {
  return {
    proposed: make('proposed'),
    flushed: make('flushed'),
    replicated: make('replicated'),
    committed: make('committed'),
    applied: make('applied'),
  }
}
