import { availableParallelism } from 'node:os'
import t from 'tap'
import type { SeedFailure } from '../../lib/sim/seed-outcome.js'
import { runPool } from '../../lib/sim/seed-pool.js'
import { Totals } from '../../lib/sim/totals.js'

/** Each run has its own bound of events, so none can hang; a busy machine may be slow. */
t.setTimeout(900_000)

const SEEDS = 200
/** `npm run sim` gives each 60 s. */
const FAULTS_MS = 5000

t.test(
  '200 clusters of production actors break no rule and converge (seeds 1 to 200)',
  async (t) => {
    const totals = new Totals()
    const failures: SeedFailure[] = []
    await runPool({
      jobs: Math.min(2, availableParallelism()),
      first: 1,
      last: SEEDS,
      common: { profile: 'all', faultsMs: FAULTS_MS },
      patienceMs: 300_000,
      onOutcome: (outcome) => {
        if ('report' in outcome) totals.add(outcome.report)
        else failures.push(outcome)
        return true
      },
    })
    t.strictSame(failures, [])
    t.equal(totals.passed, SEEDS)
    for (const line of totals.text(null).trim().split('\n')) t.comment(line)
  },
)
