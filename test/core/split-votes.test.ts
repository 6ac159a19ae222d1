import t from 'tap'
import { Steady } from './helpers/steady.js'

/** nodes that begin at one moment. How many terms does the first leader take? */
function rounds(size: number, preVote: boolean): readonly number[] {
  return Array.from({ length: 100 }, (_, seed) => {
    const cluster = new Steady(seed + 1, size, () => ({ preVote }))
    const leader = cluster.elect()
    return cluster.status(leader).term - 1
  }).sort((a, b) => a - b)
}

for (const size of [3, 5, 7]) {
  for (const preVote of [true, false]) {
    t.test(
      `${size} nodes ${preVote ? 'with' : 'without'} pre-vote elect in few rounds (R-48)`,
      async (t) => {
        const taken = rounds(size, preVote)
        t.ok((taken[50] ?? 9) <= 2, `median ${taken[50]}`)
        t.ok((taken.at(-1) ?? 99) <= 8, `worst ${taken.at(-1)}`)
      },
    )
  }
}
