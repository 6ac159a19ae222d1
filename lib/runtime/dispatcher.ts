import type { Cell } from './cell.js'
import { now } from './clock.js'

/** Deliveries in a row end after so long: timers and I/O of this thread must have their chance. */
const MAX_DRAIN_MS = 8

/**
 * Runs the cells of this thread that were told something from this thread. Inside a turn nothing is
 * delivered: what the turn told is taken, first told first, when the outermost turn ends; told from outside
 * any actor, in a microtask. Both are the same macrotask, so a message between inline actors costs no wait.
 */
class Dispatcher {
  #ready: Cell[] = []
  readonly #queued = new Set<Cell>()
  #depth = 0
  #draining = false
  #scheduled = false

  wake(cell: Cell): void {
    if (this.#queued.has(cell)) return
    this.#queued.add(cell)
    this.#ready.push(cell)
    if (this.#depth === 0 && !this.#draining && !this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(this.#drain)
    }
  }

  enter(): void {
    this.#depth++
  }

  leave(): void {
    this.#depth--
    if (this.#depth === 0 && !this.#draining && this.#ready.length > 0) this.#drain()
  }

  readonly #drain = (): void => {
    this.#scheduled = false
    if (this.#draining || this.#depth > 0) return
    this.#draining = true
    const startedAt = now()
    while (this.#ready.length > 0 && now() - startedAt < MAX_DRAIN_MS) {
      const batch = this.#ready
      this.#ready = []
      for (const cell of batch) {
        this.#queued.delete(cell)
        cell.run()
      }
    }
    this.#draining = false
    if (this.#ready.length > 0 && !this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#drain)
    }
  }
}

/** One for each thread: a turn of any inline actor is a turn of the thread. */
export const dispatcher = new Dispatcher()
