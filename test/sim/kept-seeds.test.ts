import t from 'tap'
import { runSeed } from '../../lib/sim/run-seed.js'

/**
 * Seeds that found a mistake, each run as it was found. What they draw changes with the simulator: a story in
 * `issues/` or beside the code that was wrong tells the same for good.
 */
const kept: readonly (readonly [seed: number, found: string])[] = [
  [
    234,
    'a tear in the log of one of two voters, while nobody was up to say that there are only two',
  ],
  [322, 'a check that took a former leader, told of commits of a later term, for one that counts'],
  [525, 'a change of members that was appended behind what a full store had refused'],
  [885, 'a handshake that came before its replicator was known to have started, never admitted'],
  [870, 'a late handshake of a machine that was wiped since, taken for the one added in its place'],
  [306, 'a voter without its disk, confirmed by a newcomer that knew no members'],
]

for (const [seed, found] of kept) {
  t.test(`seed ${seed}: ${found}`, async (t) => {
    const { nodes, elections } = await runSeed({
      seed,
      profile: 'all',
      faultsMs: 60_000,
      // They came later, and would change what these draw.
      without: ['wipeVoterEveryMs', 'splitJointEveryMs'],
    })
    t.ok(elections > 0, `${nodes} nodes elected a leader ${elections} times, and converged`)
  })
}
