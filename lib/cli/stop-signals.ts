import { now } from '../runtime/clock.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * One Ctrl-C can arrive twice: from the terminal, and again from npm, which passes on what it gets. Only
 * a signal that comes later than this after the first one is a second wish.
 */
const echoMs = 500

/** The first signal asks for a clean end; a second one forces it. */
export class StopSignals {
  /** Resolves with the first signal's name. */
  readonly requested: Promise<string>
  #request: (signal: string) => void = () => {}
  #firstAt: number | null = null
  readonly #force: () => void

  constructor(force: () => void) {
    this.#force = force
    this.requested = new Promise((resolve) => {
      this.#request = resolve
    })
    for (const signal of signals) process.on(signal, this.#receive)
  }

  /** Another reason to stop: the same as a first signal. */
  request(reason: string): void {
    this.#firstAt ??= now()
    this.#request(reason)
  }

  /** Signals have their usual effect again. */
  release(): void {
    for (const signal of signals) process.off(signal, this.#receive)
  }

  readonly #receive = (signal: string): void => {
    if (this.#firstAt === null) this.request(signal)
    else if (now() - this.#firstAt > echoMs) this.#force()
  }
}
