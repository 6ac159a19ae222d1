import { Prng } from '../runtime/prng.js'

/** What a seed's cluster is like, whatever troubles come. */
export interface Make {
  readonly nodes: number
  readonly heartbeatTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** As long as the rules allow, or half of it. */
  readonly leaderLeaseTimeoutMs: number
  readonly leaderStallTimeoutMs: number
  readonly proposeEveryMs: number
  readonly flushMs: number
  /** Log entries kept behind a snapshot; null: snapshots are not taken. */
  readonly trailingLogEntries: number | null
  /** S8: threads are held up between two accesses to shared memory. */
  readonly preempted: boolean
  /** S14: state machines keep their own state, and are given flushed entries only. */
  readonly keepingMachines: boolean
}

/** Separates what is drawn for the make from the scheduler's own chance. */
const SALT = 0x3a4e

export function makeOf(seed: number): Make {
  const prng = new Prng(seed ^ SALT)
  const one = <T>(...choices: readonly T[]): T => {
    return choices[Math.floor(prng.random() * choices.length)] as T
  }
  const heartbeatTimeoutMs = one(300, 800, 1000, 1000, 1500)
  return {
    nodes: one(3, 3, 3, 3, 3, 3, 5, 5, 5, 7),
    heartbeatTimeoutMs,
    heartbeatIntervalMs: heartbeatTimeoutMs / one(4, 6, 10),
    leaderStallTimeoutMs: one(2 * heartbeatTimeoutMs, 2500, 2500, 2500),
    proposeEveryMs: one(60, 200, 200, 200),
    // A flush is slower than a message or faster, so that either may lose the race.
    flushMs: one(0.1, 1, 5),
    // With few, followers that were away need the snapshot.
    trailingLogEntries: one(null, 20, 200),
    preempted: one(true, true, false),
    keepingMachines: one(true, false, false),
    leaderLeaseTimeoutMs: heartbeatTimeoutMs / one(1, 1, 2),
  }
}
