import { assertNever } from '../core/assert.js'
import type {
  ActorContext,
  ActorExit,
  ActorLogger,
  Behavior,
  CreateActor,
  Message,
  Timer,
} from './actor.js'
import { ActorCannotAnswerError, ActorGoneError, ActorKilledError } from './errors.js'
import { Fifo } from './fifo.js'
import { ASK, type AskedLetter, type LinkChange, type LinkRef, type Reply } from './letter.js'
import type { Mailbox } from './mailbox.js'
import { isPromise } from './promise.js'
import type { CellCounts } from './stats-block.js'
import { asError, toWireError } from './wire-error.js'

/** What a cell needs of the thread, or of the simulated machine, that it lives on. */
export interface CellHost {
  readonly log: ActorLogger
  now(): number
  wallClock(): number
  random(): number
  /** Calls `fire` once, when the delay has passed. */
  setTimer(delayMs: number, fire: () => void): Timer
  /** Moves what waits in the actor's ports into its mailbox. */
  drain(): void
  /** Whether the actor may run now. When not, the host calls `run` later by itself. */
  mayRun(): boolean
  /** Called after each message: whether others must have their chance before the next. */
  burstOver(taken: number, startedAt: number): boolean
  /** Calls `run` again once timers and I/O have had their chance. */
  again(): void
  /** Around every stretch of the actor's code. */
  enter(): void
  leave(): void
  /** A promise of the behaviour is awaited from now on. */
  suspended(): void
  publish(counts: CellCounts): void
  deadLetter(kind: string): void
  /** Last call of the cell; it happens once. */
  exited(exit: ActorExit): void
}

type State = 'starting' | 'running' | 'draining' | 'stopping' | 'gone'

interface DueCallback extends Timer {
  readonly callback: () => void
  cancelled: boolean
}

/**
 * Drives one behaviour, the same on every host: decides what runs next and sees to it that calls never
 * overlap. A turn is a burst of messages, a timer or an I/O callback, and everything nested in it.
 *
 * What runs next: link changes, then the control lane, then due timers (S11: so a thread that was held up
 * learns what has arrived before it acts on the time), then the data lane.
 */
export class Cell<M extends Message = Message> {
  readonly name: string
  readonly mailbox: Mailbox
  readonly context: ActorContext
  readonly counts: CellCounts = { controlMessages: 0, dataMessages: 0, turns: 0, busyMs: 0 }
  readonly #host: CellHost
  #behavior: Behavior<M> | null = null
  #state: State = 'starting'
  /** Actor code is on the stack. */
  #busy = false
  /** Between beforeTurn and afterTurn; stays so while a promise of the behaviour is awaited. */
  #inTurn = false
  #suspended = false
  #failure: Error | null = null
  #unanswered: Reply | null = null
  readonly #timers = new Set<Timer>()
  readonly #due = new Fifo<DueCallback>()
  readonly #links = new Map<string, LinkRef>()

  constructor(name: string, mailbox: Mailbox, host: CellHost) {
    this.name = name
    this.mailbox = mailbox
    this.#host = host
    this.context = {
      name,
      log: host.log,
      now: () => host.now(),
      wallClock: () => host.wallClock(),
      random: () => host.random(),
      after: (delayMs, callback) => this.#after(delayMs, callback),
      turn: (callback) => this.turn(callback),
      fail: (error) => this.fail(error),
    }
  }

  get gone(): boolean {
    return this.#state === 'gone'
  }

  /** Creates the behaviour. Rejects, with nothing left behind, when that fails. */
  start<Init>(create: CreateActor<Init, M>, init: Init): Promise<void> | void {
    let created: Behavior<M> | Promise<Behavior<M>>
    this.#host.enter()
    try {
      created = create(init, this.context)
    } catch (error) {
      this.#abandon(error)
      throw error
    } finally {
      this.#host.leave()
    }
    if (!isPromise(created)) return this.#started(created)
    this.#host.suspended()
    return created.then(
      (behavior) => this.#started(behavior),
      (error: unknown) => {
        this.#abandon(error)
        throw error
      },
    )
  }

  /** Takes what can be taken. Harmless at any moment: hosts call it whenever something may be new. */
  run(): void {
    if (this.#busy || this.#suspended || !this.#takes() || !this.#host.mayRun()) return
    if (!this.#inTurn && !this.#somethingWaits()) {
      if (this.#state === 'draining') this.#finish()
      return
    }
    this.#guarded((startedAt) => {
      this.#openTurn()
      this.#burst(startedAt)
    })
  }

  /** See ActorContext.turn. */
  turn(callback: () => void): void {
    if (this.#busy) return callback()
    if (this.#state === 'gone') return
    if (!this.#host.mayRun()) return this.#due.push({ callback, cancelled: false, cancel() {} })
    this.#guarded(() => {
      this.#openTurn()
      callback()
    })
  }

  /** Ends the actor as failed. Its `stop` still runs: sockets of an inline actor must be closed. */
  fail(error: Error): void {
    if (this.#failure !== null || this.#state === 'stopping' || this.#state === 'gone') return
    this.#failure = error
    this.mailbox.words.close()
    if (this.#state === 'starting') this.#gone()
    else if (!this.#busy) this.#finish()
  }

  /** Takes what is in the mailbox, then stops. */
  stop(): void {
    if (this.#state === 'starting') return this.kill('stopped before it was ready')
    if (this.#state !== 'running') return
    this.#state = 'draining'
    this.mailbox.words.close()
    this.#host.drain()
    if (this.#busy || this.#suspended || !this.#host.mayRun()) return
    if (this.#somethingWaits()) this.run()
    else this.#finish()
  }

  /** At once, with nothing run. */
  kill(why: string): void {
    if (this.#state === 'gone') return
    this.#failure ??= new ActorKilledError(this.name, why)
    this.#gone()
  }

  #started(behavior: Behavior<M>): void {
    this.#behavior = behavior
    if (this.#state === 'gone') {
      // It failed or was stopped while it was being created: what it opened must still be closed.
      void this.#stopBehavior()?.catch(() => {})
      throw this.#failure ?? new ActorGoneError(this.name)
    }
    this.#state = 'running'
    this.run()
  }

  #abandon(error: unknown): void {
    this.#failure ??= asError(error)
    this.#gone()
  }

  #takes(): boolean {
    return this.#state === 'running' || this.#state === 'draining'
  }

  #somethingWaits(): boolean {
    if (!this.mailbox.empty || this.#due.length > 0) return true
    if (this.mailbox.controlOutside || this.mailbox.dataOutside) this.#host.drain()
    return !this.mailbox.empty
  }

  /** Runs actor code: errors fail the actor, time is counted, the turn is closed unless it waits. */
  #guarded(code: (startedAt: number) => void): void {
    const startedAt = this.#host.now()
    this.#busy = true
    this.#host.enter()
    try {
      code(startedAt)
      if (!this.#suspended && this.#failure === null) this.#closeTurn()
    } catch (error) {
      this.#failure ??= asError(error)
    }
    this.#busy = false
    this.counts.busyMs += this.#host.now() - startedAt
    this.#host.publish(this.counts)
    if (this.#failure !== null) this.#finish()
    else if (this.#state === 'draining' && !this.#suspended && !this.#somethingWaits())
      this.#finish()
    this.#host.leave()
  }

  #openTurn(): void {
    // Before it is ready and once it stops, an actor's callbacks run bare.
    if (this.#inTurn || !this.#takes()) return
    this.#inTurn = true
    this.#behavior?.beforeTurn?.()
  }

  #closeTurn(): void {
    if (!this.#inTurn) return
    this.#inTurn = false
    this.counts.turns++
    this.#behavior?.afterTurn?.()
  }

  #burst(startedAt: number): void {
    let taken = 0
    while (!this.#suspended && this.#failure === null && this.#takes()) {
      if (!this.#takeNext()) return
      if (this.#host.burstOver(++taken, startedAt)) {
        if (!this.#suspended) this.#host.again()
        return
      }
    }
  }

  #takeNext(): boolean {
    const mailbox = this.mailbox
    // One load tells whether a port holds control messages that must overtake the data queued here.
    if (mailbox.controlOutside) this.#host.drain()
    const change = mailbox.takeChange()
    if (change !== undefined) {
      this.#change(change)
      return true
    }
    const control = mailbox.takeControl()
    if (control !== undefined) {
      this.counts.controlMessages++
      if (control[0] === ASK) this.#answer(control)
      else this.#receive(control[1])
      return true
    }
    const due = this.#due.shift()
    if (due !== undefined) {
      if (!due.cancelled) due.callback()
      return true
    }
    return this.#takeData()
  }

  #takeData(): boolean {
    let letter = this.mailbox.takeData()
    if (letter === undefined && this.mailbox.dataOutside) {
      this.#host.drain()
      letter = this.mailbox.takeData()
    }
    if (letter === undefined) return !this.mailbox.empty
    this.counts.dataMessages++
    this.#receive(letter[1])
    return true
  }

  #receive(message: Message): void {
    const result = this.#behavior?.receive(message as M)
    if (result !== undefined && isPromise(result)) this.#suspend(result)
  }

  #answer(letter: AskedLetter): void {
    const [, message, reply] = letter
    const behavior = this.#behavior
    if (behavior?.answer === undefined) {
      return reply(false, toWireError(new ActorCannotAnswerError(this.name, message.kind)))
    }
    let value: unknown
    try {
      value = behavior.answer(message as M)
    } catch (error) {
      return reply(false, toWireError(error))
    }
    if (!isPromise(value)) return reply(true, value)
    this.#unanswered = reply
    this.#suspend(
      value.then(
        (answer) => this.#answered(true, answer),
        (error: unknown) => this.#answered(false, toWireError(error)),
      ),
    )
  }

  #answered(ok: boolean, value: unknown): void {
    const reply = this.#unanswered
    this.#unanswered = null
    reply?.(ok, value)
  }

  #change(change: LinkChange): void {
    this.#links.get(change.name)?.close()
    switch (change.kind) {
      case 'link':
        this.#links.set(change.name, change.ref)
        this.#behavior?.linked?.(change.name, change.ref)
        return
      case 'unlink':
        this.#links.delete(change.name)
        this.#behavior?.unlinked?.(change.name)
        return
      default:
        assertNever(change)
    }
  }

  #suspend(promise: PromiseLike<unknown>): void {
    this.#suspended = true
    this.#host.suspended()
    promise.then(
      () => this.#resume(),
      (error: unknown) => {
        this.#suspended = false
        this.fail(asError(error))
      },
    )
  }

  #resume(): void {
    this.#suspended = false
    if (this.#takes()) this.run()
  }

  #after(delayMs: number, callback: () => void): Timer {
    if (this.#state === 'gone') return { cancel() {} }
    const due: DueCallback = {
      callback,
      cancelled: false,
      cancel: () => {
        due.cancelled = true
        timer.cancel()
        this.#timers.delete(timer)
      },
    }
    const timer = this.#host.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      this.#fire(due)
    })
    this.#timers.add(timer)
    return due
  }

  #fire(due: DueCallback): void {
    if (this.#takes()) {
      this.#due.push(due)
      this.run()
    } else if (this.#state !== 'gone' && !due.cancelled) {
      // While it starts or stops, an actor may wait for timers of its own.
      this.turn(due.callback)
    }
  }

  #cancelTimers(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /** Last rites, after a graceful stop and after a failure. */
  #finish(): void {
    if (this.#state === 'stopping' || this.#state === 'gone') return
    this.#state = 'stopping'
    this.#suspended = false
    this.#cancelTimers()
    this.#bury()
    const stopped = this.#stopBehavior()
    if (stopped === null) return this.#gone()
    this.#host.suspended()
    stopped.then(
      () => this.#gone(),
      (error: unknown) => {
        this.#failure ??= asError(error)
        this.#gone()
      },
    )
  }

  #stopBehavior(): Promise<void> | null {
    this.#host.enter()
    try {
      const stopped = this.#behavior?.stop?.()
      return isPromise(stopped) ? stopped : null
    } catch (error) {
      this.#failure ??= asError(error)
      return null
    } finally {
      this.#host.leave()
    }
  }

  #gone(): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.mailbox.words.close()
    this.#cancelTimers()
    this.#bury()
    this.#answered(false, toWireError(new ActorGoneError(this.name)))
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
    const failure = this.#failure
    this.#host.exited(failure === null ? { kind: 'stopped' } : { kind: 'failed', error: failure })
  }

  #bury(): void {
    this.#host.drain()
    this.mailbox.bury((message, reply) => {
      this.#host.deadLetter(message.kind)
      reply?.(false, toWireError(new ActorGoneError(this.name)))
    })
  }
}
