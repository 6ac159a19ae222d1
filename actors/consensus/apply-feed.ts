import { assert } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { LogTail } from '../../lib/log/log-tail.js'
import { PIN_FSM } from '../../lib/log/slab.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { FsmMessage, FsmReply, QueryItem } from '../fsm/protocol.js'
import type { FsmWork } from './fsm-watch.js'
import type { LogReader } from './log-reader.js'
import { PinLedger } from './pin-ledger.js'
import { QueryQueue } from './query-queue.js'

/**
 * Apply messages told and not yet answered; what is committed meanwhile is one message of many batches.
 * With a restore and the queries they stay below the smallest bound that a mailbox can have (S18).
 */
const MAX_MESSAGES = 8

/** See FsmMessage. */
type RestoreHow = Pick<Extract<FsmMessage, { kind: 'restore' }>, 'skip' | 'undone'>

/** One apply message in the hands of the state machine. */
interface Sent {
  readonly fromIndex: LogIndex
  readonly toIndex: LogIndex
  readonly bytes: number
}

/**
 * Committed batches on their way to the state machine, in order, a bounded number of bytes ahead of
 * what it has applied (S18), and the queries that wait for their place among them.
 */
export class ApplyFeed {
  readonly #tail: LogTail
  readonly #reader: LogReader
  readonly #maxBytes: () => number
  readonly #resultsFrom: () => LogIndex | null
  readonly #queries = new QueryQueue()
  readonly #pins = new PinLedger(PIN_FSM)
  #fsm: ActorRef<FsmMessage> | null = null
  /** What the state machine may be given: the commit index, or less (S14). */
  #limit: LogIndex = 0
  #fed: LogIndex = 0
  #applied: LogIndex = 0
  #sent: Sent[] = []
  #bytes = 0
  #reading = false
  #restoring = false
  /** What comes next is not certain yet (lib/core/uncertain.ts). */
  #held = false
  #answers = 0

  constructor(options: {
    readonly tail: LogTail
    readonly reader: LogReader
    readonly maxBytes: () => number
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

  /** What it has not answered yet. */
  get work(): FsmWork | null {
    if (this.#fsm === null) return null
    const answers = this.#answers
    if (this.#restoring) return { what: 'restore', index: this.#fed, answers }
    const sent = this.#sent[0]
    if (sent !== undefined) return { what: 'apply', index: sent.fromIndex, answers }
    return this.#queries.busy ? { what: 'query', index: this.#applied, answers } : null
  }

  /** True once nothing is being restored and the machine is there. */
  get running(): boolean {
    return this.#fsm !== null && !this.#restoring && !this.#held
  }

  /** A state machine that holds everything up to `lastApplied` takes over from here. */
  start(
    fsm: ActorRef<FsmMessage>,
    lastApplied: LogIndex,
    snapshot: { readonly index: LogIndex; readonly term: Term } | null,
    how: RestoreHow = {},
  ): void {
    this.#fsm = fsm
    this.#fed = lastApplied
    this.#applied = lastApplied
    this.#restoring = false
    if (snapshot !== null) this.restore(snapshot.index, snapshot.term, how)
    else this.pump()
  }

  /**
   * The state machine is gone; what it had in hand will be fed again. Returns the answers to the queries
   * among that.
   */
  stop(error: WireError): Extract<FsmReply, { kind: 'queried' }>['items'] {
    this.#fsm = null
    this.#pins.release()
    this.#sent = []
    this.#bytes = 0
    return this.#queries.lost(error)
  }

  /** S13: the snapshot's state replaces everything; its `restored` brings the feed on again. */
  restore(index: LogIndex, term: Term, how: RestoreHow = {}): void {
    this.#fed = Math.max(this.#fed, index)
    // What was to be fed is superseded.
    this.#limit = this.#fed
    this.#held = false
    this.#restoring = true
    const message = { kind: 'restore', index, term, ...how } as const
    const taken = this.#fsm?.tell(message) ?? true
    assert(taken, 'the state machine has room for what it was not told yet (S18)', { index })
  }

  /** The state machine keeps what it has; a restore or `goOn` ends this. */
  hold(): void {
    this.#held = true
  }

  /** The log begins anew behind (index, term), in a past that the state machine may know. */
  goOn(index: LogIndex, term: Term, undone: LogIndex): void {
    if (index > this.#fed) return this.restore(index, term, { undone })
    this.#held = false
    this.#limit = this.#fed
    this.pump()
  }

  restored(index: LogIndex): void {
    this.#answers++
    this.#restoring = false
    this.#applied = index
    this.#fed = index
    this.pump()
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
    this.#answers++
    this.#applied = toIndex
    while ((this.#sent[0]?.toIndex ?? Number.POSITIVE_INFINITY) <= toIndex) {
      this.#bytes -= this.#sent.shift()?.bytes ?? 0
    }
    this.pump()
  }

  /** Asked as soon as everything up to `minIndex` is before it in the state machine's mailbox. */
  query(minIndex: LogIndex, items: readonly QueryItem[]): void {
    this.#queries.add(minIndex, items)
    this.#askReady()
  }

  queried(): void {
    this.#answers++
    this.#queries.answered()
    this.#askReady()
  }

  /** Feeds what may be fed. Harmless at any time. */
  pump(): void {
    while (this.#mayFeed()) {
      const batches = this.#tail.range(this.#fed + 1, this.#limit, this.#maxBytes())
      if (batches === null) {
        this.#readCold()
        break
      }
      assert(batches.length > 0, 'a committed entry is in the log', {
        fed: this.#fed,
        limit: this.#limit,
      })
      if (!this.#send(batches)) break
    }
    this.#askReady()
  }

  #mayFeed(): boolean {
    return (
      this.running &&
      !this.#reading &&
      this.#fed < this.#limit &&
      this.#bytes < this.#maxBytes() &&
      this.#sent.length < MAX_MESSAGES
    )
  }

  #readCold(): void {
    this.#reading = true
    const from = this.#fed + 1
    this.#reader.read(from, this.#limit, this.#maxBytes(), (batches) => {
      this.#reading = false
      // Superseded meanwhile by a restore or a new state machine: pump finds its own way.
      if (this.running && this.#fed + 1 === from && batches.length > 0) this.#send(batches)
      if (batches.length > 0 || this.#fed + 1 !== from) this.pump()
    })
  }

  /** False: there was no room, and all is as before. */
  #send(batches: readonly BatchRef[]): boolean {
    const last = batches.at(-1) as BatchRef
    const fromIndex = this.#fed + 1
    const toIndex = Math.min(last.firstIndex + last.count - 1, this.#limit)
    const waited = this.#resultsFrom()
    const resultsFrom = waited !== null && waited <= toIndex ? Math.max(waited, fromIndex) : null
    const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
    this.#pins.pin(batches)
    const message = { kind: 'apply', fromIndex, toIndex, batches, resultsFrom } as const
    if (this.#fsm?.tell(message, bytes) !== true) {
      this.#pins.unpin(batches)
      return false
    }
    this.#fed = toIndex
    this.#bytes += bytes
    this.#sent.push({ fromIndex, toIndex, bytes })
    return true
  }

  #askReady(): void {
    if (this.#fsm !== null && this.running) this.#queries.ask(this.#fsm, this.#fed)
  }
}
