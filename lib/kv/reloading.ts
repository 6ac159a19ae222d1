import type { Timer } from '../runtime/actor.js'
import { after } from '../runtime/clock.js'

interface ReloadLogger {
  error(fields: object, message: string): void
  info?(fields: object, message: string): void
}

/**
 * Looks for changed certificate and token files now and then. A file that is half written, or a key that
 * does not fit its certificate yet, is told once; what was read before stays in use.
 */
export class Reloading {
  readonly #reload: () => Promise<boolean>
  readonly #intervalMs: number
  readonly #logger: ReloadLogger | undefined
  #timer: Timer | null = null
  #told = ''
  #stopped = false

  constructor(
    reload: () => Promise<boolean>,
    intervalMs: number,
    logger: ReloadLogger | undefined,
  ) {
    this.#reload = reload
    this.#intervalMs = intervalMs
    this.#logger = logger
    if (intervalMs > 0) this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #arm(): void {
    if (this.#stopped) return
    this.#timer = after(this.#intervalMs, () => {
      void this.#look().then(() => this.#arm())
    })
  }

  async #look(): Promise<void> {
    try {
      if (await this.#reload())
        this.#logger?.info?.({}, 'certificate or tokens of the HTTP service changed')
      this.#told = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#told) {
        this.#logger?.error({ error: message }, 'certificate or tokens were not reloaded')
      }
      this.#told = message
    }
  }
}
