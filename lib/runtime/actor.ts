/**
 * What an actor is, whatever hosts it: a worker thread, the current thread, or the simulator's
 * scheduler in virtual time. Behaviour code sees these interfaces and nothing else.
 */

/** Every message is a discriminated union on `kind`. */
export interface Message {
  readonly kind: string
}

/** How far a mailbox may fill before its data lane refuses messages. */
export interface MailboxLimits {
  /** Messages told and not yet taken. Default 1024. */
  readonly maxMessages: number
  /** Sum of the `bytes` weights told and not yet taken. Default 64 MiB. */
  readonly maxBytes: number
}

/**
 * The address of an actor. Messages from one sender arrive in the order sent, lane by lane; the
 * control lane overtakes the data lane and is never refused for lack of room.
 */
export interface ActorRef<M extends Message = Message> {
  readonly name: string
  /**
   * Data lane. `bytes` is the message's weight against the mailbox's byte bound (the payload it
   * refers to). Returns false, and counts a dead letter, when the mailbox is full or the actor gone.
   */
  tell(message: M, bytes?: number): boolean
  /** Control lane: votes, heartbeats, term changes, stop. Returns false only when the actor is gone. */
  control(message: M): boolean
  /** A request over the control lane, answered by `Behavior.answer`; rejects when the actor exits. */
  ask<R>(message: M): Promise<R>
  /** What was told over the data lane and is not yet taken: the sender's credit is the limit less this. */
  backlog(): { readonly messages: number; readonly bytes: number }
}

/** Something that will happen, until it is cancelled. */
export interface Timer {
  cancel(): void
}

/** Where log records go; pino fits. */
export interface ActorLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What the host gives an actor. Time and randomness come from here and from nowhere else. */
export interface ActorContext {
  readonly name: string
  readonly log: ActorLogger
  /** Monotonic milliseconds, one clock for all threads of a process. */
  now(): number
  /** Milliseconds since the Unix epoch; may jump. */
  wallClock(): number
  /** Uniform in [0, 1), seeded in the simulator. */
  random(): number
  /**
   * Runs `callback` as a turn of this actor once `delayMs` have passed. Control messages that have
   * arrived by then are taken first (S11). A stopped actor's timers never fire.
   */
  after(delayMs: number, callback: () => void): Timer
  /**
   * Runs `callback` now, as a turn of this actor (beforeTurn, callback, afterTurn). I/O callbacks
   * (sockets) enter the actor through this.
   */
  turn(callback: () => void): void
  /** Ends this actor as failed; its supervisor decides what follows. */
  fail(error: Error): void
}

/**
 * The code of an actor. Calls never overlap. When `receive` returns a promise the actor takes its
 * next message, of either lane, only after it settles; a rejection or throw fails the actor.
 */
export interface Behavior<M extends Message = Message> {
  receive(message: M): void | Promise<void>
  /** Answers `ask`. A throw or rejection rejects the asker's promise, error code and details kept. */
  answer?(message: M): unknown
  /** Runs first in every turn (a burst of messages, a timer, an I/O callback). */
  beforeTurn?(): void
  /** Runs once after every turn: the place to send what a burst has accumulated. */
  afterTurn?(): void
  /** A link named `name` to another actor exists from now on (see ActorSystem.link). */
  linked?(name: string, ref: ActorRef): void
  /** The actor behind that link has exited; messages to it become dead letters. */
  unlinked?(name: string): void
  /** Last call: release everything. The mailbox's remaining messages are dead letters. */
  stop?(): void | Promise<void>
}

/** An actor module exports this as `createActor`. READY is reported once it resolves. */
export type CreateActor<Init = unknown, M extends Message = Message> = (
  init: Init,
  context: ActorContext,
) => Behavior<M> | Promise<Behavior<M>>

/** An actor to be: its code, what it is given, and where it runs. */
export interface ActorSpec<Init = unknown, M extends Message = Message> {
  /** Unique in its system, e.g. `log` or `replicator-n2`; shown in logs and as the thread's name. */
  readonly name: string
  /** Where a worker thread finds `createActor`. */
  readonly module: URL
  /** The same function, for hosts on the current thread. */
  readonly create: CreateActor<Init, M>
  /** Structured-clonable when the actor runs on a thread; SharedArrayBuffers are shared. */
  readonly init: Init
  /**
   * On the thread that spawns it, on one of its own, or on one that all actors share that name it. A shared thread
   * starts with the first of them and ends with the last; messages between them cross no thread. One that
   * fails leaves the others alone, but one that hangs holds them up, and an error that nobody caught fails all.
   */
  readonly placement: 'inline' | 'thread' | { readonly thread: string }
  readonly mailbox?: Partial<MailboxLimits>
  /**
   * A thread that does not stop within its deadline is reported and left to itself, not terminated:
   * it may be inside native code that holds a lock (S14). It no longer keeps the process alive.
   */
  readonly leaveHung?: boolean
  /** This and `resourceLimits`: of a thread of its own. */
  readonly execArgv?: readonly string[]
  readonly resourceLimits?: {
    readonly maxOldGenerationSizeMb?: number
    readonly maxYoungGenerationSizeMb?: number
    readonly stackSizeMb?: number
  }
}

/** How an actor ended. */
export type ActorExit =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: Error }

/** Counters of one actor, cumulative since it started. */
export interface ActorStats {
  readonly name: string
  readonly controlMessages: number
  readonly dataMessages: number
  readonly backlogMessages: number
  readonly backlogBytes: number
  readonly turns: number
  readonly busyMs: number
  /** Share of its life that the thread's event loop was not idle, 0..1; of actors with a thread. */
  readonly eventLoopUtilization?: number
  /** What that share is made of, cumulative. */
  readonly loop?: { readonly activeMs: number; readonly idleMs: number }
}

/** A living actor, for who spawned it. */
export interface ActorHandle<M extends Message = Message> {
  readonly name: string
  readonly ref: ActorRef<M>
  /** Resolves once the actor is gone, for whatever reason; never rejects. */
  readonly exited: Promise<ActorExit>
  /** Like `exited`, called synchronously by the host when it learns of the exit. */
  onExit(listener: (exit: ActorExit) => void): void
  /** Graceful: the mailbox's current content is taken, then `stop` runs. Killed after `deadlineMs`. */
  stop(deadlineMs?: number): Promise<void>
  /**
   * At once, with nothing run: a crash. On a shared thread `stop` runs, as after a failure: nothing else would
   * close what the actor has open.
   */
  kill(): Promise<void>
  stats(): ActorStats
}

/** Spawns and links the actors of one node. */
export interface ActorSystem {
  /** Resolves at READY; rejects with the actor's own error when it cannot start. */
  spawn<Init, M extends Message>(spec: ActorSpec<Init, M>): Promise<ActorHandle<M>>
  /**
   * Gives `from` a direct channel to `to`, announced by `Behavior.linked(name, ref)` before any
   * message sent after this call arrives. A new link under an old name replaces it.
   */
  link(from: ActorHandle, name: string, to: ActorHandle): void
  /** Messages that found no one to take them, with the name of the last few kinds. */
  deadLetters(): { readonly count: number; readonly last: readonly string[] }
  /** Called for each dead letter. */
  onDeadLetter(listener: (to: string, kind: string) => void): void
  /** Stops whatever still runs, newest first. */
  close(deadlineMs?: number): Promise<void>
}
