import type { ActorLogger } from '../runtime/actor.js'

/**
 * SIGUSR2 reads certificates and tokens again at once, as happens now and then anyway. (SIGHUP tells that
 * the terminal is gone, and ends a node.)
 */
export class ReloadSignal {
  readonly #node: { reloadTls(): Promise<boolean> }
  readonly #service: { reload(): Promise<boolean> }
  readonly #logger: ActorLogger

  constructor(
    node: { reloadTls(): Promise<boolean> },
    service: { reload(): Promise<boolean> },
    logger: ActorLogger,
  ) {
    this.#node = node
    this.#service = service
    this.#logger = logger
    process.on('SIGUSR2', this.#receive)
  }

  release(): void {
    process.off('SIGUSR2', this.#receive)
  }

  readonly #receive = (): void => {
    const reloads = { raft: this.#node.reloadTls(), http: this.#service.reload() }
    for (const [port, reload] of Object.entries(reloads)) {
      reload.then(
        (changed) =>
          this.#logger.info({ port, changed }, 'certificates and tokens were read again'),
        (error: Error) =>
          this.#logger.error({ port, error: error.message }, 'what was read before stays in use'),
      )
    }
  }
}
