import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { assertNever } from '../core/assert.js'
import type { ActorExit, ActorLogger, ActorRef, ActorStats, Message, Timer } from './actor.js'
import { type LogThreshold, writeRecord } from './actor-log.js'
import { ActorMemory } from './actor-memory.js'
import { after } from './clock.js'
import { UNREAD } from './dead-letters.js'
import { ActorKilledError, ActorThreadExitError } from './errors.js'
import {
  DEFAULT_STOP_MS,
  ExitSignal,
  type HostedActor,
  type Placed,
  type SystemServices,
  statsOf,
} from './hosted-actor.js'
import { type AnswerLetter, type HostMessage, SYSTEM, type SystemMessage } from './letter.js'
import { locate } from './module-url.js'
import { PortRef } from './port-ref.js'
import { asError, fromWireError } from './wire-error.js'
import type { WorkerSpec } from './worker-main.js'
import { type Passenger, type SharedThreads, WorkerThread } from './worker-thread.js'

/** The worker's file has the extension of this one, from source and from the build alike. */
const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js',
  import.meta.url,
)

/** From the exit of the behaviour to the end of its thread; something was left open when it takes longer. */
const THREAD_END_MS = 1000
/** How long an actor on a shared thread has to die by itself; then it hangs, and so do all that are with it. */
const KILL_MS = 2000

/** An actor on a worker thread, its own or a shared one, seen from the thread that spawned it. */
export class ThreadActor<M extends Message = Message> implements HostedActor, Passenger {
  readonly name: string
  readonly ref: ActorRef<M>
  readonly memory: ActorMemory
  readonly #services: SystemServices
  readonly #logger: ActorLogger
  readonly #thread: WorkerThread
  readonly #root: MessagePort
  readonly #rootRef: PortRef
  readonly #exit = new ExitSignal()
  readonly #leaveHung: boolean
  readonly #ready: Promise<void>
  #becomeReady: () => void = () => {}
  #outcome: ActorExit | null = null
  #deadline: Timer | null = null
  #isGone = false

  constructor(
    spec: Placed<M>,
    logger: ActorLogger,
    logThreshold: LogThreshold,
    services: SystemServices,
    shared: SharedThreads,
  ) {
    this.name = spec.name
    this.memory = ActorMemory.allocate(spec.mailbox)
    this.#services = services
    this.#logger = logger
    this.#leaveHung = spec.leaveHung === true
    this.#ready = new Promise((resolve) => {
      this.#becomeReady = resolve
    })
    const { port1, port2 } = new MessageChannel()
    this.#root = port1
    this.#rootRef = new PortRef(spec.name, port1, this.memory.words, services.deadLetter, true)
    this.ref = this.#rootRef
    const { moduleUrl } = services
    const { placement } = spec
    const url = locate(moduleUrl, WORKER_URL)
    const start: WorkerSpec = {
      name: spec.name,
      module: locate(moduleUrl, spec.module).href,
      init: spec.init,
      memory: this.memory.memory,
      root: port2,
      logThreshold,
    }
    this.#thread =
      typeof placement === 'object'
        ? shared.board(url, placement.thread, start, this)
        : new WorkerThread(url, spec, false, start, this)
    port1.on('message', this.#take)
  }

  get exited(): Promise<ActorExit> {
    return this.#exit.exited
  }

  /** Resolves at READY. */
  async start(): Promise<void> {
    const exit = await Promise.race([this.#ready, this.#exit.exited])
    if (exit === undefined) return
    throw exit.kind === 'failed' ? exit.error : new ActorKilledError(this.name, 'stopped at start')
  }

  onExit(listener: (exit: ActorExit) => void): void {
    this.#exit.onExit(listener)
  }

  async stop(deadlineMs = DEFAULT_STOP_MS): Promise<void> {
    if (this.#exit.exit !== null) return
    const late = `it did not stop within ${deadlineMs} ms`
    if (this.#leaveHung) {
      this.#deadline?.cancel()
      this.#deadline = after(deadlineMs, () => this.#leave(late))
    } else this.#killAfter(deadlineMs, late)
    this.#post({ kind: 'stop' })
    await this.#exit.exited
  }

  async kill(): Promise<void> {
    if (this.#exit.exit === null) this.#kill('kill was called')
    await this.#exit.exited
  }

  stats(): ActorStats {
    const { utilization, active, idle } = this.#thread.utilization()
    return {
      ...statsOf(this.name, this.memory),
      eventLoopUtilization: utilization,
      loop: { activeMs: active, idleMs: idle },
    }
  }

  localRef(): null {
    return null
  }

  linkBeside(name: string, to: HostedActor): boolean {
    if (!(to instanceof ThreadActor) || to.#thread !== this.#thread) return false
    this.#post({ kind: 'linkBeside', name, to: to.name })
    return true
  }

  linkThrough(name: string, to: HostedActor, port: MessagePort): void {
    this.#post({ kind: 'link', name, to: to.name, memory: to.memory.memory, port }, port)
  }

  addInlet(port: MessagePort): void {
    this.#post({ kind: 'inlet', port }, port)
  }

  unlink(name: string): void {
    this.#post({ kind: 'unlink', name })
  }

  #post(message: SystemMessage, port?: MessagePort): void {
    if (this.memory.words.reserveControl()) {
      this.#root.postMessage([SYSTEM, message], port === undefined ? [] : [port])
    } else port?.close()
  }

  readonly #take = (letter: AnswerLetter | HostMessage): void => {
    if (Array.isArray(letter)) this.#rootRef.answered(letter as AnswerLetter)
    else this.#hear(letter as HostMessage)
  }

  #hear(message: HostMessage): void {
    switch (message.kind) {
      case 'ready':
        return this.#becomeReady()
      case 'log':
        return writeRecord(this.#logger, message, this.memory.pendingLog)
      case 'deadLetters':
        for (const { to, kind } of message.letters) this.#services.deadLetter(to, kind)
        for (let i = 0; i < message.more; i++) this.#services.deadLetter('?', UNREAD)
        return
      case 'exit':
        this.#outcome ??=
          message.error === null
            ? { kind: 'stopped' }
            : { kind: 'failed', error: fromWireError(message.error) }
        // A shared thread goes on without it.
        if (this.#thread.isShared) return this.threadEnded(0)
        return this.#killAfter(THREAD_END_MS, 'it left something open when it stopped')
      default:
        assertNever(message)
    }
  }

  #killAfter(delayMs: number, why: string): void {
    this.#deadline?.cancel()
    this.#deadline = after(delayMs, () => this.#kill(why))
  }

  #kill(why: string): void {
    this.memory.words.close()
    if (this.#outcome !== null) this.#logger.warn({}, `the thread was terminated: ${why}`)
    this.#outcome ??= { kind: 'failed', error: new ActorKilledError(this.name, why) }
    if (!this.#thread.isShared) return this.#thread.terminate()
    this.#root.postMessage([SYSTEM, { kind: 'kill', why } satisfies SystemMessage])
    this.#deadline?.cancel()
    this.#deadline = after(KILL_MS, () => {
      this.#logger.warn({}, `the thread was terminated with all its actors, for it hangs: ${why}`)
      this.#thread.terminate()
    })
  }

  /** Its `stop` waits in its mailbox: should it ever come back, it ends by itself. */
  #leave(why: string): void {
    this.memory.words.close()
    this.#logger.error({}, `the thread hangs and is left behind: ${why}`)
    this.#outcome ??= { kind: 'failed', error: new ActorKilledError(this.name, why) }
    this.#thread.unref()
    this.#root.unref()
    this.#exit.settle(this.#outcome)
  }

  threadFailed(error: unknown): void {
    this.#outcome ??= { kind: 'failed', error: asError(error) }
  }

  /** The thread, or on a shared one the actor, is gone. What it posted before may still lie in the port. */
  threadEnded(code: number): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#thread.leave(this)
    for (;;) {
      const received = receiveMessageOnPort(this.#root) as
        | { readonly message: AnswerLetter | HostMessage }
        | undefined
      if (received === undefined) break
      this.#take(received.message)
    }
    this.#deadline?.cancel()
    const { words } = this.memory
    words.close()
    for (let lost = words.messages + words.control; lost > 0; lost--) {
      this.#services.deadLetter(this.name, UNREAD)
    }
    this.#rootRef.close()
    this.#exit.settle(
      this.#outcome ?? { kind: 'failed', error: new ActorThreadExitError(this.name, code) },
    )
  }
}
