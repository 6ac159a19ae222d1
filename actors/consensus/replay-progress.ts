import type { LogIndex } from '../../lib/core/types.js'
import type { NodeEvent } from './node-event.js'

const EVERY_MS = 1000

/** Tells how far the entries that the log held at the start are applied: once a second, and at the end. */
export class ReplayProgress {
  readonly #total: LogIndex
  readonly #tell: (event: NodeEvent) => void
  #toldAt: number
  #over: boolean

  constructor(total: LogIndex, now: number, tell: (event: NodeEvent) => void) {
    this.#total = total
    this.#tell = tell
    this.#toldAt = now
    this.#over = total === 0
  }

  look(now: number, applied: LogIndex): void {
    if (this.#over) return
    this.#over = applied >= this.#total
    if (!this.#over && (applied === 0 || now - this.#toldAt < EVERY_MS)) return
    this.#toldAt = now
    const done = Math.min(applied, this.#total)
    this.#tell({ kind: 'progress', what: 'replay', done, total: this.#total })
  }
}
