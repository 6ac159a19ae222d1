import { json } from 'node:stream/consumers'
import { CommandError, type Entry, type SnapshotSink, type StateMachine } from 'troupe'

export type Command = { readonly add: number } | { readonly reset: true }

/**
 * A state machine of one's own: the module of `stateMachine<typeof import('./counter.js')>(url, options)`.
 * It runs on a thread of its own. `apply` must do the same on every node, so it uses nothing but its
 * state and the entry: no clock (there is `entry.time`), no randomness, no I/O.
 */
export class Counter implements StateMachine<Command, number> {
  #total: number

  constructor(start: number) {
    this.#total = start
  }

  apply({ command }: Entry<Command>): number {
    const next = 'add' in command ? this.#total + command.add : 0
    // Refuses the command on every node alike; any other exception is a fault of this node.
    if (next < 0) throw new CommandError('BELOW_ZERO', `${next} is below zero`)
    this.#total = next
    return next
  }

  /** What `node.queries()` offers: reads, each with its parameters and its answer. */
  readonly queries = {
    total: () => this.#total,
    isAtLeast: (bound: number) => this.#total >= bound,
  }

  /** Taken quickly, written while commands go on being applied. */
  snapshot() {
    const state = Buffer.from(JSON.stringify({ total: this.#total }))
    return { persist: (sink: SnapshotSink) => sink.write(state) }
  }

  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    const { total } = (await json(source)) as { readonly total: number }
    this.#total = total
  }
}

export function createStateMachine({ start = 0 }: { readonly start?: number }): Counter {
  return new Counter(start)
}
