import type { LogIndex } from '../core/types.js'
import { Ring } from '../log/ring.js'
import { Histogram, type HistogramCounts } from '../runtime/histogram.js'
import { channels, type ProposalMessage, type StageTimes } from './channels.js'
import { STAGES, type Stage } from './stages.js'

/** One batch that this node proposed. Monotonic ms; a stage that is not reached yet is not there. */
interface BatchTimes {
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
/** Batches of which a traced command may ask after they were applied. */
const KEPT = 64

/**
 * How long the batches that this node proposes take to reach each stage, each counted from the `apply` of
 * the batch's first command. One look at the clock for each stage of a batch, and nothing for a command.
 */
export class StageClock {
  readonly #node: string
  readonly #now: () => number
  readonly #stages = byStage(() => new Histogram(LOWEST_MS))
  readonly #entries = new Histogram(1)
  readonly #bytes = new Histogram(LOWEST_BYTES)
  readonly #told = new Map<number, Tracked>()
  readonly #unreplicated = new Ring<Tracked>()
  readonly #uncommitted = new Ring<Tracked>()
  /** The latest that were applied, kept only while somebody listens to traced commands. */
  #kept: Tracked[] = []
  #failedEntries = 0

  constructor(node: string, now: () => number) {
    this.#node = node
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

  applied(proposal: number): void {
    const batch = this.#told.get(proposal)
    if (batch === undefined) return
    // The status of the turn in which it was committed may still be on its way.
    this.moved(batch.lastIndex, batch.lastIndex)
    this.#reach(batch, 'applied', this.#now())
    if (batch.reached.flushed !== undefined) this.#told.delete(proposal)
    if (channels.proposal.hasSubscribers) channels.proposal.publish(this.#messageOf(batch))
    if (channels.command.hasSubscribers) this.#keep(batch)
  }

  /** Of the batch that holds this index, if this node proposed it a short while ago. */
  timesOf(index: LogIndex): StageTimes | null {
    const batch = this.#kept.find(
      ({ lastIndex, count }) => index <= lastIndex && index > lastIndex - count,
    )
    return batch === undefined ? null : timesIn(batch)
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

  #keep(batch: Tracked): void {
    this.#kept.push(batch)
    if (this.#kept.length > KEPT) this.#kept.shift()
  }

  #messageOf(batch: Tracked): ProposalMessage {
    const { lastIndex, count, bytes } = batch
    const firstIndex = lastIndex - count + 1
    return { node: this.#node, firstIndex, lastIndex, count, bytes, times: timesIn(batch) }
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

function timesIn({ openedAt, reached }: BatchTimes): StageTimes {
  const since = STAGES.flatMap((stage) => {
    const at = reached[stage]
    return at === undefined ? [] : [[`${stage}Ms`, Math.max(0, at - openedAt)] as const]
  })
  return Object.fromEntries(since)
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
