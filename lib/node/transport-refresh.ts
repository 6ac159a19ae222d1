import type { ActorLogger, Timer } from '../runtime/actor.js'
import type { Clock } from '../runtime/clock.js'
import type { CreateTransport, RefreshOptions, TransportSpec } from '../transport/transport.js'
import { checkOwnIdentity } from './own-identity.js'

export interface TransportRefreshParts {
  readonly cluster: string
  readonly id: string
  readonly transport: TransportSpec
  readonly clock: Clock
  readonly logger: ActorLogger | undefined
  /** The actors with connections are to use them from now on. */
  readonly use: (options: unknown) => void
}

/** Certificates that change while a node runs: read here, handed to the actors as data. */
export class TransportRefresh {
  readonly #parts: TransportRefreshParts
  readonly #source: ReturnType<RefreshOptions>
  #options: unknown
  #timer: Timer | null = null
  #stopped = false
  /** The error that was logged last: the same one again is no news. */
  #told = ''

  private constructor(parts: TransportRefreshParts, source: ReturnType<RefreshOptions>) {
    this.#parts = parts
    this.#source = source
    this.#options = parts.transport.options
    this.#arm()
  }

  static async start(parts: TransportRefreshParts): Promise<TransportRefresh> {
    const { module, options, create } = parts.transport
    if (create !== undefined) return new TransportRefresh(parts, null)
    const loaded: {
      readonly createTransport: CreateTransport
      readonly refreshOptions?: RefreshOptions
    } = await import(module)
    return new TransportRefresh(parts, loaded.refreshOptions?.(options) ?? null)
  }

  /** True when something has changed. Rejects, and changes nothing, when what is there is no good. */
  async refresh(): Promise<boolean> {
    const { cluster, id, logger, use } = this.#parts
    const options = (await this.#source?.read(this.#options)) ?? null
    if (options === null || this.#stopped) return false
    checkOwnIdentity(options, cluster, id)
    this.#options = options
    use(options)
    logger?.info({}, 'the certificates of the transport have changed')
    return true
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #arm(): void {
    const intervalMs = this.#source?.intervalMs ?? 0
    if (intervalMs === 0 || this.#stopped) return
    this.#timer = this.#parts.clock.after(intervalMs, () => {
      void this.#look().then(() => this.#arm())
    })
  }

  /** Files may be looked at while they are being replaced: the next look finds them whole. */
  async #look(): Promise<void> {
    try {
      await this.refresh()
      this.#told = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#told) {
        this.#parts.logger?.warn(
          { error: message },
          'the certificates of the transport stay in use',
        )
      }
      this.#told = message
    }
  }
}
