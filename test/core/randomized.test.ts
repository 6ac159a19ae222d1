import { parseArgs } from 'node:util'
import t from 'tap'
import { Chaos } from './helpers/chaos.js'

/**
 * Seeded runs of three and five pure cores through every fault that a message soup and a model disk can
 * have. After every step: Raft's Figure 3, S5 and S10. Then the faults end, and all must agree. For a
 * longer search run this file alone with `--seeds 5000 --from 1000`; a failure names its seed.
 */

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string', default: '1' } },
  strict: false,
})
const FROM = Number(values.from)
const STEPS = 2000
/** What must have happened this often in all runs together, or they test too little. */
const ENOUGH = 10

/** It takes an election by those who have not heard of the restore, and the restorer's return. */
function leastOf(name: string): number {
  return name === 'restoresUndone' ? 2 : ENOUGH
}

for (const [size, usual] of [
  [3, 150],
  [5, 100],
] as const) {
  const seeds = Number(values.seeds ?? usual)
  t.test(
    `${size} nodes, ${seeds} seeds: no rule is broken, and all agree in the end`,
    async (t) => {
      const totals = new Map<string, number>()
      for (let seed = FROM; seed < FROM + seeds; seed++) {
        for (const [name, count] of run(seed, size)) {
          totals.set(name, (totals.get(name) ?? 0) + count)
        }
      }
      for (const [name, count] of totals) t.ok(count >= leastOf(name), `${name}: ${count}`)
    },
  )
}

/** What happened in the run of one seed. */
function run(seed: number, size: number): readonly (readonly [string, number])[] {
  const chaos = new Chaos(seed * 10 + size, size)
  try {
    chaos.run(STEPS)
    if (!chaos.settle()) throw new Error('the nodes do not agree after the faults have ended')
  } catch (error) {
    const after = chaos.trace.join(', ')
    throw new Error(`seed ${seed}, ${size} nodes, after ${after}`, { cause: error })
  }
  const { damaged, lostWrites } = chaos
  const commits = chaos.soup.history.commitIndex
  return Object.entries({ ...chaos.checks.totals, lostWrites, damaged, commits })
}
