import t from 'tap'
import { failure, type SeedOutcome } from '../../lib/sim/seed-outcome.js'
import type { SentOptions } from '../../lib/sim/seed-thread.js'
import { shrink } from '../../lib/sim/shrink.js'

const whole = { seed: 3, profile: 'mixed', faultsMs: 60_000 } as const
const found = { ...failure(3, 'election safety', 'two leaders'), atMs: 41_200.5 }

/** A simulator whose runs fail under these conditions only. */
function simulator(fails: (options: SentOptions) => boolean) {
  const tried: SentOptions[] = []
  const run = async (options: SentOptions): Promise<SeedOutcome> => {
    tried.push(options)
    const passed = failure(options.seed, 'another rule', 'it failed otherwise')
    return fails(options) ? { ...found, atMs: Math.min(30_000, options.faultsMs ?? 0) } : passed
  }
  return { run, tried }
}

t.test('the faults end where the rule was broken, what is not needed is left out', async (t) => {
  const { run } = simulator(({ without = [] }) => !without.includes('crashEveryMs'))
  const { options } = await shrink(whole, found, run)
  t.ok((options.faultsMs ?? 0) <= 41_202)
  t.equal(options.nodes, 3)
  t.ok(options.without?.includes('partitionEveryMs'))
  t.notOk(options.without?.includes('crashEveryMs'), 'it does not fail without crashes')
})

t.test('a run that breaks another rule is not taken for it', async (t) => {
  const { run, tried } = simulator(() => false)
  const small = await shrink(whole, found, run)
  t.equal(small.options, whole)
  t.equal(small.failure, found)
  t.equal(small.runs, tried.length)
})
