import type { Repeat, ResultRun } from '../../actors/fsm/protocol.js'
import { assert } from '../core/assert.js'
import type { Deadline } from './deadlines.js'
import { commandRejected } from './error-wire.js'
import type { RaftError } from './errors.js'
import type { Applied, AppliedBatch, CommandResult } from './types.js'

export type ResolveApplied = (applied: Applied) => void
export type Reject = (error: RaftError) => void

/** Commands of one `applyBatch`: consecutive, and settled together. */
interface Bulk {
  readonly from: number
  readonly count: number
  readonly resolve: (applied: AppliedBatch) => void
  readonly reject: Reject
  settled: boolean
}

/**
 * The callers that wait for one batch of commands. A position is a command's place in the batch as it was
 * encoded; a command that was given up before the batch was told to consensus is `withdrawn` and leaves
 * the batch, later ones keep their position.
 */
export class PendingBatch {
  /** Once true the bytes may have reached the log: what ends now ends as `unknown` (S17). */
  told = false
  /** Monotonic ms at which its first command came. */
  openedAt = 0
  firstIndex = 0
  term = 0
  /** Bytes of the commands, as the budget counts them. */
  bytes = 0
  /** Deadlines of runs of commands, to be cancelled when the batch is settled. */
  readonly deadlines: Deadline[] = []
  readonly #resolves: (ResolveApplied | null)[] = []
  readonly #rejects: (Reject | null)[] = []
  #bulks: Bulk[] | null = null
  #withdrawn: Set<number> | null = null

  get count(): number {
    return this.#rejects.length
  }

  /** Positions that left the batch before it was told. */
  get withdrawn(): ReadonlySet<number> | null {
    return this.#withdrawn
  }

  add(resolve: ResolveApplied, reject: Reject, bytes: number): number {
    this.bytes += bytes
    this.#resolves.push(resolve)
    return this.#rejects.push(reject) - 1
  }

  addAll(
    count: number,
    resolve: (applied: AppliedBatch) => void,
    reject: Reject,
    bytes: number,
  ): number {
    const from = this.count
    this.bytes += bytes
    this.#bulks ??= []
    this.#bulks.push({ from, count, resolve, reject, settled: false })
    for (let i = 0; i < count; i++) {
      this.#resolves.push(null)
      this.#rejects.push(null)
    }
    return from
  }

  /**
   * The caller at `position` (of a single command, or the first of a bulk) waits no longer.
   * Returns what has become of it; it must be told so by the one who asks.
   */
  giveUp(position: number): 'rejected' | 'unknown' {
    const bulk = this.#bulks?.find(({ from }) => from === position)
    if (bulk !== undefined) bulk.settled = true
    this.#resolves[position] = null
    this.#rejects[position] = null
    if (this.told) return 'unknown'
    this.#withdrawn ??= new Set()
    for (let i = 0; i < (bulk?.count ?? 1); i++) this.#withdrawn.add(position + i)
    return 'rejected'
  }

  /** Single commands from `from` to before `end` that still wait are rejected. */
  expire(from: number, end: number, error: (outcome: 'rejected' | 'unknown') => RaftError): number {
    let expired = 0
    for (let position = from; position < end; position++) {
      const reject = this.#rejects[position]
      if (reject === null || reject === undefined) continue
      reject(error(this.giveUp(position)))
      expired++
    }
    return expired
  }

  /** Every command is applied; `results` begins with the first that was proposed. */
  resolve(results: ResultRun | null): void {
    assert(results === null || results.firstIndex === this.firstIndex, 'results of another batch', {
      resultsFrom: results?.firstIndex,
      firstIndex: this.firstIndex,
    })
    this.#cancelDeadlines()
    const values = results === null ? null : results.values
    const errors = results === null || results.errors.length === 0 ? null : results.errors
    const repeats = results?.repeats
    if (this.#withdrawn === null && errors === null && repeats === undefined) {
      this.#resolveAll(values)
    } else this.#resolveEach(values, errors ?? [], repeats ?? [])
    if (this.#bulks !== null) this.#resolveBulks(this.#bulks, values, errors ?? [])
  }

  /** The common case: nothing withdrawn, nothing refused. */
  #resolveAll(values: ResultRun['values']): void {
    const resolves = this.#resolves
    const { firstIndex, term } = this
    for (let position = 0; position < resolves.length; position++) {
      const resolve = resolves[position]
      if (resolve === null || resolve === undefined) continue
      const result = values === null ? undefined : values[position]
      resolve({ index: firstIndex + position, term, result })
    }
  }

  #resolveEach(
    values: ResultRun['values'],
    errors: ResultRun['errors'],
    repeats: readonly Repeat[],
  ): void {
    const refused = new Map(errors.map(({ index, error }) => [index, error]))
    const repeated = new Map(repeats.map((repeat) => [repeat.index, repeat]))
    let index = this.firstIndex
    for (let position = 0; position < this.count; position++) {
      if (this.#withdrawn?.has(position)) continue
      const error = refused.get(index)
      const first = repeated.get(index)
      // A command that was applied before is answered as it was then, with the place it had.
      const place = { index: first?.firstIndex ?? index, term: first?.firstTerm ?? this.term }
      if (error !== undefined) {
        this.#rejects[position]?.(commandRejected(error, place.index, place.term))
      } else {
        const result = values?.[index - this.firstIndex]
        this.#resolves[position]?.({ ...place, result })
      }
      index++
    }
  }

  #resolveBulks(
    bulks: readonly Bulk[],
    values: ResultRun['values'],
    errors: ResultRun['errors'],
  ): void {
    const refused = new Map(errors.map(({ index, error }) => [index, error]))
    for (const bulk of bulks) {
      if (bulk.settled) continue
      bulk.settled = true
      const firstIndex = this.#indexOf(bulk.from)
      const results: CommandResult[] = []
      for (let index = firstIndex; index < firstIndex + bulk.count; index++) {
        const error = refused.get(index)
        results.push(
          error === undefined
            ? { ok: true, value: values?.[index - this.firstIndex] }
            : { ok: false, error: commandRejected(error, index, this.term) },
        )
      }
      bulk.resolve({ firstIndex, term: this.term, results })
    }
  }

  /** The same error for everyone who still waits; `make` is called for each. */
  reject(make: () => RaftError): void {
    this.#cancelDeadlines()
    for (const reject of this.#rejects) reject?.(make())
    for (const bulk of this.#bulks ?? []) {
      if (!bulk.settled) bulk.reject(make())
      bulk.settled = true
    }
  }

  #indexOf(position: number): number {
    let before = 0
    for (const withdrawn of this.#withdrawn ?? []) if (withdrawn < position) before++
    return this.firstIndex + position - before
  }

  #cancelDeadlines(): void {
    for (const deadline of this.deadlines) deadline.cancel()
  }
}
