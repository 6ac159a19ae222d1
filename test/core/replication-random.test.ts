import t from 'tap'
import { SeededRandom } from '../helpers/seeded-random.js'
import { ReplicationWorld } from './support/replication-world.js'

const SEEDS = 400
const FAULTY_STEPS = 1500
const CALM_STEPS = 60_000

function run(seed: number): ReplicationWorld {
  const world = new ReplicationWorld(new SeededRandom(seed))
  for (let i = 0; i < FAULTY_STEPS; i++) world.step()
  world.faults = false
  world.follower.full = false
  let steps = 0
  while (!world.converged && steps++ < CALM_STEPS) world.step()
  if (!world.converged) throw new Error(`seed ${seed} does not converge`)
  world.end()
  return world
}

t.test(
  'under loss, resets, crashes and a full disk it never lies, and converges after',
  async (t) => {
    const totals = { rejected: 0, resets: 0, crashes: 0, installs: 0, snapshots: 0, dropped: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      let counts = totals
      try {
        counts = run(seed).counts
      } catch (error) {
        t.fail(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
        return
      }
      for (const name of Object.keys(totals) as (keyof typeof totals)[])
        totals[name] += counts[name]
    }
    for (const [name, count] of Object.entries(totals)) t.ok(count > SEEDS / 4, `${name}: ${count}`)
  },
)
