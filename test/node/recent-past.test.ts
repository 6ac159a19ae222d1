import t from 'tap'
import { RECENT_MS, RecentPast } from '../../lib/node/recent-past.js'

t.test('the past is one to two spans old, and the start while it is young', async (t) => {
  const past = new RecentPast<string>(0, 'start')
  const before = (now: number) => past.before(now, `${now}`).value
  t.equal(before(1), 'start')
  t.equal(before(RECENT_MS), 'start')
  t.equal(before(1.5 * RECENT_MS), 'start')
  t.equal(before(2 * RECENT_MS), `${RECENT_MS}`)
  t.equal(before(2.9 * RECENT_MS), `${RECENT_MS}`)
})

t.test('after a long silence it reaches back to the last question', async (t) => {
  const past = new RecentPast<number>(0, 0)
  past.before(RECENT_MS, 1)
  t.equal(past.before(50 * RECENT_MS, 2).at, RECENT_MS)
})
