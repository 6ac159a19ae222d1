import type { MessagePort } from 'node:worker_threads'
import type { ActorExit, ActorHandle, ActorSpec, ActorStats, Message } from './actor.js'
import type { ActorMemory } from './actor-memory.js'
import type { LinkRef } from './letter.js'
import type { ModuleUrl } from './module-url.js'

/** How long a stop may take before the actor is killed, unless the caller says otherwise. */
export const DEFAULT_STOP_MS = 5000

/** What is left of a common deadline for the next to stop: one that hung must not cost the others theirs. */
export function shareOf(remainingMs: number): number {
  return Math.max(500, remainingMs)
}

/** A spec without its function, whose type would tie it to the type of its `init`. */
export type Placed<M extends Message> = Omit<ActorSpec<unknown, M>, 'create'>

/** What the system asks of an actor, wherever it runs. */
export interface HostedActor extends ActorHandle {
  readonly memory: ActorMemory
  /** An actor on this thread is addressed directly by others on it; otherwise null. */
  localRef(): LinkRef | null
  /** Gives the actor a link to one on the same thread; false when they are on different ones. */
  linkBeside(name: string, to: HostedActor): boolean
  /** Gives the actor a link through a port to an actor that reads its other end. */
  linkThrough(name: string, to: HostedActor, port: MessagePort): void
  /** Adds the port of another sender. */
  addInlet(port: MessagePort): void
  unlink(name: string): void
}

/** The part of a handle that is the same on every host: its exit, known once and told to everyone. */
export class ExitSignal {
  readonly exited: Promise<ActorExit>
  #resolve: (exit: ActorExit) => void = () => {}
  #exit: ActorExit | null = null
  readonly #listeners: ((exit: ActorExit) => void)[] = []

  constructor() {
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get exit(): ActorExit | null {
    return this.#exit
  }

  onExit(listener: (exit: ActorExit) => void): void {
    if (this.#exit !== null) listener(this.#exit)
    else this.#listeners.push(listener)
  }

  settle(exit: ActorExit): void {
    if (this.#exit !== null) return
    this.#exit = exit
    this.#resolve(exit)
    for (const listener of this.#listeners) listener(exit)
  }
}

/** Settles as the creation does, or rejects when the actor exits before: a creation may hang. */
export async function creation(created: Promise<void> | void, signal: ExitSignal): Promise<void> {
  if (created === undefined) return
  const exit = await Promise.race([created, signal.exited])
  if (exit?.kind === 'failed') throw exit.error
}

export function statsOf(name: string, memory: ActorMemory): ActorStats {
  return {
    name,
    ...memory.stats.read(),
    backlogMessages: memory.words.messages,
    backlogBytes: memory.words.bytes,
  }
}

/** What the hosts are given by their system. */
export interface SystemServices {
  readonly deadLetter: (to: string, kind: string) => void
  readonly random: () => number
  readonly moduleUrl?: ModuleUrl | undefined
}
