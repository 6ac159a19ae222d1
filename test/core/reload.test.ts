import t from 'tap'
import { CONFIG, followerAt, followerOf, leaderOf, preCandidateOf } from './helpers/cores.js'
import { has, only } from './helpers/effects.js'
import { heartbeat, heartbeatAck, TICK } from './helpers/inputs.js'

const reload = (part: Partial<typeof CONFIG>) =>
  ({ kind: 'reload', config: { ...CONFIG, ...part } }) as const

/** Random timeouts in these tests are one and a half times their base. */

t.test('a shorter heartbeat timeout counts from now', async (t) => {
  const node = followerAt(1)
  node.now = 100
  t.same(node.step(reload({ heartbeatTimeoutMs: 50, electionTimeoutMs: 50 })), [])
  t.same(node.after(74, TICK), [])
  t.equal(only(node.after(1, TICK), 'roleChanged').role, 'preCandidate')
  t.equal(node.core.nextDeadline(), 175 + 75, 'and rounds of votes are shorter')
})

t.test('a deadline that is nearer than the new timeout stays', async (t) => {
  const node = followerAt(1)
  node.now = 1490
  node.step(reload({ heartbeatTimeoutMs: 500 }))
  t.equal(node.core.nextDeadline(), 1500)
})

t.test('a follower that hears its leader is not roused by a shorter timeout', async (t) => {
  const node = followerOf('n2', 2)
  node.now = 400
  node.step(reload({ heartbeatTimeoutMs: 600 }))
  for (let i = 0; i < 10; i++) {
    node.after(500, heartbeat(2, { leaseMs: 500 }))
    t.notOk(has(node.step(TICK), 'roleChanged'))
  }
})

t.test('a longer one puts an election off that was due', async (t) => {
  const node = followerOf('n2', 2)
  node.now = 1400
  node.step(reload({ heartbeatTimeoutMs: 4000, electionTimeoutMs: 4000 }))
  t.equal(node.core.nextDeadline(), 6000)
  t.same(node.after(4599, TICK), [])
})

t.test('another election timeout begins the wait for votes anew', async (t) => {
  const node = preCandidateOf(3)
  node.now += 100
  node.step(reload({ electionTimeoutMs: 2000 }))
  t.equal(node.core.nextDeadline(), node.now + 3000)
  const deadline = node.core.nextDeadline()
  node.now += 50
  node.step(reload({ electionTimeoutMs: 2000, leaderStallTimeoutMs: 9000 }))
  t.equal(node.core.nextDeadline(), deadline, 'what has not changed goes on')
})

t.test(
  'S10: a leader with a shorter lease gives its followers the old one to fall in',
  async (t) => {
    const node = leaderOf(3)
    const sentAt = node.now
    for (const peer of ['n2', 'n3']) node.step(heartbeatAck(peer, 2, { sentAt }))
    node.now += 100
    node.step(reload({ leaderLeaseTimeoutMs: 40, heartbeatTimeoutMs: 45 }))
    t.same(node.after(499, TICK), [])
    t.ok(has(node.after(1, TICK), 'roleChanged'), 'then the new one holds')
    t.equal(node.status.role, 'follower')
  },
)

t.test('trailing logs, pre-votes and bounds change with the next use', async (t) => {
  const node = followerAt(1)
  node.step(reload({ preVote: false }))
  t.equal(only(node.timeout(), 'roleChanged').role, 'candidate')
})
