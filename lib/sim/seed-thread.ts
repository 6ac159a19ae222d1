import { Worker } from 'node:worker_threads'
import { after } from '../runtime/clock.js'
import type { SeedOptions } from './run-seed.js'
import { failure, type SeedOutcome } from './seed-outcome.js'

/** What a thread can be sent: the options without functions. */
export type SentOptions = Omit<SeedOptions, 'onEvent' | 'subject'>

/** Short-lived objects are nearly all there are. */
const ROOMY = { resourceLimits: { maxYoungGenerationSizeMb: 64 } }

/** Runs seeds on a thread, one at a time; one that is never done is given up, and its thread with it. */
export class SeedThread {
  readonly #patienceMs: number
  #worker: Worker | null = null

  /** `patienceMs`: longest real time for one seed. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  async run(options: SentOptions): Promise<SeedOutcome> {
    this.#worker ??= new Worker(new URL('./seed-worker.js', import.meta.url), ROOMY)
    const outcome = await this.#outcome(this.#worker, options)
    if (outcome !== null) return outcome
    await this.close()
    const text = `no outcome after ${this.#patienceMs} ms of real time`
    return failure(options.seed, 'no hang', text)
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  /** Null when it did not come in time. */
  #outcome(worker: Worker, options: SentOptions): Promise<SeedOutcome | null> {
    return new Promise((resolve) => {
      const done = (outcome: SeedOutcome | null): void => {
        patience.cancel()
        worker.off('message', done).off('error', failed)
        resolve(outcome)
      }
      const failed = (error: unknown): void => {
        this.#worker = null
        done(failure(options.seed, 'no errors', textOf(error)))
      }
      const patience = after(this.#patienceMs, () => done(null))
      worker.on('message', done).on('error', failed)
      worker.postMessage(options)
    })
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
