import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import type { ResultRun } from '../../actors/fsm/protocol.js'
import { BatchBuilder, ENTRY_COMMAND, ENTRY_HEADER_BYTES } from '../log/batch.js'
import type { BatchRef } from '../log/batch-ref.js'
import { type Arena, PIN_CONSENSUS, unpin } from '../log/slab.js'
import type { Budget } from './budget.js'
import { Burst } from './burst.js'
import { batchTooLarge, commandTooLarge } from './command-limits.js'
import type { ResolvedConfig } from './config.js'
import { DeadlineRun } from './deadline-run.js'
import { type Deadlines, TICK_MS } from './deadlines.js'
import type { EntryMark } from './entry-mark.js'
import type { RaftError } from './errors.js'
import { closedError, overloadedError, timeoutError } from './failures.js'
import { FlushWindow } from './flush-window.js'
import type { NodeView } from './node-view.js'
import { PendingBatch, type Reject, type ResolveApplied } from './pending-batch.js'
import type { StageClock } from './stage-clock.js'
import type { AppliedBatch } from './types.js'
import { withoutEntries } from './withdrawn-entries.js'

export interface ProposerHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly deadlines: Deadlines
  readonly arena: Arena
  readonly budget: Budget
  /** False: consensus is gone or its mailbox is full. */
  tell(request: NodeRequest, bytes: number): boolean
  /** A proposal was refused because too much is pending. */
  overloaded(what: string): void
  readonly defer: (callback: () => void) => void
  /** Monotonic ms. */
  readonly now: () => number
  readonly stages: StageClock
}

/** Where a command with a deadline or signal of its own lies. */
export interface Placement {
  readonly batch: PendingBatch
  readonly position: number
}

/** A finished batch that waits for its turn. */
interface Sealed {
  readonly batch: PendingBatch
  readonly ref: BatchRef
}

type ProposalFailed = Extract<NodeReply, { kind: 'proposalFailed' }>

/**
 * Group commit on the program's side. Commands are encoded into the open batch as they come; while few
 * batches are unflushed it is told to consensus at the end of the burst, otherwise it grows until one is
 * flushed. One message a batch, and per command no object but its promise.
 */
export class Proposer {
  /** Cumulative, for stats. */
  batches = 0
  entries = 0
  timeouts = 0
  readonly #host: ProposerHost
  readonly #builder: BatchBuilder
  /** For batches that some commands have left. */
  readonly #spare: BatchBuilder
  readonly #burst: Burst
  #open = new PendingBatch()
  #run: DeadlineRun | null = null
  /** When a command of this burst is overdue; 0: look at the clock. */
  #tick = 0
  #sealed: Sealed[] = []
  readonly #told = new Map<number, PendingBatch>()
  readonly #window: FlushWindow
  #nextProposal = 1
  #added = 0
  #closed: { readonly cause: RaftError | undefined } | null = null

  constructor(host: ProposerHost) {
    this.#host = host
    this.#window = new FlushWindow(host.config)
    this.#builder = new BatchBuilder(host.arena)
    this.#spare = new BatchBuilder(host.arena)
    this.#burst = new Burst(
      () => this.#added,
      () => this.#flush(),
      host.defer,
    )
  }

  /** Monotonic ms at which a command proposed now with the default time limit is overdue. */
  get dueAt(): number {
    return this.#dueTick() * TICK_MS
  }

  /** The hot path: one command with the default time limit. `data` is copied before this returns. */
  propose(data: Uint8Array, resolve: ResolveApplied, reject: Reject): void {
    const refusal = this.#refusal(data)
    if (refusal !== null) {
      reject(refusal)
      return
    }
    this.#makeRoom(1, data.length)
    this.#builder.add(ENTRY_COMMAND, data)
    this.#extendRun(this.#open.add(resolve, reject, data.length))
    this.#joined(1)
  }

  /**
   * One command whose caller keeps the time itself; null: refused, and `reject` has been called. `mark`:
   * what the entry is beside its data, for sessions and idempotency keys.
   */
  place(
    data: Uint8Array,
    resolve: ResolveApplied,
    reject: Reject,
    mark?: EntryMark,
  ): Placement | null {
    // Whoever has to apply it must know such entries.
    const unknown = mark === undefined ? null : this.#host.view.lacks('sessions')
    const refusal = this.#refusal(data) ?? unknown
    if (refusal !== null) {
      reject(refusal)
      return null
    }
    this.#makeRoom(1, data.length)
    if (mark === undefined) this.#builder.add(ENTRY_COMMAND, data)
    else this.#builder.add(mark.type, data, undefined, mark.identity)
    const batch = this.#open
    const position = batch.add(resolve, reject, data.length)
    this.#joined(1)
    return { batch, position }
  }

  /** Commands with consecutive indexes: they share a batch. */
  placeAll(
    commands: readonly Uint8Array[],
    resolve: (applied: AppliedBatch) => void,
    reject: Reject,
  ): Placement | null {
    const count = commands.length
    const bytes = commands.reduce((sum, data) => sum + data.length, 0)
    const { config } = this.#host
    const refusal =
      this.#notTaking() ?? batchTooLarge(commands, bytes, config) ?? this.#noRoom(count, bytes)
    if (refusal !== null) {
      reject(refusal)
      return null
    }
    this.#makeRoom(count, bytes)
    for (const data of commands) this.#builder.add(ENTRY_COMMAND, data)
    const batch = this.#open
    const position = batch.addAll(count, resolve, reject, bytes)
    this.#joined(count)
    return { batch, position }
  }

  /** The batch has its place in the log. */
  accepted(proposal: number, firstIndex: number, term: number): void {
    const batch = this.#told.get(proposal)
    if (batch === undefined) return
    batch.firstIndex = firstIndex
    batch.term = term
    this.#host.stages.accepted(proposal, firstIndex)
  }

  /** And with it what was told before. */
  flushed(proposal: number): void {
    for (const told of this.#window.flushed(proposal)) this.#host.stages.flushed(told)
    this.#goOn()
  }

  applied(proposal: number, results: ResultRun | null): void {
    const batch = this.#take(proposal)
    this.#host.stages.applied(proposal)
    batch?.resolve(results)
    if (this.#window.applied(proposal)) this.#goOn()
  }

  failed({ proposal, reason, outcome }: ProposalFailed): void {
    this.#window.failed(proposal)
    this.#host.stages.failed(proposal)
    const batch = this.#take(proposal)
    batch?.reject(() => this.#host.view.refusal(reason, outcome))
    this.#goOn()
  }

  /** Commands not yet told are refused; those told end as consensus says. */
  stoppedLeading(): void {
    this.#window.clear()
    this.#host.stages.stopped()
    this.#dropUntold(() => this.#host.view.notLeading('rejected'))
  }

  /** Later commands are refused; those under way go on. */
  refuseNew(cause: RaftError | undefined): void {
    // The end that follows a failure does not hide it.
    this.#closed = { cause: this.#closed?.cause ?? cause }
  }

  /** Everyone who waits is told so. */
  close(cause: RaftError | undefined): void {
    this.refuseNew(cause)
    this.#dropUntold(() => closedError('apply', 'rejected', cause))
    for (const proposal of [...this.#told.keys()]) {
      this.#take(proposal)?.reject(() => closedError('apply', 'unknown', cause))
    }
  }

  /** Null: the command may come, and is counted. */
  #refusal(data: Uint8Array): RaftError | null {
    const { config } = this.#host
    return this.#notTaking() ?? commandTooLarge(data, config) ?? this.#noRoom(1, data.length)
  }

  #notTaking(): RaftError | null {
    if (this.#closed !== null) return closedError('apply', 'rejected', this.#closed.cause)
    const { view } = this.#host
    return view.leads ? null : view.notLeading('rejected')
  }

  #noRoom(count: number, bytes: number): RaftError | null {
    const { budget } = this.#host
    if (budget.take(count, bytes)) return null
    this.#host.overloaded('proposals')
    return overloadedError('command', budget.numbers())
  }

  #makeRoom(count: number, bytes: number): void {
    const builder = this.#builder
    if (builder.count === 0) {
      this.#open.openedAt = this.#host.now()
      return
    }
    const { maxBatchBytes, maxBatchEntries } = this.#host.config
    const length = builder.bytes + bytes + count * ENTRY_HEADER_BYTES
    if (length <= maxBatchBytes && builder.count + count <= maxBatchEntries) return
    this.#seal()
    this.#open.openedAt = this.#host.now()
  }

  #joined(count: number): void {
    this.#added += count
    this.#burst.schedule()
  }

  #extendRun(position: number): void {
    const tick = this.#dueTick()
    let run = this.#run
    if (run === null || run.tick !== tick || run.end !== position) {
      run = new DeadlineRun(this.#open, position, tick, this.#expire)
      this.#run = run
      this.#open.deadlines.push(this.#host.deadlines.addAt(tick, run))
    }
    run.end = position + 1
  }

  /** One look at the clock serves a burst. */
  #dueTick(): number {
    if (this.#tick === 0) {
      const { deadlines, config } = this.#host
      this.#tick = deadlines.tickAfter(config.requestTimeoutMs)
      this.#burst.schedule()
    }
    return this.#tick
  }

  readonly #expire = (batch: PendingBatch, from: number, end: number): void => {
    const { requestTimeoutMs } = this.#host.config
    this.timeouts += batch.expire(from, end, (outcome) =>
      timeoutError('apply', requestTimeoutMs, outcome),
    )
  }

  #seal(): void {
    this.#sealed.push({ batch: this.#open, ref: this.#builder.finish() })
    this.#open = new PendingBatch()
    this.#run = null
    this.#tick = 0
  }

  #goOn(): void {
    if (this.#sealed.length > 0 || this.#builder.count > 0) this.#burst.schedule()
  }

  /** The burst is over: the clock is read again for the next one, and what has room goes out. */
  #flush(): void {
    this.#tick = 0
    while (this.#window.isOpen) {
      if (this.#sealed.length === 0 && this.#builder.count > 0) this.#seal()
      const next = this.#sealed.shift()
      if (next === undefined) return
      this.#tell(next)
    }
  }

  #tell({ batch, ref }: Sealed): void {
    const { withdrawn } = batch
    const rest = withdrawn === null ? ref : withoutEntries(ref, withdrawn, this.#spare)
    if (rest === null) {
      this.#release(batch)
      return
    }
    const proposal = this.#nextProposal++
    this.batches++
    this.entries += rest.count
    batch.told = true
    this.#told.set(proposal, batch)
    this.#window.told(proposal, rest.length)
    this.#host.stages.told(proposal, batch.openedAt, rest.count, rest.length)
    if (this.#host.tell({ kind: 'propose', proposal, batch: rest }, rest.length)) return
    // A refused message reached nobody, so its memory is still this side's to let go.
    unpin(rest, PIN_CONSENSUS)
    this.#window.failed(proposal)
    this.#host.stages.failed(proposal)
    this.#host.overloaded('the mailbox of consensus')
    this.#take(proposal)?.reject(() => overloadedError('batch', { batchBytes: rest.length }))
  }

  #dropUntold(error: () => RaftError): void {
    const sealed = this.#sealed
    this.#sealed = []
    const open = this.#open
    this.#open = new PendingBatch()
    this.#run = null
    this.#builder.discard()
    for (const { batch, ref } of sealed) {
      unpin(ref, PIN_CONSENSUS)
      this.#release(batch)
      batch.reject(error)
    }
    this.#release(open)
    open.reject(error)
  }

  #take(proposal: number): PendingBatch | undefined {
    const batch = this.#told.get(proposal)
    if (batch === undefined) return undefined
    this.#told.delete(proposal)
    this.#release(batch)
    return batch
  }

  #release(batch: PendingBatch): void {
    this.#host.budget.give(batch.count, batch.bytes)
  }
}
