import t from 'tap'
import { History, type HistoryTotals } from './support/history.js'

const HISTORIES = Number(process.env.TROUPE_WAL_HISTORIES ?? 200)
const FIRST = Number(process.env.TROUPE_WAL_SEED ?? 1)

t.test('whatever a loss of power leaves, what was acknowledged is there (S5, S15)', async (t) => {
  const totals: HistoryTotals = {
    flushes: 0,
    truncations: 0,
    compactions: 0,
    resets: 0,
    sets: 0,
    refused: 0,
    reopened: 0,
    tornFlushes: 0,
    segments: 0,
  }
  for (let seed = FIRST; seed < FIRST + HISTORIES; seed++) {
    try {
      await new History(seed, totals).run(40)
    } catch (error) {
      t.fail(`seed ${seed}: ${error instanceof Error ? error.stack : error}`)
      break
    }
  }
  t.comment(totals)
  for (const [what, count] of Object.entries(totals)) t.ok(count > 0, `${what}: ${count}`)
})
