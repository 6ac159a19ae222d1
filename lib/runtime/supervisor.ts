import type { ActorExit, ActorHandle, Message, Timer } from './actor.js'
import type { Clock } from './clock.js'
import { asError } from './wire-error.js'

/** How often and how soon a failed actor is started again. */
export interface RestartPolicy {
  /** Restarts within `windowMs` after which the supervisor gives up; 0: never restart. Default 5. */
  readonly maxRestarts: number
  /** Failures older than this are forgotten. Default 60,000. */
  readonly windowMs: number
  /** The first restart waits so long. Default 50. */
  readonly minBackoffMs: number
  /** Each further one in the window waits twice as long, up to this. Default 5000. */
  readonly maxBackoffMs: number
  /** The share of each wait that is drawn at random, 0..1. Default 0.2. */
  readonly jitter: number
}

/** What a supervisor does unless it is told otherwise. */
export const DEFAULT_RESTARTS: RestartPolicy = {
  maxRestarts: 5,
  windowMs: 60_000,
  minBackoffMs: 50,
  maxBackoffMs: 5000,
  jitter: 0.2,
}

/** Whom a supervisor starts, and who is told. */
export interface SupervisorOptions<M extends Message> {
  readonly clock: Clock & { random(): number }
  /** Starts an incarnation, numbered from 1: it may be given fresh memory. Resolves at READY. */
  readonly spawn: (incarnation: number) => Promise<ActorHandle<M>>
  readonly restarts?: Partial<RestartPolicy>
  /** False: this failure is not worth a restart, and is escalated. */
  readonly mayRestart?: (error: Error) => boolean
  /** The actor is READY: link it to its neighbours. */
  readonly onStart?: (handle: ActorHandle<M>, incarnation: number) => void
  /** An incarnation is dead and its successor not yet spawned: release what it held (S7). */
  readonly onFailure?: (error: Error, incarnation: number, backoffMs: number | null) => void
  /** The limit is passed, or a restart would not help. Nothing is restarted after this. */
  readonly onEscalate: (error: Error) => void
}

/**
 * Keeps one actor running: a failed one is replaced after a wait that grows with each failure, until it
 * has failed too often and the failure is its owner's to handle. An actor that stopped in order stays so.
 */
export class Supervisor<M extends Message> {
  readonly #options: SupervisorOptions<M>
  readonly #policy: RestartPolicy
  #handle: ActorHandle<M> | null = null
  #last: ActorHandle<M> | null = null
  #incarnation = 0
  /** When it failed, in the window. */
  #failures: number[] = []
  #backoff: Timer | null = null
  #starting: Promise<void> | null = null
  #stopped = false

  constructor(options: SupervisorOptions<M>) {
    this.#options = options
    this.#policy = { ...DEFAULT_RESTARTS, ...options.restarts }
  }

  /** The actor that runs now; null before the start, during a wait, and after the end. */
  get handle(): ActorHandle<M> | null {
    return this.#handle
  }

  /** The actor that runs now, or ran last; null before the first start has succeeded. */
  get last(): ActorHandle<M> | null {
    return this.#last
  }

  get incarnation(): number {
    return this.#incarnation
  }

  /** Resolves at READY. Rejects when the first start fails: that is a mistake, not a fault. */
  async start(): Promise<ActorHandle<M>> {
    const handle = await this.#spawn()
    if (this.#stopped) {
      // Nobody wants it any more, and nobody else knows of it.
      await handle.stop()
      throw new Error(`the ${handle.name} actor was given up while it started`)
    }
    this.#adopt(handle)
    return handle
  }

  /** Like `start`, with a first failure treated like any other. */
  startSoon(): void {
    this.#starting = this.#restart()
  }

  /** Nothing is restarted after this; what runs is left alone, what still starts is stopped. */
  release(): void {
    this.#stopped = true
    this.#backoff?.cancel()
  }

  /** Stops the actor, or the attempt to restart it; nothing is restarted after this. */
  async stop(deadlineMs?: number): Promise<void> {
    this.release()
    await this.#starting
    await this.#handle?.stop(deadlineMs)
  }

  #spawn(): Promise<ActorHandle<M>> {
    this.#incarnation++
    return this.#options.spawn(this.#incarnation)
  }

  #adopt(handle: ActorHandle<M>): void {
    this.#handle = handle
    this.#last = handle
    handle.onExit((exit) => this.#exited(exit))
    // It may have failed between READY and here; then onExit has said so already.
    if (this.#handle !== null) this.#options.onStart?.(handle, this.#incarnation)
  }

  #exited(exit: ActorExit): void {
    this.#handle = null
    if (exit.kind === 'failed' && !this.#stopped) this.#failed(exit.error)
  }

  #failed(error: Error): void {
    const { clock, mayRestart } = this.#options
    const since = clock.now() - this.#policy.windowMs
    this.#failures = this.#failures.filter((at) => at > since)
    this.#failures.push(clock.now())
    const tooMany = this.#failures.length > this.#policy.maxRestarts
    if (tooMany || mayRestart?.(error) === false) {
      this.#stopped = true
      this.#options.onFailure?.(error, this.#incarnation, null)
      this.#options.onEscalate(error)
      return
    }
    const backoffMs = this.#backoffMs()
    this.#options.onFailure?.(error, this.#incarnation, backoffMs)
    this.#backoff = clock.after(backoffMs, () => this.startSoon())
  }

  #backoffMs(): number {
    const { minBackoffMs, maxBackoffMs, jitter } = this.#policy
    const full = Math.min(maxBackoffMs, minBackoffMs * 2 ** (this.#failures.length - 1))
    return full * (1 - jitter * this.#options.clock.random())
  }

  async #restart(): Promise<void> {
    let handle: ActorHandle<M>
    try {
      handle = await this.#spawn()
    } catch (error) {
      if (!this.#stopped) this.#failed(asError(error))
      return
    }
    if (this.#stopped) await handle.stop()
    else this.#adopt(handle)
  }
}
