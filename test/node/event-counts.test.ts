import t from 'tap'
import { EventCounts } from '../../lib/node/event-counts.js'
import type { RaftEvent } from '../../lib/node/events.js'

function counted(...events: readonly object[]) {
  const counts = new EventCounts()
  for (const event of events) counts.saw({ node: 'n1', at: 5, ...event } as RaftEvent)
  return counts.totals()
}

t.test(
  'elections are told apart from mere questions, and votes given from votes asked',
  async (t) => {
    const vote = { kind: 'vote', change: 'started', preVote: false }
    const { elections, roles } = counted(
      { ...vote, preVote: true },
      vote,
      { ...vote, change: 'counted', granted: true },
      { ...vote, change: 'answered', granted: true },
      { ...vote, change: 'answered', granted: false },
      { ...vote, change: 'answered', granted: true, preVote: true },
      { kind: 'state', previous: 'candidate', role: 'leader' },
      { kind: 'state', previous: 'leader', role: 'leader' },
    )
    const expected = { started: 1, preVotes: 1, won: 1, votesGranted: 1, votesRefused: 1 }
    t.strictSame(elections, expected)
    t.strictSame(roles, { follower: 0, preCandidate: 0, candidate: 0, leader: 1 })
  },
)

t.test('snapshots, heartbeats, peers, and the latest news of long work', async (t) => {
  const { snapshots, heartbeats, disconnects, progress } = counted(
    { kind: 'snapshot', change: 'saved' },
    { kind: 'snapshot', change: 'failed' },
    { kind: 'heartbeat', change: 'failed' },
    { kind: 'heartbeat', change: 'resumed' },
    { kind: 'heartbeat', change: 'late' },
    { kind: 'peer', change: 'inactive' },
    { kind: 'peer', change: 'active' },
    { kind: 'progress', what: 'install', done: 1, total: 4 },
    { kind: 'progress', what: 'install', done: 3, total: 4 },
  )
  t.strictSame(snapshots, { saved: 1, received: 0, sent: 0, failed: 1 })
  t.strictSame(heartbeats, { failed: 1, late: 1 })
  t.equal(disconnects, 1)
  t.strictSame(progress, { replay: null, restore: null, install: { done: 3, total: 4, at: 5 } })
})
