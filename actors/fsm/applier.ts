import { assert } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import { messageOf, StateMachineError } from '../../lib/fsm/errors.js'
import type { LoadedMachine } from '../../lib/fsm/load.js'
import { type CommandError, type Entry, isCommandError } from '../../lib/fsm/state-machine.js'
import {
  type DecodedEntry,
  ENTRY_COMMAND,
  ENTRY_CONFIGURATION,
  ENTRY_SESSION_OPEN,
} from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { decodeConfiguration } from '../../lib/log/configuration-codec.js'
import { PIN_FSM, unpin } from '../../lib/log/slab.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import type { Courier } from './courier.js'
import { EntryRun } from './entry-run.js'
import type { EntrySource } from './entry-source.js'
import type { FsmMessage, ResultRun } from './protocol.js'
import { Results } from './results.js'
import type { Admission } from './sessions/admission.js'
import type { KeptOutcome } from './sessions/kept-outcome.js'
import { Repetitions } from './sessions/repetitions.js'

type Apply = Extract<FsmMessage, { kind: 'apply' }>

/**
 * Takes committed batches to the state machine, each entry once and in order (S14), and each command
 * of a session or with an idempotency key once however often it comes. It knows how far the machine is;
 * anything else that moves the machine tells it so with `moveTo`.
 *
 * A machine that keeps its own state may hold entries that the tables of sessions and keys have not
 * seen since the start: those pass through the tables only.
 */
export class Applier {
  readonly #machine: LoadedMachine
  readonly #source: EntrySource
  readonly #courier: Courier
  readonly #maxEntries: number
  readonly #maxBytes: number
  #lastApplied: LogIndex
  /** Null while only the machine itself knows how far it is. */
  #lastTerm: Term | null
  /** How far the tables are: behind `lastApplied` only while entries are read again for them. */
  #seen: LogIndex = 0
  #repetitions = new Repetitions()

  constructor(options: {
    readonly machine: LoadedMachine
    readonly source: EntrySource
    readonly courier: Courier
    readonly maxApplyEntries: number
    readonly maxApplyBytes: number
    readonly lastApplied: LogIndex
  }) {
    this.#machine = options.machine
    this.#source = options.source
    this.#courier = options.courier
    this.#maxEntries = options.maxApplyEntries
    this.#maxBytes = options.maxApplyBytes
    this.#lastApplied = options.lastApplied
    this.#lastTerm = options.lastApplied === 0 ? 0 : null
  }

  get lastApplied(): LogIndex {
    return this.#lastApplied
  }

  get lastTerm(): Term | null {
    return this.#lastTerm
  }

  get seen(): LogIndex {
    return this.#seen
  }

  get repetitions(): Repetitions {
    return this.#repetitions
  }

  /** The state machine holds the state at (index, term) now. */
  moveTo(index: LogIndex, term: Term): void {
    this.#lastApplied = index
    this.#lastTerm = term
    this.#seen = index
  }

  /** The tables as of an index that the machine has reached. */
  replaceTables(repetitions: Repetitions, index: LogIndex): void {
    this.#repetitions = repetitions
    this.#seen = index
  }

  /** @throws StateMachineError RAFT_STATE_MACHINE_FAILED with the index that failed in its details */
  *apply(message: Apply): Steps<ResultRun | null> {
    const { fromIndex, toIndex, resultsFrom } = message
    const seen = this.#seen
    assert(
      fromIndex >= 1 && fromIndex <= seen + 1 && toIndex >= fromIndex,
      'apply goes on right behind the last entry that was seen',
      { seen, lastApplied: this.#lastApplied, fromIndex, toIndex },
    )
    const results = new Results(resultsFrom, this.#courier)
    yield* this.#applyBatches(message, results)
    assert(this.#lastApplied >= toIndex, 'the batches hold every entry up to toIndex', {
      lastApplied: this.#lastApplied,
      fromIndex,
      toIndex,
    })
    return results.run()
  }

  *#applyBatches(message: Apply, results: Results): Steps {
    const pins = new Pins(this.#source.copies)
    try {
      const inRuns = this.#machine.applyBatch !== undefined
      const run = new EntryRun(this.#maxEntries, this.#maxBytes)
      let decoded = this.#seen
      for (const batch of message.batches) {
        const read = this.#decode(batch, decoded, message.toIndex)
        decoded += read.length
        pins.hold(batch)
        const entries = this.#seen < this.#lastApplied ? this.#reread(read) : read
        if (!inRuns) yield* this.#applyEach(entries, results)
        else {
          for (const entry of entries) {
            const full = run.add(entry)
            if (full !== null) yield* this.#applyRun(full, results)
          }
        }
        pins.release(this.#lastApplied)
      }
      yield* this.#applyRun(run.take(), results)
    } finally {
      pins.release(Number.POSITIVE_INFINITY)
    }
  }

  /** The entries of the batch behind `after`, which was decoded before. */
  #decode(batch: BatchRef, after: LogIndex, toIndex: LogIndex): DecodedEntry[] {
    const { firstIndex, count, term } = batch
    assert(firstIndex <= after + 1, 'entries are applied without a gap', {
      lastApplied: after,
      index: firstIndex,
    })
    const lastIndex = firstIndex + count - 1
    // A machine that keeps its own state does not say of which term its last entry is; its batch does.
    if (firstIndex <= this.#lastApplied && lastIndex >= this.#lastApplied) this.#lastTerm ??= term
    return lastIndex <= after ? [] : this.#source.decode(batch, after + 1, toIndex)
  }

  /**
   * Entries that the machine holds since an earlier life: they were applied, as far as the tables allow,
   * and what they returned is not known any more. Returns those that are left to apply.
   */
  #reread(entries: readonly DecodedEntry[]): readonly DecodedEntry[] {
    let held = 0
    for (const entry of entries) {
      if (entry.index > this.#lastApplied) break
      held++
      this.#seen = entry.index
      if (entry.type !== ENTRY_COMMAND) this.#control(entry)
      else if (entry.identity !== undefined) {
        const admission = this.#repetitions.admit(entry, entry.identity)
        if (admission.verdict === 'apply') this.#repetitions.appliedBefore(admission)
        else this.#repetitions.repeated(admission)
      }
    }
    return held === 0 ? entries : entries.slice(held)
  }

  *#applyEach(entries: readonly DecodedEntry[], results: Results): Steps {
    const machine = this.#machine
    for (const decoded of entries) {
      if (decoded.type === ENTRY_COMMAND) {
        const admission = this.#admit(decoded)
        if (admission !== null && admission.verdict !== 'apply') {
          results.repeat(decoded.index, this.#repetitions.repeated(admission))
        } else {
          try {
            const returned = machine.apply(this.#source.toEntry(decoded))
            const value = isPromise(returned) ? yield returned : returned
            this.#settle(decoded.index, admission, value, results)
          } catch (error) {
            if (!isCommandError(error)) throw failedAt(decoded.index, 'apply', error)
            this.#refuse(decoded.index, admission, error, results)
          }
        }
        this.#source.giveBack(decoded)
      } else yield* this.#pass(decoded, results)
      this.moveTo(decoded.index, decoded.term)
    }
  }

  /** Null for most commands: nobody will say that he has sent them before. */
  #admit(decoded: DecodedEntry): Admission | null {
    const { identity } = decoded
    return identity === undefined ? null : this.#repetitions.admit(decoded, identity)
  }

  #settle(index: LogIndex, admission: Admission | null, value: unknown, results: Results): void {
    if (admission !== null) this.#repetitions.applied(admission, value)
    results.add(index, value)
  }

  /** The machine's refusal is the command's result (S14). */
  #refuse(
    index: LogIndex,
    admission: Admission | null,
    error: CommandError,
    results: Results,
  ): void {
    if (admission !== null) this.#repetitions.refused(admission, error)
    results.refuse(index, error)
  }

  /** Runs of commands go to applyBatch; what is no command ends a run. */
  *#applyRun(run: readonly DecodedEntry[], results: Results): Steps {
    let start = 0
    for (let end = 0; end <= run.length; end++) {
      const other = run[end]
      if (other?.type === ENTRY_COMMAND) continue
      if (end > start) yield* this.#applyCommands(run.slice(start, end), results)
      start = end + 1
      if (other === undefined) return
      yield* this.#pass(other, results)
      this.moveTo(other.index, other.term)
    }
  }

  *#applyCommands(run: readonly DecodedEntry[], results: Results): Steps {
    const first = run[0] as DecodedEntry
    const last = run.at(-1) as DecodedEntry
    const entries: Entry<unknown>[] = []
    const refused = new Map<LogIndex, Error>()
    const admissions = new Map<LogIndex, Admission>()
    for (const decoded of run) {
      const admission = this.#admit(decoded)
      if (admission !== null) admissions.set(decoded.index, admission)
      if (admission !== null && admission.verdict !== 'apply') continue
      try {
        entries.push(this.#source.toEntry(decoded))
      } catch (error) {
        if (!isCommandError(error)) throw failedAt(decoded.index, 'apply', error)
        refused.set(decoded.index, error)
      }
    }
    const values = yield* this.#callApplyBatch(entries, first.index, last.index)
    let taken = 0
    for (const decoded of run) {
      const admission = admissions.size === 0 ? null : (admissions.get(decoded.index) ?? null)
      if (admission !== null && admission.verdict !== 'apply') {
        results.repeat(decoded.index, this.#repetitions.repeated(admission))
      } else {
        const value = refused.get(decoded.index) ?? values[taken++]
        if (isCommandError(value)) this.#refuse(decoded.index, admission, value, results)
        else this.#settle(decoded.index, admission, value, results)
      }
      this.#source.giveBack(decoded)
    }
    this.moveTo(last.index, last.term)
  }

  *#callApplyBatch(
    entries: readonly Entry<unknown>[],
    firstIndex: LogIndex,
    lastIndex: LogIndex,
  ): Steps<readonly unknown[]> {
    if (entries.length === 0) return []
    let values: unknown
    try {
      values = yield* step<unknown>(this.#machine.applyBatch?.(entries))
    } catch (error) {
      // Where batches end differs from replica to replica, so not even a CommandError may be thrown.
      throw failedAt(firstIndex, 'applyBatch', error, lastIndex)
    }
    if (Array.isArray(values) && values.length === entries.length) return values
    const found = Array.isArray(values) ? `${values.length} results` : `a ${typeof values}`
    const cause = new TypeError(`expected ${entries.length} results, one an entry, found ${found}`)
    throw failedAt(firstIndex, 'applyBatch', cause, lastIndex)
  }

  /** Entries that are no commands: the machine only learns of configurations. */
  *#pass(decoded: DecodedEntry, results: Results): Steps {
    const outcome = this.#control(decoded)
    if (decoded.type === ENTRY_CONFIGURATION && this.#machine.configurationChanged !== undefined) {
      try {
        const { servers } = decodeConfiguration(decoded.data)
        yield* step(this.#machine.configurationChanged(decoded.index, servers))
      } catch (error) {
        throw failedAt(decoded.index, 'configurationChanged', error)
      }
    }
    if (outcome === null || outcome.ok) results.add(decoded.index, outcome?.value)
    else results.repeat(decoded.index, { first: null, outcome })
  }

  /** What an entry about a session came to; null for an entry about something else. */
  #control(decoded: DecodedEntry): KeptOutcome | null {
    if (decoded.type < ENTRY_SESSION_OPEN) return null
    try {
      return this.#repetitions.control(decoded)
    } catch (error) {
      throw failedAt(decoded.index, 'sessions', error)
    }
  }
}

/** The batches of one message that the machine may still read. */
class Pins {
  readonly #copied: boolean
  #held: BatchRef[] = []

  constructor(copied: boolean) {
    this.#copied = copied
  }

  /** Called once the batch is decoded. */
  hold(batch: BatchRef): void {
    if (this.#copied) unpin(batch, PIN_FSM)
    else this.#held.push(batch)
  }

  release(throughIndex: LogIndex): void {
    let batch = this.#held[0]
    while (batch !== undefined && batch.firstIndex + batch.count - 1 <= throughIndex) {
      unpin(batch, PIN_FSM)
      this.#held.shift()
      batch = this.#held[0]
    }
  }
}

function failedAt(
  index: LogIndex,
  method: string,
  cause: unknown,
  toIndex: LogIndex = index,
): StateMachineError {
  const where = toIndex === index ? `at index ${index}` : `at indexes ${index} to ${toIndex}`
  const advice = isCommandError(cause)
    ? ` (${method} returns a CommandError in the place of a result and never throws it)`
    : ''
  return new StateMachineError(
    'RAFT_STATE_MACHINE_FAILED',
    `the state machine's ${method} failed ${where}: ${messageOf(cause)}${advice}`,
    { details: { index, toIndex, stage: method }, cause },
  )
}
