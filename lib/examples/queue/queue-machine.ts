import { json } from 'node:stream/consumers'
import type { Entry, SnapshotSink, StateMachine } from 'troupe'

export type Command =
  | { readonly kind: 'enqueue'; readonly payload: string }
  | { readonly kind: 'take'; readonly leaseMs: number }
  | { readonly kind: 'done'; readonly id: number; readonly lease: number }

export interface Job {
  readonly id: number
  readonly payload: string
  /** How often it was taken. */
  readonly attempt: number
  /** Who takes it last may say that it is done: the index of the entry that took it. */
  readonly lease: number
  /** In the leaders' time; 0: nobody has it. */
  readonly leasedUntil: number
}

/** A queue of jobs. The answer is the job that was enqueued, taken or done; null: there is none to take, or it was taken by another. */
export class Queue implements StateMachine<Command, Job | null, void, number | null> {
  #jobs = new Map<number, Job>()

  apply({ index, time, command }: Entry<Command>): Job | null {
    switch (command.kind) {
      case 'enqueue': {
        const { payload } = command
        return this.#keep({ id: index, payload, attempt: 0, lease: 0, leasedUntil: 0 })
      }
      case 'take': {
        // Time is that of the log: a lease runs out at the same entry on every node.
        const free = [...this.#jobs.values()].find(({ leasedUntil }) => leasedUntil <= time)
        if (free === undefined) return null
        const leasedUntil = time + command.leaseMs
        return this.#keep({ ...free, attempt: free.attempt + 1, lease: index, leasedUntil })
      }
      case 'done': {
        const job = this.#jobs.get(command.id)
        if (job?.lease !== command.lease) return null
        this.#jobs.delete(job.id)
        return job
      }
    }
  }

  #keep(job: Job): Job {
    this.#jobs.set(job.id, job)
    return job
  }

  /** When there is something to take, in the leaders' time; null: the queue is empty. */
  query(): number | null {
    if (this.#jobs.size === 0) return null
    return Math.min(...[...this.#jobs.values()].map(({ leasedUntil }) => leasedUntil))
  }

  snapshot() {
    const state = Buffer.from(JSON.stringify([...this.#jobs]))
    return { persist: (sink: SnapshotSink) => sink.write(state) }
  }

  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#jobs = new Map((await json(source)) as [number, Job][])
  }
}

export function createStateMachine(): Queue {
  return new Queue()
}
