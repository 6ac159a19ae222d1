import type { Rejection } from '../../lib/core/effects.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { Ring } from '../../lib/log/ring.js'
import { PIN_CONSENSUS, unpin } from '../../lib/log/slab.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { ResultRun } from '../fsm/protocol.js'
import type { NodeReply } from './protocol.js'

interface Pending {
  /** A batch of commands, or a barrier. */
  readonly kind: 'proposal' | 'barrier'
  readonly id: number
  readonly firstIndex: LogIndex
  readonly lastIndex: LogIndex
  results: ResultRun | null
}

/**
 * What this node has proposed and not yet answered, in log order. A proposal goes through here once as
 * a batch: the commands in it are the node side's affair.
 */
export class Proposals {
  readonly #tell: (reply: NodeReply) => void
  /** Told and not yet in the log. */
  readonly #bodies = new Map<number, BatchRef>()
  readonly #pending = new Ring<Pending>()
  /** Proposals that are not flushed here yet; followers may have committed them before. */
  readonly #unflushed = new Ring<{ readonly id: number; readonly lastIndex: LogIndex }>()

  constructor(node: () => ActorRef<NodeReply>) {
    this.#tell = (reply) => {
      node().tell(reply)
    }
  }

  /** First index that someone here waits for, or null. */
  get firstIndex(): LogIndex | null {
    return this.#pending.first()?.firstIndex ?? null
  }

  /** `token` is the proposal's number. */
  offer(token: number, batch: BatchRef): void {
    this.#bodies.set(token, batch)
  }

  take(token: number): BatchRef | undefined {
    const batch = this.#bodies.get(token)
    this.#bodies.delete(token)
    return batch
  }

  accepted(token: number, firstIndex: LogIndex, term: Term): void {
    const count = this.#bodies.get(token)?.count ?? 0
    this.#push('proposal', token, firstIndex, firstIndex + count - 1)
    this.#tell({ kind: 'proposalAccepted', proposal: token, firstIndex, term })
  }

  rejected(token: number, reason: Rejection): void {
    const batch = this.take(token)
    if (batch !== undefined) unpin(batch, PIN_CONSENSUS)
    this.#tell({ kind: 'proposalFailed', proposal: token, reason, outcome: 'rejected' })
  }

  barrier(id: number, index: LogIndex): void {
    this.#push('barrier', id, index, index)
  }

  /** Group commit: there is room for the node side's next batch. */
  flushed(index: LogIndex): void {
    for (
      let first = this.#unflushed.first();
      first !== undefined;
      first = this.#unflushed.first()
    ) {
      if (first.lastIndex > index) return
      this.#unflushed.shift()
      this.#tell({ kind: 'proposalFlushed', proposal: first.id })
    }
  }

  /** The state machine has applied everything up to `index`; `results` are those of the last run. */
  applied(index: LogIndex, results: ResultRun | null): void {
    for (let first = this.#pending.first(); first !== undefined; first = this.#pending.first()) {
      if (first.firstIndex > index) return
      if (results !== null) first.results = merge(first, results)
      if (first.lastIndex > index) return
      this.#pending.shift()
      this.#resolve(first)
    }
  }

  /** S17: in the log, and nobody knows what becomes of them. */
  unknown(fromIndex: LogIndex, reason: Rejection | 'shutdown' | 'storeFailed'): void {
    for (let last = this.#pending.last(); last !== undefined; last = this.#pending.last()) {
      if (last.lastIndex < fromIndex) break
      this.#pending.pop()
      this.#fail(last, reason, 'unknown')
    }
    for (let last = this.#unflushed.last(); last !== undefined; last = this.#unflushed.last()) {
      if (last.lastIndex < fromIndex) return
      this.#unflushed.pop()
    }
  }

  /**
   * S14: in the hands of a state machine that is gone. Their results are lost; a barrier has none, and
   * waits until the next state machine is as far.
   */
  resultsLost(throughIndex: LogIndex): void {
    for (const barrier of this.#loseResults(throughIndex).reverse()) this.#pending.unshift(barrier)
  }

  /** S13: the state machine holds a snapshot of everything up to `index`, and nobody's results. */
  restored(index: LogIndex): void {
    for (const barrier of this.#loseResults(index)) this.#resolve(barrier)
  }

  #loseResults(throughIndex: LogIndex): Pending[] {
    const barriers: Pending[] = []
    for (let first = this.#pending.first(); first !== undefined; first = this.#pending.first()) {
      if (first.firstIndex > throughIndex) break
      this.#pending.shift()
      if (first.kind === 'barrier') barriers.push(first)
      else this.#fail(first, 'resultLost', 'committed')
    }
    return barriers
  }

  /** Nothing more will be answered: this node closes or has failed. */
  shutdown(commitIndex: LogIndex, reason: 'shutdown' | 'storeFailed'): void {
    for (const token of [...this.#bodies.keys()]) {
      this.take(token)
      this.#tell({ kind: 'proposalFailed', proposal: token, reason, outcome: 'rejected' })
    }
    this.resultsLost(commitIndex)
    this.unknown(0, reason)
  }

  #push(kind: Pending['kind'], id: number, firstIndex: LogIndex, lastIndex: LogIndex): void {
    this.#pending.push({ kind, id, firstIndex, lastIndex, results: null })
    if (kind === 'proposal') this.#unflushed.push({ id, lastIndex })
  }

  #resolve(pending: Pending): void {
    if (pending.kind === 'barrier') {
      this.#tell({ kind: 'barrierDone', id: pending.id, index: pending.lastIndex })
      return
    }
    this.#tell({ kind: 'proposalApplied', proposal: pending.id, results: pending.results })
  }

  #fail(
    pending: Pending,
    reason: Rejection | 'resultLost' | 'shutdown' | 'storeFailed',
    outcome: 'unknown' | 'committed',
  ): void {
    if (pending.kind === 'proposal') {
      this.#tell({ kind: 'proposalFailed', proposal: pending.id, reason, outcome })
      return
    }
    const said = reason === 'shutdown' || reason === 'abortedByRestore'
    const barrierReason = said ? reason : 'leadershipLost'
    const { id } = pending
    this.#tell({ kind: 'barrierFailed', id, reason: barrierReason, outcome: 'unknown' })
  }
}

/** The part of `run` that belongs to the proposal, after what it has already. */
function merge(pending: Pending, run: ResultRun): ResultRun | null {
  const { firstIndex, lastIndex } = pending
  const covers =
    run.firstIndex === firstIndex && (run.values?.length ?? 0) <= lastIndex - firstIndex + 1
  if (pending.results === null && covers && run.errors.every((e) => e.index <= lastIndex))
    return withRepeats(run, pending, run)
  const values: unknown[] = []
  let found = false
  for (const source of [pending.results, run]) {
    source?.values?.forEach((value, offset) => {
      const index = source.firstIndex + offset
      if (index < firstIndex || index > lastIndex) return
      values[index - firstIndex] = value
      found = true
    })
  }
  const errors = [...(pending.results?.errors ?? []), ...run.errors].filter(
    (error) => error.index >= firstIndex && error.index <= lastIndex,
  )
  if (!found && errors.length === 0 && run.repeats === undefined) return pending.results
  return withRepeats({ firstIndex, values: found ? values : null, errors }, pending, run)
}

/** `merged`, saying which of the proposal's commands were applied before. */
function withRepeats(merged: ResultRun, pending: Pending, run: ResultRun): ResultRun {
  const { firstIndex, lastIndex, results } = pending
  if (run.repeats === undefined && results?.repeats === undefined) return merged
  const all = [...(results?.repeats ?? []), ...(run.repeats ?? [])]
  const repeats = all.filter(({ index }) => index >= firstIndex && index <= lastIndex)
  return { ...merged, repeats }
}
