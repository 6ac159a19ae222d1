import type { ActorExit, ActorLogger, Message, Timer } from './actor.js'
import type { Cell } from './cell.js'
import type { CellEvent, CellHost } from './cell-host.js'
import type { Occupant, SimScheduler } from './sim-scheduler.js'
import type { CellCounts, StatsBlock } from './stats-block.js'

/** What the simulated machine tells the cell hosts on it. */
export interface SimMachine {
  readonly scheduler: SimScheduler
  /** False once it has crashed: nothing runs on it any more. */
  readonly alive: boolean
  /** True while the whole process is held (SIGSTOP). */
  readonly paused: boolean
  now(): number
  wallClock(): number
  /** Virtual ms for this long on the machine's own clock. */
  toVirtual(ms: number): number
  trace(actor: string, what: TraceKind, message: Message | null): void
  readonly traced: boolean
}

/** Sent (told, controlled, asked) or refused; taken (data, control, ask); and the rest of an actor's life. */
export type TraceKind = CellEvent | 'told' | 'controlled' | 'asked' | 'refused' | 'ready' | 'exit'

export interface SimCellParts {
  readonly name: string
  readonly log: ActorLogger
  readonly stats: StatsBlock
  readonly deadLetter: (kind: string) => void
  readonly exited: (exit: ActorExit) => void
}

/** A cell's host in the simulated world: a thread that can be busy, stalled, paused, or gone. */
export class SimCellHost implements CellHost, Occupant {
  readonly log: ActorLogger
  readonly observe: ((what: TraceKind, message: Message | null) => void) | null
  busyUntil = 0
  #preempted = false
  /** Something may have come while it was preempted: it looks again once its call is over. */
  #missed = false
  readonly #machine: SimMachine
  readonly #scheduler: SimScheduler
  readonly #parts: SimCellParts
  #cell: Cell | null = null
  #stalledUntil = 0
  #paused = false
  #wake: { readonly at: number; readonly timer: Timer } | null = null
  /** Whom each nested `enter` interrupted. */
  readonly #interrupted: (Occupant | null)[] = []

  constructor(machine: SimMachine, parts: SimCellParts) {
    this.log = parts.log
    this.#machine = machine
    this.#scheduler = machine.scheduler
    this.#parts = parts
    this.observe = machine.traced
      ? (what, message) => machine.trace(parts.name, what, message)
      : null
  }

  attach(cell: Cell): void {
    this.#cell = cell
  }

  get suspended(): boolean {
    return this.#cell?.awaits === true
  }

  get preemptible(): boolean {
    return this.#cell?.inCall === true && !this.#preempted
  }

  get preempted(): boolean {
    return this.#preempted
  }

  set preempted(preempted: boolean) {
    this.#preempted = preempted
    this.#missed ||= preempted
  }

  now(): number {
    return this.#machine.now()
  }

  wallClock(): number {
    return this.#machine.wallClock()
  }

  random(): number {
    return this.#scheduler.random()
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const time = this.#scheduler.now() + Math.max(0, this.#machine.toVirtual(delayMs))
    return this.#scheduler.atInside(time, () => {
      if (this.#machine.alive) fire()
    })
  }

  /** Deliveries go straight into the mailbox: there are no ports. */
  drain(): void {}

  mayRun(): boolean {
    const machine = this.#machine
    if (!machine.alive) return false
    const freeAt = Math.max(this.busyUntil, this.#stalledUntil)
    if (!machine.paused && !this.#paused && freeAt <= this.#scheduler.now()) return true
    // Resuming wakes a paused actor by itself.
    if (!machine.paused && !this.#paused) this.#wakeAt(freeAt)
    return false
  }

  /** A call that took time ends the burst: what arrived meanwhile is ordered by lane before the next. */
  burstOver(_taken: number, startedAt: number): boolean {
    return this.#machine.now() > startedAt
  }

  again(): void {
    this.#wakeAt(Math.max(this.#scheduler.now(), this.#stalledUntil))
  }

  enter(): void {
    this.#interrupted.push(this.#scheduler.enter(this))
  }

  leave(): void {
    this.#scheduler.leave(this.#interrupted.pop() ?? null)
    if (!this.#missed) return
    this.#missed = false
    this.wakeNow()
  }

  awaits(): void {
    this.#scheduler.promisesDue()
  }

  publish(counts: CellCounts): void {
    this.#parts.stats.publish(counts)
  }

  deadLetter(kind: string): void {
    this.#parts.deadLetter(kind)
  }

  exited(exit: ActorExit): void {
    this.#wake?.timer.cancel()
    this.#parts.exited(exit)
  }

  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#scheduler.now() + ms)
    this.#wakeAt(this.#stalledUntil)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.wakeNow()
  }

  wakeNow(): void {
    this.#wakeAt(Math.max(this.#scheduler.now(), this.busyUntil, this.#stalledUntil))
  }

  #wakeAt(time: number): void {
    if (this.#wake !== null) {
      if (this.#wake.at <= time) return
      this.#wake.timer.cancel()
    }
    const timer = this.#scheduler.atInside(time, () => {
      this.#wake = null
      this.#cell?.runAgain()
    })
    this.#wake = { at: time, timer }
  }
}
