import t from 'tap'
import { followerOf, leaderOf, members, newLeaderOf, type TestCore } from './helpers/cores.js'
import { has, kinds, only } from './helpers/effects.js'
import { heartbeatAck, matched, propose, TICK } from './helpers/inputs.js'

/** Both followers answer heartbeats now, so that the leader keeps its quorum. */
function hear(node: TestCore): void {
  for (const peer of ['n2', 'n3']) node.step(heartbeatAck(peer, 2, { sentAt: node.now }))
}

const transfer = (to: string | null, id = 9) => ({ kind: 'transfer', id, to }) as const

t.test(
  'a target that holds the whole log is told to campaign at once (thesis §3.10)',
  async (t) => {
    const node = leaderOf(3)
    t.same(node.step(transfer('n3')), [{ kind: 'timeoutNow', peer: 'n3', term: 2 }])
    const effects = node.step({ kind: 'higherTerm', peer: 'n3', term: 3 })
    t.same(only(effects, 'transferDone'), { kind: 'transferDone', id: 9, reason: null })
  },
)

t.test('a target that is behind catches up first, while proposals are refused', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  t.same(node.step(transfer('n3')), [])
  t.equal(only(node.step(propose(2)), 'rejected').reason, 'transferInProgress')
  t.equal(
    only(node.step({ kind: 'barrier', id: 1 }), 'barrierRejected').reason,
    'transferInProgress',
  )
  t.ok(has(node.step(matched('n3', 2, 3)), 'timeoutNow'))
  t.notOk(has(node.step(matched('n3', 2, 3)), 'timeoutNow'), 'told once')
})

t.test('reads go on during a transfer', async (t) => {
  const node = leaderOf(3)
  node.step(transfer('n3'))
  t.same(kinds(node.step({ kind: 'readIndex', id: 1, lease: false })), ['probe'])
})

t.test('a target that does not catch up in an election timeout ends it', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(transfer('n3'))
  node.now += 999
  hear(node)
  t.same(node.step(TICK), [])
  t.same(node.after(1, TICK), [{ kind: 'transferDone', id: 9, reason: 'transferTimeout' }])
  t.ok(has(node.step(propose(2)), 'accepted'), 'and proposals are taken again')
})

t.test('one that was told to campaign is given another election timeout for it', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(transfer('n3'))
  node.now += 900
  hear(node)
  t.ok(has(node.step(matched('n3', 2, 3)), 'timeoutNow'))
  for (const ms of [500, 499]) {
    node.now += ms
    hear(node)
    t.same(node.step(TICK), [])
    t.equal(only(node.step(propose(2)), 'rejected').reason, 'transferInProgress')
  }
  t.same(node.after(1, TICK), [{ kind: 'transferDone', id: 9, reason: 'transferTimeout' }])
  t.ok(has(node.step(propose(3)), 'accepted'))
})

t.test('afterwards another transfer may follow', async (t) => {
  const node = leaderOf(3)
  node.step(transfer('n3', 1))
  node.now += 999
  hear(node)
  node.after(1, TICK)
  t.same(node.step(transfer('n2', 2)), [{ kind: 'timeoutNow', peer: 'n2', term: 2 }])
})

t.test('without a target the voter that holds most, then was heard last, is chosen', async (t) => {
  const node = newLeaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4', 'n5?']) })
  node.step(matched('n5', 2, 2))
  node.step(matched('n3', 2, 2))
  node.step(matched('n4', 2, 2))
  node.step(heartbeatAck('n4', 2, { sentAt: node.now + 1 }))
  t.equal(only(node.step(transfer(null)), 'timeoutNow').peer, 'n4')
})

t.test('among voters, what they hold of the log decides', async (t) => {
  for (const [held, best] of [
    [{ n2: 1 }, 'n2'],
    [{ n2: 2, n3: 1 }, 'n2'],
    [{ n4: 2, n3: 1, n2: 1 }, 'n4'],
    [{ n2: 1, n3: 2, n4: 1 }, 'n3'],
    [{ n2: 1, n3: 1, n4: 1 }, 'n2'],
  ] as const) {
    const node = newLeaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4']) })
    for (const [peer, index] of Object.entries(held)) node.step(matched(peer, 2, index))
    const [behind] = node.step(transfer(null))
    const target =
      behind ?? node.step(matched(best, 2, 2)).find(({ kind }) => kind === 'timeoutNow')
    t.match(target, { kind: 'timeoutNow', peer: best })
  }
})

t.test('one that has been silent for a lease is chosen only if there is no other', async (t) => {
  const node = newLeaderOf(3)
  node.step(matched('n3', 2, 2))
  node.now += 501
  node.step(heartbeatAck('n2', 2, { sentAt: node.now }))
  node.step(transfer(null))
  t.equal(only(node.step(matched('n2', 2, 2)), 'timeoutNow').peer, 'n2')

  const alone = newLeaderOf(3)
  alone.step(matched('n3', 2, 2))
  alone.now += 501
  t.equal(only(alone.step(transfer(null)), 'timeoutNow').peer, 'n3')
})

t.test('it is refused for who cannot take over, and while one is going on', async (t) => {
  const node = leaderOf(3, { members: members(['n1', 'n2', 'n3', 'n4?']) })
  const reason = (to: string | null) => only(node.step(transfer(to)), 'transferDone').reason
  t.equal(reason('n1'), 'transferToItself')
  t.equal(reason('n4'), 'notVoter')
  t.equal(reason('n9'), 'unknownServer', 'a stranger')
  node.step(transfer('n2', 1))
  t.equal(reason('n3'), 'transferInProgress')
  t.equal(only(leaderOf(1).step(transfer(null)), 'transferDone').reason, 'noOtherVoter', 'alone')
  t.equal(only(followerOf('n2', 1).step(transfer('n3')), 'transferDone').reason, 'notLeader')
})

t.test('a leadership lost before the target was told is no transfer', async (t) => {
  const node = leaderOf(3)
  node.step(propose(1))
  node.step(transfer('n3'))
  const effects = node.step({ kind: 'stalled', term: 2 })
  t.equal(only(effects, 'transferDone').reason, 'leadershipLost')
})
