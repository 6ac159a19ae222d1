import { json } from 'node:stream/consumers'
import type { Entry, SnapshotSink, StateMachine } from 'troupe'

export type Command =
  | {
      readonly kind: 'acquire'
      readonly name: string
      readonly owner: string
      readonly leaseMs: number
    }
  | { readonly kind: 'release'; readonly name: string; readonly token: number }

/** A lock that is held. */
export interface Held {
  readonly owner: string
  /** Grows with every acquisition of whatever lock: the index of the entry that acquired it. */
  readonly token: number
  /** In the leaders' time. */
  readonly until: number
}

/** Named locks. The answer to a command is who holds the lock afterwards. */
export class Locks implements StateMachine<Command, Held | null> {
  #held = new Map<string, Held>()

  apply({ index, time, command }: Entry<Command>): Held | null {
    const held = this.#held.get(command.name)
    if (command.kind === 'release') {
      if (held?.token === command.token) this.#held.delete(command.name)
      return this.#held.get(command.name) ?? null
    }
    // Time is that of the log, the same on every node and on every replay.
    if (held !== undefined && time < held.until) return held
    const { name, owner, leaseMs } = command
    const acquired = { owner, token: index, until: time + leaseMs }
    this.#held.set(name, acquired)
    return acquired
  }

  snapshot() {
    const state = Buffer.from(JSON.stringify([...this.#held]))
    return { persist: (sink: SnapshotSink) => sink.write(state) }
  }

  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#held = new Map((await json(source)) as [string, Held][])
  }
}

export function createStateMachine(): Locks {
  return new Locks()
}
