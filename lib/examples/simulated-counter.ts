import { jsonCodec } from '../index.js'
import { runSeed, type Subject } from '../sim/index.js'
import { type Command, Counter } from './counter.js'

/**
 * The counter under the simulator (`troupe/sim`): what its replicas must agree on, and what must hold on each of
 * them, through every crash, partition and snapshot that a seed brings.
 */
export const simulatedCounter: Subject<Command, Counter> = {
  createStateMachine: () => new Counter(5),
  codec: jsonCodec<Command>(),
  nextCommand: (random) => {
    return random() < 0.1 ? { reset: true } : { add: Math.floor(random() * 20) - 8 }
  },
  digest: (counter) => String(counter.queries.total()),
  check: (counter) => {
    if (!counter.queries.isAtLeast(0)) throw new Error(`the total is ${counter.queries.total()}`)
  },
}

/** Runs so many seeds; throws at the first that breaks a rule, naming it. Returns how many commands were applied. */
export async function simulateCounter(seeds: number, faultsMs = 60_000): Promise<number> {
  let operations = 0
  for (let seed = 1; seed <= seeds; seed++) {
    operations += (await runSeed({ seed, faultsMs, subject: simulatedCounter })).operations
  }
  return operations
}
