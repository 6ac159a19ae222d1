import type { ActorExit, ActorLogger, Message, Timer } from './actor.js'
import type { CellCounts } from './stats-block.js'

/** What a cell needs of the thread, or of the simulated machine, that it lives on. */
export interface CellHost {
  readonly log: ActorLogger
  now(): number
  wallClock(): number
  random(): number
  /** Calls `fire` once, when the delay has passed. */
  setTimer(delayMs: number, fire: () => void): Timer
  /** Moves what waits in the actor's ports into its mailbox. */
  drain(): void
  /** Whether the actor may run now. When not, the host calls `run` later by itself. */
  mayRun(): boolean
  /**
   * The actor's thread is held inside its code (S8, in the simulator): what comes meanwhile has to wait as
   * it would for any busy thread.
   */
  readonly preempted: boolean
  /** Called after each message: whether others must have their chance before the next. */
  burstOver(taken: number, startedAt: number): boolean
  /** Calls `runAgain` once timers and I/O have had their chance. */
  again(): void
  /** Around every stretch of the actor's code. */
  enter(): void
  leave(): void
  /** A promise of the behaviour is awaited from now on. */
  awaits(): void
  /** Told of everything the behaviour is given, in order; null when nobody watches. */
  readonly observe: ((what: CellEvent, message: Message | null) => void) | null
  publish(counts: CellCounts): void
  deadLetter(kind: string): void
  /** Last call of the cell; it happens once. */
  exited(exit: ActorExit): void
}

export type CellEvent = 'data' | 'control' | 'ask' | 'timer' | 'linked' | 'unlinked'
