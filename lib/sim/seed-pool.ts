import { Worker } from 'node:worker_threads'
import { after } from '../runtime/clock.js'
import type { SeedOptions } from './run-seed.js'
import type { SeedOutcome } from './seed-outcome.js'

export interface PoolOptions {
  /** Threads. */
  readonly jobs: number
  readonly first: number
  readonly last: number
  readonly common: Omit<SeedOptions, 'seed' | 'onEvent'>
  /** Longest real time for one seed; past it the seed has failed, as code that never returns would. */
  readonly patienceMs: number
  /** In order of the seeds. False: run no more. */
  readonly onOutcome: (outcome: SeedOutcome) => boolean
}

/** Runs seeds on threads, each seed on one; the outcomes come in the order of the seeds. */
export async function runPool(options: PoolOptions): Promise<void> {
  const pool = new Pool(options)
  await pool.run()
}

/** Short-lived objects are nearly all there are. */
const ROOMY = { resourceLimits: { maxYoungGenerationSizeMb: 64 } }

class Pool {
  readonly #options: PoolOptions
  readonly #waiting = new Map<number, SeedOutcome>()
  #next: number
  #told: number
  #over = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#next = options.first
    this.#told = options.first
  }

  async run(): Promise<void> {
    const lanes = Array.from({ length: this.#options.jobs }, () => this.#lane())
    await Promise.all(lanes)
  }

  async #lane(): Promise<void> {
    let worker: Worker | null = null
    while (!this.#over && this.#next <= this.#options.last) {
      const seed = this.#next++
      worker ??= new Worker(new URL('./seed-worker.js', import.meta.url), ROOMY)
      const outcome = await this.#runOn(worker, seed)
      if (outcome === null) {
        await worker.terminate()
        worker = null
      }
      this.#tell(outcome ?? stuck(seed, this.#options.patienceMs))
    }
    await worker?.terminate()
  }

  /** Null when it did not answer in time. */
  #runOn(worker: Worker, seed: number): Promise<SeedOutcome | null> {
    return new Promise((resolve) => {
      const done = (outcome: SeedOutcome | null): void => {
        patience.cancel()
        worker.off('message', done).off('error', failed)
        resolve(outcome)
      }
      const failed = (error: unknown): void =>
        done({ seed, rule: 'no errors', message: text(error) })
      const patience = after(this.#options.patienceMs, () => done(null))
      worker.on('message', done).on('error', failed)
      worker.postMessage({ ...this.#options.common, seed })
    })
  }

  #tell(outcome: SeedOutcome): void {
    this.#waiting.set(outcome.seed, outcome)
    for (;;) {
      const next = this.#waiting.get(this.#told)
      if (next === undefined || this.#over) return
      this.#waiting.delete(this.#told)
      this.#told++
      if (!this.#options.onOutcome(next)) this.#over = true
    }
  }
}

function stuck(seed: number, patienceMs: number): SeedOutcome {
  return { seed, rule: 'no hang', message: `no outcome after ${patienceMs} ms of real time` }
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
