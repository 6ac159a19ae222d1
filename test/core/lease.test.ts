import t from 'tap'
import { leaderOf, members, newLeaderOf, type TestCore } from './helpers/cores.js'
import { only } from './helpers/effects.js'
import { heartbeatAck, matched } from './helpers/inputs.js'

const leaseRead = (id: number) => ({ kind: 'readIndex', id, lease: true }) as const

function answer(node: TestCore, at: number): string {
  node.now = at
  const [effect] = node.step(leaseRead(1))
  return effect?.kind ?? 'nothing'
}

t.test('a lease lasts from sending, shortened by the clock drift (S10)', async (t) => {
  const node = leaderOf(3)
  const { now } = node
  node.now += 300
  node.step(heartbeatAck('n2', 2, { sentAt: now, receivedAt: now + 300, leaseMs: 500 }))
  t.equal(answer(node, now + 449), 'readReady', '500 ms less a tenth')
  t.equal(answer(node, now + 450), 'readRejected', 'never counted from the arrival of an answer')
})

t.test('a lease read needs no message and gives the commit index', async (t) => {
  const node = leaderOf(3)
  node.step(heartbeatAck('n2', 2, { sentAt: node.now }))
  t.same(node.step(leaseRead(5)), [{ kind: 'readReady', id: 5, index: 2 }])
})

t.test('the quorum-th newest promise decides', async (t) => {
  const node = leaderOf(5)
  const { now } = node
  node.step(heartbeatAck('n2', 2, { sentAt: now + 400 }))
  t.equal(answer(node, now + 400), 'readRejected', 'two of five')
  node.step(heartbeatAck('n3', 2, { sentAt: now + 100 }))
  t.equal(answer(node, now + 549), 'readReady')
  t.equal(answer(node, now + 550), 'readRejected', 'the older one of the two has run out')
})

t.test('promises of nonvoters and of other sessions make no lease', async (t) => {
  const node = leaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4?', 'n5?']) })
  const { now } = node
  for (const peer of ['n4', 'n5']) node.step(heartbeatAck(peer, 2, { sentAt: now }))
  node.step(heartbeatAck('n2', 2, { sentAt: now, session: { term: 1 } }))
  t.equal(answer(node, now + 1), 'readRejected')
})

t.test('an answer that comes late shortens nothing that was promised since', async (t) => {
  const node = leaderOf(3)
  const { now } = node
  node.step(heartbeatAck('n2', 2, { sentAt: now + 100 }))
  node.step(heartbeatAck('n2', 2, { sentAt: now }))
  t.equal(answer(node, now + 540), 'readReady')
})

t.test('no lease read before the first commit of the term (S10)', async (t) => {
  const node = newLeaderOf(3)
  node.step(heartbeatAck('n2', 2, { sentAt: node.now }))
  t.same(node.step(leaseRead(1)), [{ kind: 'readRejected', id: 1, reason: 'leaseUnavailable' }])
  node.flushed()
  node.step(matched('n2', 2, 2))
  t.equal(answer(node, node.now), 'readReady')
})

t.test('TimeoutNow revokes the lease for the rest of the term (S10)', async (t) => {
  const node = leaderOf(3)
  node.step(heartbeatAck('n2', 2, { sentAt: node.now }))
  t.equal(answer(node, node.now), 'readReady')
  const effects = node.step({ kind: 'transfer', id: 9, to: 'n2' })
  t.same(only(effects, 'timeoutNow'), { kind: 'timeoutNow', peer: 'n2', term: 2 })
  t.equal(answer(node, node.now), 'readRejected')
  node.now += 1000
  for (const peer of ['n2', 'n3']) node.step(heartbeatAck(peer, 2, { sentAt: node.now }))
  node.step({ kind: 'tick' })
  t.equal(node.status.role, 'leader', 'the transfer came to nothing')
  t.equal(answer(node, node.now), 'readRejected', 'its target may still be elected')
})

t.test('a single voter holds its lease by itself', async (t) => {
  const node = leaderOf(1)
  t.equal(answer(node, 1_000_000), 'readReady')
})
