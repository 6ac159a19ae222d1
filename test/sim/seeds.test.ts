import { createHash } from 'node:crypto'
import t from 'tap'
import type { TraceEvent } from '../../lib/runtime/sim-host.js'
import type { ProfileName } from '../../lib/sim/profiles.js'
import { runSeed } from '../../lib/sim/run-seed.js'
import { traceLine } from '../../lib/sim/trace.js'

/** Each run has its own bound of events, so none can hang; a busy machine may be slow. */
t.setTimeout(600_000)

const runs: readonly { readonly profile: ProfileName; readonly seeds: number }[] = [
  { profile: 'calm', seeds: 2 },
  { profile: 'crashes', seeds: 6 },
  { profile: 'network', seeds: 6 },
  { profile: 'stalls', seeds: 6 },
  { profile: 'leases', seeds: 6 },
  { profile: 'actors', seeds: 6 },
  { profile: 'disks', seeds: 6 },
  { profile: 'members', seeds: 10 },
  { profile: 'swarm', seeds: 10 },
  { profile: 'mixed', seeds: 12 },
]

for (const { profile, seeds } of runs) {
  t.test(
    `a cluster of production actors under ${profile} breaks no rule and converges`,
    async (t) => {
      for (let seed = 1; seed <= seeds; seed++) {
        const report = await runSeed({ seed, profile, faultsMs: 10_000 })
        t.ok(report.acknowledged > 0, `seed ${seed} acknowledged ${report.acknowledged} commands`)
      }
    },
  )
}

/** A digest: to show how two traces of so many lines differ would take the test runner for ever. */
async function traced(seed: number): Promise<{ readonly lines: number; readonly digest: string }> {
  const hash = createHash('sha256')
  let lines = 0
  const onEvent = (event: TraceEvent): void => {
    lines++
    hash.update(`${traceLine(event)}\n`)
  }
  await runSeed({ seed, profile: 'mixed', faultsMs: 3000, onEvent })
  return { lines, digest: hash.digest('hex') }
}

t.test('equal seeds give byte-equal traces, other seeds give others', async (t) => {
  const [once, again, other] = [await traced(7), await traced(7), await traced(8)]
  t.ok(once.lines > 1000)
  t.same(again, once)
  t.not(other.digest, once.digest)
})
