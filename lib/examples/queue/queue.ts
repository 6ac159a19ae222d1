import { isRaftError, jsonCodec, type NodeOf, stateMachine } from 'troupe'
import type { Command, Job } from './queue-machine.js'

/** What `RaftNode.start` or `startTestCluster` takes for `stateMachine`. */
export const queue = () =>
  stateMachine<typeof import('./queue-machine.js')>(
    new URL('./queue-machine.js', import.meta.url),
    undefined,
    { codec: jsonCodec<Command>() },
  )

const PAUSE_MS = 50

export type QueueNode = NodeOf<ReturnType<typeof queue>>

/**
 * Enqueues each payload exactly once, whatever is lost on the way: a session repeats a command under the same
 * number until it is known to be applied.
 */
export async function enqueue(node: QueueNode, payloads: readonly string[]): Promise<void> {
  await using session = await node.session()
  for (const payload of payloads) await session.apply({ kind: 'enqueue', payload })
}

/** Takes jobs as they come, each at least once: one whose worker is not done in `leaseMs` goes to another. */
export async function* jobs(node: QueueNode, leaseMs: number): AsyncGenerator<Job, void, void> {
  for (;;) {
    const { index, result: due } = await node.query(undefined)
    const waitMs = due === null ? Number.POSITIVE_INFINITY : due - Date.now()
    if (waitMs > 0) {
      await news(node, index, waitMs)
      continue
    }
    const taken = await node.apply({ kind: 'take', leaseMs }, { forward: true })
    if (taken.result !== null) yield taken.result
    // Another was quicker, or our clock is ahead of the leader's.
    else await news(node, taken.index, PAUSE_MS)
  }
}

/** False: it took too long, and the job is another's. */
export async function done(node: QueueNode, { id, lease }: Job): Promise<boolean> {
  const { result } = await node.apply({ kind: 'done', id, lease }, { forward: true })
  return result !== null
}

/** Another entry, or a lease that has run out. */
async function news(node: QueueNode, index: number, timeoutMs: number): Promise<void> {
  try {
    await node.waitFor({ applied: index + 1 }, { timeoutMs })
  } catch (error) {
    if (!isRaftError(error, 'RAFT_TIMEOUT')) throw error
  }
}
