import type { ActorContext } from '../../lib/runtime/actor.js'
import { TransportError } from '../../lib/transport/errors.js'

/** At most one line in this time: strangers must not be able to fill a log. */
const QUIET_MS = 10_000

/** Warns of connections that were turned away, rarely, with how many went unmentioned. */
export class RefusalLog {
  readonly #context: ActorContext
  #quietUntil = Number.NEGATIVE_INFINITY
  #unmentioned = 0
  #count = 0

  constructor(context: ActorContext) {
    this.#context = context
  }

  /** Refused since the start. */
  get count(): number {
    return this.#count
  }

  refused(remote: string, error: Error): void {
    this.#count += 1
    const now = this.#context.now()
    if (now < this.#quietUntil) {
      this.#unmentioned += 1
      return
    }
    const code = error instanceof TransportError ? error.code : undefined
    const unmentioned = this.#unmentioned
    this.#quietUntil = now + QUIET_MS
    this.#unmentioned = 0
    this.#context.log.warn(
      { remote, code, error: error.message, unmentioned },
      'a connection was turned away',
    )
  }
}
