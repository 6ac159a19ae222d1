import type { Due } from './deadlines.js'
import type { PendingBatch } from './pending-batch.js'

type Expire = (batch: PendingBatch, from: number, end: number) => void

/** Consecutive commands of one batch that are overdue in the same tick: they share one deadline. */
export class DeadlineRun implements Due {
  /** Position after the last. */
  end: number
  readonly tick: number
  readonly #batch: PendingBatch
  readonly #from: number
  readonly #expire: Expire

  constructor(batch: PendingBatch, from: number, tick: number, expire: Expire) {
    this.#batch = batch
    this.#from = from
    this.end = from
    this.tick = tick
    this.#expire = expire
  }

  due(): void {
    this.#expire(this.#batch, this.#from, this.end)
  }
}
