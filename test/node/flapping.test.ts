import t from 'tap'
import type { RaftEvent } from '../../lib/node/events.js'
import { FlappingDetector } from '../../lib/node/flapping.js'

const at = { node: 'n1', at: 5 }
const leader = (term: number, name: string | null = `n${term % 3}`): RaftEvent => ({
  kind: 'leader',
  leader: name,
  address: null,
  previous: null,
  term,
  ...at,
})
const state = (cause: string): RaftEvent => ({
  kind: 'state',
  role: 'follower',
  previous: 'follower',
  term: 3,
  cause,
  ...at,
})
const late = (lastContactMs: number): RaftEvent => ({
  kind: 'heartbeat',
  peer: 'n2',
  change: 'late',
  healthy: false,
  lastContactMs,
  reason: `the leader was not heard for ${lastContactMs} ms`,
  ...at,
})

t.test('R-46: the fourth leader in twenty timeouts is flapping, with its cause', async (t) => {
  const detector = new FlappingDetector({ heartbeatTimeoutMs: 100 })
  for (let term = 1; term <= 3; term++) {
    t.equal(detector.saw(late(80 + term), term * 300), null)
    t.equal(detector.saw(leader(term), term * 300), null)
  }
  detector.saw(state('a newer term at n3'), 1100)
  t.strictSame(detector.saw(leader(4), 1200), {
    kind: 'flapping',
    changes: 4,
    windowMs: 2000,
    cause: 'n2: the leader was not heard for 83 ms',
  })
})

t.test('it is told once a window', async (t) => {
  const detector = new FlappingDetector({ heartbeatTimeoutMs: 100 })
  const told: number[] = []
  for (let term = 1; term <= 30; term++) {
    if (detector.saw(leader(term), term * 100) !== null) told.push(term)
  }
  t.strictSame(told, [4, 24])
})

t.test('leaders that change now and then do not flap', async (t) => {
  const detector = new FlappingDetector({ heartbeatTimeoutMs: 100 })
  for (let term = 1; term <= 20; term++) t.equal(detector.saw(leader(term), term * 700), null)
})

t.test('a leader that is lost is not another one, and silence is an answer too', async (t) => {
  const detector = new FlappingDetector({ heartbeatTimeoutMs: 100 })
  for (let term = 1; term <= 3; term++) {
    detector.saw(leader(term), term)
    detector.saw(leader(term, null), term)
  }
  t.match(detector.saw(leader(4), 4), { changes: 4, cause: /nothing that this node saw/ })
})
