import type { ActorContext, Behavior, CreateActor, Message } from './actor.js'
import { AskDesk } from './ask-desk.js'
import type { CellHost } from './cell-host.js'
import { CellLinks } from './cell-links.js'
import { CellTimers, type DueCallback } from './cell-timers.js'
import { ActorGoneError, ActorKilledError } from './errors.js'
import { ASK, type AskedLetter } from './letter.js'
import type { Mailbox } from './mailbox.js'
import { isPromise } from './promise.js'
import type { CellCounts } from './stats-block.js'
import { asError, toWireError, type WireError } from './wire-error.js'

type State = 'starting' | 'running' | 'draining' | 'stopping' | 'gone'

/** How long the `stop` of an actor that has failed may take. */
const FAILED_STOP_MS = 1000

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
  /** A long burst was broken off: nothing is taken before timers and I/O have had their chance. */
  #yielded = false
  #failure: Error | null = null
  readonly #timers: CellTimers
  readonly #links = new CellLinks()
  readonly #asks: AskDesk

  constructor(name: string, mailbox: Mailbox, host: CellHost) {
    this.name = name
    this.mailbox = mailbox
    this.#host = host
    this.#asks = new AskDesk(name)
    this.#timers = new CellTimers(
      (delayMs, fire) => host.setTimer(delayMs, fire),
      (due) => this.#fire(due),
    )
    this.context = {
      name,
      log: host.log,
      now: () => host.now(),
      wallClock: () => host.wallClock(),
      random: () => host.random(),
      after: (delayMs, callback) =>
        this.gone ? { cancel() {} } : this.#timers.after(delayMs, callback),
      turn: (callback) => this.turn(callback),
      fail: (error) => this.fail(error),
    }
  }

  get gone(): boolean {
    return this.#state === 'gone'
  }

  /** Its `stop` is on its way. */
  get stopping(): boolean {
    return this.#state === 'stopping'
  }

  /** Its code is on the stack, in a call that returns before another begins. */
  get inCall(): boolean {
    return this.#busy && this.#takes()
  }

  /** A promise of the behaviour is pending, or it is being created. */
  get awaits(): boolean {
    return this.#suspended || this.#state === 'starting' || this.#state === 'stopping'
  }

  /** What the askers of a gone actor are told. */
  goneError(): WireError {
    return toWireError(new ActorGoneError(this.name))
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
    this.#host.awaits()
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
    if (this.#busy || this.#suspended || this.#yielded) return
    if (this.#state === 'gone' || !this.#host.mayRun()) return
    if (!this.#takes()) return this.#runPostponed()
    if (!this.#inTurn && !this.#somethingWaits()) {
      if (this.#state === 'draining') this.#finish()
      return
    }
    this.#guarded((startedAt) => {
      this.#openTurn()
      this.#burst(startedAt)
    })
  }

  /** The host's answer to `again`. */
  runAgain(): void {
    this.#yielded = false
    this.run()
  }

  /** See ActorContext.turn. */
  turn(callback: () => void): void {
    const held = this.#host.preempted
    if (this.#busy && !held) return callback()
    if (this.#state === 'gone') return
    if (held || !this.#host.mayRun()) return this.#timers.push({ callback, cancelled: false })
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
    if (!this.mailbox.empty || this.#timers.waiting) return true
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
    this.mailbox.publish()
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
        if (this.#suspended) return
        this.#yielded = true
        return this.#host.again()
      }
    }
  }

  #takeNext(): boolean {
    const mailbox = this.mailbox
    // One load tells whether a port holds control messages that must overtake the data queued here.
    if (mailbox.controlOutside) this.#host.drain()
    const change = mailbox.takeChange()
    if (change !== undefined) {
      this.#host.observe?.(change.kind === 'link' ? 'linked' : 'unlinked', null)
      this.#links.change(change, this.#behavior)
      return true
    }
    const control = mailbox.takeControl()
    if (control !== undefined) {
      this.counts.controlMessages++
      this.#host.observe?.(control[0] === ASK ? 'ask' : 'control', control[1])
      if (control[0] === ASK) this.#answer(control)
      else this.#receive(control[1])
      return true
    }
    const due = this.#timers.shift()
    if (due !== undefined) {
      this.#host.observe?.('timer', null)
      due.callback()
      return true
    }
    return this.#takeData()
  }

  #takeData(): boolean {
    const letter = this.mailbox.takeData()
    if (letter === undefined) {
      if (!this.mailbox.dataOutside) return false
      this.#host.drain()
      // Go round again: control or a link that was told before this data may have come with it.
      return !this.mailbox.empty
    }
    this.counts.dataMessages++
    this.#host.observe?.('data', letter[1])
    this.#receive(letter[1])
    return true
  }

  #receive(message: Message): void {
    const result = this.#behavior?.receive(message as M)
    if (result !== undefined && isPromise(result)) this.#suspend(result)
  }

  #answer(letter: AskedLetter): void {
    const pending = this.#behavior === null ? null : this.#asks.take(letter, this.#behavior)
    if (pending !== null) this.#suspend(pending)
  }

  #suspend(promise: PromiseLike<unknown>): void {
    this.#suspended = true
    this.#host.awaits()
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

  /** Callbacks that had to wait while the actor, starting or stopping by now, could not run. */
  #runPostponed(): void {
    while (this.#timers.waiting && this.#host.mayRun()) {
      const due = this.#timers.shift()
      if (due !== undefined) this.turn(due.callback)
    }
  }

  #fire(due: DueCallback): void {
    if (this.#takes()) {
      this.#timers.push(due)
      this.run()
    } else if (!due.cancelled) {
      // While it starts or stops, an actor may wait for timers of its own.
      this.turn(due.callback)
    }
  }

  /** Last rites, after a graceful stop and after a failure. */
  #finish(): void {
    if (this.#state === 'stopping' || this.#state === 'gone') return
    this.#state = 'stopping'
    this.#suspended = false
    this.#timers.cancelAll()
    this.#bury()
    const stopped = this.#stopBehavior()
    if (stopped === null) return this.#gone()
    this.#host.awaits()
    // A graceful stop has its caller's deadline; a failed actor has nobody who waits for it.
    const deadline =
      this.#failure === null ? null : this.#host.setTimer(FAILED_STOP_MS, () => this.#gone())
    const ended = (): void => {
      deadline?.cancel()
      this.#gone()
    }
    stopped.then(ended, (error: unknown) => {
      this.#failure ??= asError(error)
      ended()
    })
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
    this.#timers.cancelAll()
    this.#bury()
    this.#asks.close()
    this.#links.closeAll()
    const failure = this.#failure
    this.#host.exited(failure === null ? { kind: 'stopped' } : { kind: 'failed', error: failure })
  }

  #bury(): void {
    this.#host.drain()
    this.mailbox.bury((message, reply) => {
      this.#host.deadLetter(message.kind)
      reply?.(false, this.goneError())
    })
  }
}
