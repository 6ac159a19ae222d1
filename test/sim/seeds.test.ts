import t from 'tap'
import type { ProfileName } from '../../lib/sim/nemesis.js'
import { runSeed } from '../../lib/sim/run-seed.js'

const runs: readonly { readonly profile: ProfileName; readonly seeds: number }[] = [
  { profile: 'calm', seeds: 2 },
  { profile: 'crashes', seeds: 6 },
  { profile: 'network', seeds: 6 },
  { profile: 'stalls', seeds: 6 },
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

t.test('equal seeds give the same events, other seeds give others', async (t) => {
  const traced = async (seed: number): Promise<string[]> => {
    const lines: string[] = []
    await runSeed({
      seed,
      profile: 'mixed',
      faultsMs: 3000,
      onEvent: ({ time, system, actor, what, message }) => {
        lines.push(`${time} ${system} ${actor} ${what} ${message?.kind ?? ''}`)
      },
    })
    return lines
  }
  const [once, again, other] = [await traced(7), await traced(7), await traced(8)]
  t.ok(once.length > 1000)
  t.same(again, once)
  t.notSame(other, once)
})
