import { assert, assertNever } from '../../lib/core/assert.js'
import { makeDirectory } from '../../lib/log/directory.js'
import { loadStore } from '../../lib/log/load.js'
import { type Store, StoreFullError } from '../../lib/log/store.js'
import type {
  ActorContext,
  ActorRef,
  Behavior,
  CreateActor,
  Timer,
} from '../../lib/runtime/actor.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { copyOut } from './copy-out.js'
import { logFigures } from './figures.js'
import { FlushTimes } from './flush-times.js'
import type { ScannedLog } from './log-scan.js'
import { type FlushOutcome, type LogOperation, LogWriter } from './log-writer.js'
import type { NodeState } from './node-state.js'
import {
  isPast,
  NotEmptyError,
  type OpenLog,
  openLog,
  recoveredLog,
  writeBootstrap,
} from './open-log.js'
import type { LogInit, LogMessage, LogReply, LogStats } from './protocol.js'

/** Bytes staged past which a burst is flushed before its end. */
const MAX_STAGED_BYTES = 8 * 1024 * 1024
/** How often a full store is asked whether there is room again. */
const ROOM_INTERVAL_MS = 500
/** How often the size of the store is looked at, at most. */
const SIZE_INTERVAL_MS = 1000

type Save = Extract<LogMessage, { readonly kind: 'saveHardState' | 'saveIncarnations' }>

export const createActor: CreateActor<LogInit, LogMessage> = (init, context) =>
  runSteps(create(init, context))

function* create(init: LogInit, context: ActorContext): Steps<LogActor> {
  const { nodeId, dataDir } = init
  const warn = (message: string): void => context.log.warn({}, message)
  const now = (): number => context.now()
  // One in memory may be given no directory.
  if (init.store.create === undefined) makeDirectory(dataDir, warn)
  const store = yield* step(loadStore(init.store, { nodeId, dataDir, now, warn }))
  try {
    return new LogActor(init, context, yield* openLog(store, init, context))
  } catch (error) {
    yield* step(store.close())
    throw error
  }
}

/** Drives the store: see protocol.ts for what it promises. */
class LogActor implements Behavior<LogMessage> {
  readonly #init: LogInit
  readonly #context: ActorContext
  readonly #store: Store
  readonly #state: NodeState
  readonly #alive: SharedWords
  #writer: LogWriter
  #scanned: ScannedLog
  #consensus: ActorRef<LogReply> | null = null
  /** A store that answers with promises is at work; nothing else may call it meanwhile. */
  #working: Promise<void> | null = null
  #failed = false
  /** S15: bytes of the append that found no room. */
  #wantedBytes: number | null = null
  /** Values that found no room, the newest of each kind. */
  readonly #unsaved = new Map<Save['kind'], Save>()
  #roomTimer: Timer | null = null
  #flushes = 0
  #lastFlushMs = 0
  readonly #flushTimes = new FlushTimes()
  readonly #figures: ReturnType<typeof logFigures>
  #sizeTold = Number.NEGATIVE_INFINITY

  constructor(init: LogInit, context: ActorContext, open: OpenLog) {
    this.#init = init
    this.#context = context
    this.#store = open.store
    this.#state = open.state
    this.#scanned = open.scanned
    this.#writer = new LogWriter(open.store, open.stored)
    this.#alive = new SharedWords(init.aliveWord)
    this.#alive.store(0, 1)
    this.#figures = logFigures(init.figures)
  }

  linked(name: string, ref: ActorRef): void {
    if (name === 'consensus') this.#consensus = ref as ActorRef<LogReply>
  }

  unlinked(name: string): void {
    if (name === 'consensus') this.#consensus = null
  }

  receive(message: LogMessage): void | Promise<void> {
    return this.#whenIdle(() => (this.#failed ? undefined : this.#run(this.#handle(message))))
  }

  answer(message: LogMessage): unknown {
    if (message.kind === 'bootstrap' && !recoveredLog(this.#state, this.#scanned).fresh)
      throw new NotEmptyError()
    return this.#whenIdle(() => this.#run(this.#answer(message)))
  }

  /** S5, group commit: whatever the burst brought is one flush. */
  afterTurn(): void {
    if (this.#working !== null || this.#failed) return
    const outcome = this.#run(this.#flush())
    if (isPromise(outcome)) this.#workOn(outcome.then((value) => this.#inTurn(value)))
    else this.#report(outcome)
  }

  stop(): void | Promise<void> {
    this.#alive.store(0, 0)
    this.#roomTimer?.cancel()
    return this.#whenIdle(() => this.#store.close())
  }

  *#handle(message: LogMessage): Steps {
    switch (message.kind) {
      case 'append':
      case 'truncate':
      case 'reset':
      case 'compact':
        return yield* this.#stage(message)
      case 'refusalSeen':
        return this.#writer.refusalSeen(message.seq)
      case 'saveHardState':
      case 'saveIncarnations':
        return yield* this.#save(message)
      case 'read':
        return yield* this.#read(message)
      case 'recovered':
      case 'bootstrap':
      case 'stats':
        return assert(false, 'this is asked, not told', { kind: message.kind })
      default:
        assertNever(message)
    }
  }

  *#answer(message: LogMessage): Steps<unknown> {
    switch (message.kind) {
      case 'recovered':
        return recoveredLog(this.#state, this.#scanned)
      case 'bootstrap':
        return yield* this.#bootstrap(message)
      case 'stats':
        return this.#stats()
      default:
        return assert(false, 'this is told, not asked', { kind: message.kind })
    }
  }

  *#stage(operation: LogOperation): Steps {
    if (operation.kind === 'append' && this.#unsaved.has('saveHardState')) {
      return this.#writer.refuse(operation, 'term and vote found no room')
    }
    yield* this.#writer.stage(operation, this.#state.hardState.term)
    if (this.#writer.stagedBytes > MAX_STAGED_BYTES) this.#report(yield* this.#flush())
  }

  *#flush(): Steps<FlushOutcome> {
    const startedAt = this.#context.now()
    const { stagedBytes: wanted, stagedBatches } = this.#writer
    const outcome = yield* this.#writer.flush()
    if (outcome.refused !== null) {
      this.#wantedBytes = wanted
      this.#figures.add('refusals')
    }
    if (outcome.flushed === null) return outcome
    this.#flushes++
    this.#lastFlushMs = this.#context.now() - startedAt
    this.#flushTimes.add(this.#lastFlushMs)
    this.#count(stagedBatches, wanted)
    yield* this.#liftVoteFloor()
    return outcome
  }

  #count(batches: number, bytes: number): void {
    const figures = this.#figures
    const { appendedBytes, appendedBatches, appendedEntries } = this.#writer
    figures.set('flushes', this.#flushes)
    figures.set('appendedBytes', appendedBytes)
    figures.set('appendedBatches', appendedBatches)
    figures.set('appendedEntries', appendedEntries)
    figures.record('flushMs', this.#lastFlushMs)
    if (batches > 0) figures.record('flushBatches', batches)
    if (bytes > 0) figures.record('flushBytes', bytes)
    const now = this.#context.now()
    if (now - this.#sizeTold < SIZE_INTERVAL_MS) return
    this.#sizeTold = now
    figures.set('storeBytes', this.#store.size())
  }

  /** S15: the log is past what a torn batch may have held. */
  *#liftVoteFloor(): Steps {
    const { voteFloor } = this.#state
    const { index, term } = this.#writer.flushed
    if (voteFloor === null || term === null || !isPast({ index, term }, voteFloor)) return
    try {
      yield* this.#state.saveVoteFloor(null)
    } catch (error) {
      // The next flush tries again; until then the floor, no longer above the log, has no effect.
      if (!(error instanceof StoreFullError)) throw error
    }
  }

  #report(outcome: FlushOutcome): void {
    const { flushed, refused } = outcome
    if (flushed !== null) this.#consensus?.control({ kind: 'logFlushed', seq: flushed })
    if (refused === null) return
    this.#consensus?.control({ kind: 'logRefused', ...refused })
    this.#watchRoom()
  }

  *#save(message: Save): Steps {
    const startedAt = this.#context.now()
    try {
      if (message.kind === 'saveHardState') yield* this.#state.saveHardState(message.hardState)
      else yield* this.#state.saveIncarnations(message.incarnations)
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error
      // S15: without its term and vote the node says nothing; it tries again until there is room.
      this.#unsaved.set(message.kind, message)
      this.#watchRoom()
      return
    }
    this.#unsaved.delete(message.kind)
    const kind = message.kind === 'saveHardState' ? 'hardStateSaved' : 'incarnationsSaved'
    if (kind === 'hardStateSaved') {
      this.#figures.record('hardStateMs', this.#context.now() - startedAt)
    }
    this.#consensus?.control({ kind, seq: message.seq })
  }

  *#read(message: Extract<LogMessage, { readonly kind: 'read' }>): Steps {
    const { request, fromIndex, toIndex } = message
    const maxBytes = Math.min(message.maxBytes, this.#init.maxReadBytes)
    const stored = yield* step(this.#store.read(fromIndex, toIndex, maxBytes))
    const { batches, bytes } = copyOut(stored)
    const reply = { kind: 'logRead', request, batches } as const
    // A read that is not answered would never be asked again, so a full mailbox does not stop it.
    if (this.#consensus?.tell(reply, bytes) === false) this.#consensus.control(reply)
  }

  *#bootstrap(message: Extract<LogMessage, { readonly kind: 'bootstrap' }>): Steps {
    const { configuration, term, time } = message
    const record = { configuration, term, time }
    yield* this.#state.saveBootstrap(record)
    const stored = yield* writeBootstrap(this.#store, record)
    this.#writer = new LogWriter(this.#store, stored)
    const termRuns = [{ firstIndex: stored.firstIndex, term }]
    const summary = { ...stored, termRuns, configurations: [configuration] }
    this.#scanned = { summary, lastTime: time }
  }

  #stats(): LogStats {
    return {
      flushes: this.#flushes,
      appendedBytes: this.#writer.appendedBytes,
      appendedBatches: this.#writer.appendedBatches,
      lastFlushMs: this.#lastFlushMs,
      flushTimes: this.#flushTimes.figures(),
      storeBytes: this.#store.size(),
    }
  }

  /** S15: asks a full store from time to time; writes resume when space returns. */
  #watchRoom(): void {
    this.#roomTimer ??= this.#context.after(ROOM_INTERVAL_MS, () => {
      this.#roomTimer = null
      const asked = this.#whenIdle(() => this.#run(this.#askForRoom()))
      if (isPromise(asked)) this.#workOn(asked)
    })
  }

  *#askForRoom(): Steps {
    for (const message of [...this.#unsaved.values()]) yield* this.#save(message)
    const wanted = this.#wantedBytes
    if (wanted === null) return
    const room = this.#unsaved.size === 0 && (this.#store.hasRoom?.(wanted) ?? true)
    if (!room || this.#writer.refusalUnseen) return this.#watchRoom()
    this.#wantedBytes = null
    this.#consensus?.control({ kind: 'logWritable' })
  }

  /** Runs store calls; whatever they throw but a refusal to an asker ends this actor. */
  #run<T>(steps: Steps<T>): T | Promise<T> {
    try {
      const result = runSteps(steps)
      if (!isPromise(result)) return result
      return result.catch((error: unknown) => this.#fatal(error))
    } catch (error) {
      return this.#fatal(error)
    }
  }

  /** S5, S15: nothing is acknowledged after a failure, and nothing is tried again. */
  #fatal(error: unknown): never {
    if (error instanceof StoreFullError) throw error
    this.#failed = true
    this.#alive.store(0, 0)
    this.#context.fail(error instanceof Error ? error : new Error(String(error)))
    throw error
  }

  #whenIdle<T>(call: () => T | Promise<T>): T | Promise<T> {
    const working = this.#working
    return working === null ? call() : working.then(() => this.#whenIdle(call))
  }

  /** Holds back all other calls until the promise has settled. */
  #workOn(work: Promise<void>): void {
    const working = work
      .catch(() => {})
      .then(() => {
        if (this.#working === working) this.#working = null
      })
    this.#working = working
  }

  #inTurn(outcome: FlushOutcome): void {
    this.#context.turn(() => this.#report(outcome))
  }
}
