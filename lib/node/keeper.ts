import type { ActorHandle, Message, Timer } from '../runtime/actor.js'
import type { Clock } from '../runtime/clock.js'
import { toWireError, type WireError } from '../runtime/wire-error.js'
import type { RaftConfig } from './config.js'

export interface Kept<M extends Message> {
  /** The one that runs, or ran last. */
  readonly handle: ActorHandle<M>
  start(): Promise<ActorHandle<M>>
  /** No more restarts. */
  release(): void
}

export interface KeeperOptions<M extends Message> {
  readonly name: string
  readonly clock: Clock
  readonly random: () => number
  readonly config: Pick<
    RaftConfig,
    'maxRestarts' | 'restartWindowMs' | 'restartMinMs' | 'restartMaxMs'
  >
  readonly spawn: () => Promise<ActorHandle<M>>
  /** After every start: link it. */
  readonly started: (handle: ActorHandle<M>) => void
  /** False: this failure is not worth a restart. */
  readonly mayRestart?: (error: Error) => boolean
  readonly gaveUp: (error: WireError) => void
  /** It failed, and another one is started after `delayMs`. */
  readonly restarting?: ((name: string, error: Error, delayMs: number) => void) | undefined
}

/** Restarts one actor when it fails, with backoff, so often in a window and no more. */
export class Keeper<M extends Message> implements Kept<M> {
  readonly #options: KeeperOptions<M>
  #handle: ActorHandle<M> | null = null
  #restarts: number[] = []
  #released = false
  #backoff: Timer | null = null

  constructor(options: KeeperOptions<M>) {
    this.#options = options
  }

  get handle(): ActorHandle<M> {
    if (this.#handle === null) throw new Error(`the ${this.#options.name} actor was not started`)
    return this.#handle
  }

  /** Null before the first start has succeeded. */
  get running(): ActorHandle<M> | null {
    return this.#handle
  }

  /** Like `start`, with a first failure treated like any other. */
  startSoon(): void {
    this.start().catch((error: Error) => this.#failed(error))
  }

  /** Rejects when the first start fails; later failures are the keeper's own affair. */
  async start(): Promise<ActorHandle<M>> {
    const handle = await this.#options.spawn()
    if (this.#released) {
      // Nobody wants it any more, and nobody else knows of it.
      await handle.stop()
      throw new Error(`the ${this.#options.name} actor was given up while it started`)
    }
    this.#handle = handle
    this.#options.started(handle)
    handle.onExit((exit) => {
      if (exit.kind === 'failed') this.#failed(exit.error)
    })
    return handle
  }

  release(): void {
    this.#released = true
    this.#backoff?.cancel()
  }

  #failed(error: Error): void {
    if (this.#released) return
    const { clock, config, name, mayRestart } = this.#options
    const now = clock.now()
    this.#restarts = this.#restarts.filter((at) => now - at < config.restartWindowMs)
    if (this.#restarts.length >= config.maxRestarts || mayRestart?.(error) === false) {
      const wire = toWireError(error)
      const message = `the ${name} actor failed and is not restarted: ${error.message}`
      this.#options.gaveUp({ ...wire, message })
      return
    }
    const doubled = config.restartMinMs * 2 ** this.#restarts.length
    const delay = Math.min(config.restartMaxMs, doubled) * (0.5 + this.#options.random() / 2)
    this.#restarts.push(now)
    this.#options.restarting?.(name, error, Math.round(delay))
    this.#backoff = clock.after(delay, () => this.startSoon())
  }
}
