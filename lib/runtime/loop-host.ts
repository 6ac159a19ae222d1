import type { ActorExit, ActorLogger, Timer } from './actor.js'
import type { Cell } from './cell.js'
import type { CellHost } from './cell-host.js'
import { after, now } from './clock.js'
import { dispatcher } from './dispatcher.js'
import type { Inlets } from './inlets.js'
import type { CellCounts, StatsBlock } from './stats-block.js'

/** A burst ends after so many messages or milliseconds: timers and I/O of the thread must not starve. */
const MAX_BURST_MESSAGES = 256
const MAX_BURST_MS = 8
/** Messages between two looks at the clock, which cost a fair share of a short message. */
const CLOCK_EVERY = 4

export interface LoopHostParts {
  readonly log: ActorLogger
  readonly stats: StatsBlock
  readonly random: () => number
  readonly deadLetter: (kind: string) => void
  readonly exited: (exit: ActorExit) => void
}

/** A cell's host on an event loop: a worker thread's or the one that called. */
export class LoopHost implements CellHost {
  readonly log: ActorLogger
  readonly observe = null
  readonly preempted = false
  readonly #parts: LoopHostParts
  #cell: Cell | null = null
  #inlets: Inlets | null = null
  #again: NodeJS.Immediate | null = null

  constructor(parts: LoopHostParts) {
    this.log = parts.log
    this.#parts = parts
  }

  attach(cell: Cell, inlets: Inlets): void {
    this.#cell = cell
    this.#inlets = inlets
  }

  now(): number {
    return now()
  }

  wallClock(): number {
    return Date.now()
  }

  random(): number {
    return this.#parts.random()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return after(delayMs, fire)
  }

  drain(): void {
    this.#inlets?.drain()
  }

  mayRun(): boolean {
    return true
  }

  burstOver(taken: number, startedAt: number): boolean {
    if (taken >= MAX_BURST_MESSAGES) return true
    return taken % CLOCK_EVERY === 0 && now() - startedAt >= MAX_BURST_MS
  }

  again(): void {
    this.#again ??= setImmediate(() => {
      this.#again = null
      this.#cell?.runAgain()
    })
  }

  enter(): void {
    dispatcher.enter()
  }

  leave(): void {
    dispatcher.leave()
  }

  awaits(): void {}

  publish(counts: CellCounts): void {
    this.#parts.stats.publish(counts)
  }

  deadLetter(kind: string): void {
    this.#parts.deadLetter(kind)
  }

  exited(exit: ActorExit): void {
    if (this.#again !== null) clearImmediate(this.#again)
    this.#parts.exited(exit)
    this.#inlets?.close()
  }
}
