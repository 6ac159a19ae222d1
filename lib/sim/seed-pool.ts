import type { SeedOutcome } from './seed-outcome.js'
import { SeedThread, type SentOptions } from './seed-thread.js'

export interface PoolOptions {
  /** Threads. */
  readonly jobs: number
  readonly first: number
  readonly last: number
  readonly common: Omit<SentOptions, 'seed'>
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
    const { last, common, patienceMs } = this.#options
    const thread = new SeedThread(patienceMs)
    while (!this.#over && this.#next <= last) {
      this.#tell(await thread.run({ ...common, seed: this.#next++ }))
    }
    await thread.close()
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
