import { assert } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { LogTail } from '../../lib/log/log-tail.js'
import { PIN_FSM, pin } from '../../lib/log/slab.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { FsmMessage, QueryItem } from '../fsm/protocol.js'
import type { LogReader } from './log-reader.js'

interface WaitingQuery {
  readonly minIndex: LogIndex
  readonly items: readonly QueryItem[]
}

/**
 * Committed batches on their way to the state machine, in order, a bounded number of bytes ahead of
 * what it has applied (S18), and the queries that wait for their place among them.
 */
export class ApplyFeed {
  readonly #tail: LogTail
  readonly #reader: LogReader
  readonly #maxBytes: number
  readonly #resultsFrom: () => LogIndex | null
  #fsm: ActorRef<FsmMessage> | null = null
  /** What the state machine may be given: the commit index, or less (S14). */
  #limit: LogIndex = 0
  #fed: LogIndex = 0
  #applied: LogIndex = 0
  /** Told and not yet applied: last index and bytes of each message. */
  #sent: { readonly toIndex: LogIndex; readonly bytes: number }[] = []
  #bytes = 0
  #reading = false
  #restoring = false
  #queries: WaitingQuery[] = []

  constructor(options: {
    readonly tail: LogTail
    readonly reader: LogReader
    readonly maxBytes: number
    /** First index whose result someone here waits for. */
    readonly resultsFrom: () => LogIndex | null
  }) {
    this.#tail = options.tail
    this.#reader = options.reader
    this.#maxBytes = options.maxBytes
    this.#resultsFrom = options.resultsFrom
  }

  get applied(): LogIndex {
    return this.#applied
  }

  get fed(): LogIndex {
    return this.#fed
  }

  /** A state machine that holds everything up to `lastApplied` takes over from here. */
  start(
    fsm: ActorRef<FsmMessage>,
    lastApplied: LogIndex,
    snapshot: { readonly index: LogIndex; readonly term: Term } | null,
  ): void {
    this.#fsm = fsm
    this.#fed = lastApplied
    this.#applied = lastApplied
    this.#forget()
    if (snapshot !== null) this.restore(snapshot.index, snapshot.term)
    else this.pump()
  }

  /** The state machine is gone; what it had in hand will be fed again. */
  stop(): void {
    this.#fsm = null
    this.#forget()
  }

  /** S13: the snapshot's state replaces everything; its `restored` brings the feed on again. */
  restore(index: LogIndex, term: Term): void {
    this.#forget()
    this.#fed = Math.max(this.#fed, index)
    this.#restoring = true
    this.#fsm?.tell({ kind: 'restore', index, term })
  }

  restored(index: LogIndex): void {
    this.#restoring = false
    this.#applied = index
    this.#fed = index
    this.pump()
  }

  /** True once nothing is being restored and the machine is there. */
  get running(): boolean {
    return this.#fsm !== null && !this.#restoring
  }

  raiseLimit(limit: LogIndex): void {
    if (limit <= this.#limit) return
    this.#limit = limit
    this.pump()
  }

  onApplied(toIndex: LogIndex): void {
    assert(toIndex <= this.#fed && toIndex >= this.#applied, 'apply answers come in order', {
      toIndex,
      fed: this.#fed,
      applied: this.#applied,
    })
    this.#applied = toIndex
    while ((this.#sent[0]?.toIndex ?? Number.POSITIVE_INFINITY) <= toIndex) {
      this.#bytes -= this.#sent.shift()?.bytes ?? 0
    }
    this.pump()
  }

  /** Asked as soon as everything up to `minIndex` is before it in the state machine's mailbox. */
  query(minIndex: LogIndex, items: readonly QueryItem[]): void {
    this.#queries.push({ minIndex, items })
    this.#askReady()
  }

  pump(): void {
    while (
      this.running &&
      !this.#reading &&
      this.#fed < this.#limit &&
      this.#bytes < this.#maxBytes
    ) {
      const batches = this.#tail.range(this.#fed + 1, this.#limit, this.#maxBytes)
      if (batches === null) return this.#readCold()
      assert(batches.length > 0, 'a committed entry is in the log', {
        fed: this.#fed,
        limit: this.#limit,
      })
      this.#send(batches)
    }
    this.#askReady()
  }

  #readCold(): void {
    this.#reading = true
    const from = this.#fed + 1
    this.#reader.read(from, this.#limit, this.#maxBytes, (batches) => {
      this.#reading = false
      // Superseded meanwhile by a restore or a new state machine: pump finds its own way.
      if (this.running && this.#fed + 1 === from && batches.length > 0) this.#send(batches)
      if (batches.length > 0 || this.#fed + 1 !== from) this.pump()
    })
  }

  #send(batches: readonly BatchRef[]): void {
    const last = batches.at(-1) as BatchRef
    const fromIndex = this.#fed + 1
    const toIndex = Math.min(last.firstIndex + last.count - 1, this.#limit)
    const waited = this.#resultsFrom()
    const resultsFrom = waited !== null && waited <= toIndex ? Math.max(waited, fromIndex) : null
    let bytes = 0
    for (const batch of batches) {
      pin(batch, PIN_FSM)
      bytes += batch.length
    }
    this.#fed = toIndex
    this.#bytes += bytes
    this.#sent.push({ toIndex, bytes })
    this.#fsm?.tell({ kind: 'apply', fromIndex, toIndex, batches, resultsFrom }, bytes)
  }

  #askReady(): void {
    if (this.#queries.length === 0 || !this.running) return
    const ready = this.#queries.filter((query) => query.minIndex <= this.#fed)
    if (ready.length === 0) return
    this.#queries = this.#queries.filter((query) => query.minIndex > this.#fed)
    this.#fsm?.tell({ kind: 'query', items: ready.flatMap((query) => query.items) })
  }

  #forget(): void {
    this.#sent = []
    this.#bytes = 0
    this.#restoring = false
  }
}
