import t from 'tap'
import { PeerHealth } from '../../../actors/consensus/peer-health.js'
import type { Progress } from '../../../lib/core/leader-state.js'

const progress = { peer: 'n2', matchIndex: 7, lastAckAt: 90, incarnation: 'i' } as Progress

t.test('a peer is seen as its heartbeats and handshakes show it', async (t) => {
  const health = new PeerHealth()
  const known = { id: 'n2', matchIndex: 7, lastContactMs: 10, roundTripMs: null }
  t.strictSame(health.report('n2', progress, 100), { ...known, incarnation: 'known' })
  health.answered('n2', 3)
  const unseen = { ...progress, incarnation: null }
  t.match(health.report('n2', unseen, 100), { roundTripMs: 3, incarnation: 'unseen' })
})

t.test('S16: one that was turned away is lost until it is admitted', async (t) => {
  const health = new PeerHealth()
  health.lost('n2')
  t.match(health.report('n2', progress, 100), { incarnation: 'lost' })
  health.admitted('n2')
  t.match(health.report('n2', progress, 100), { incarnation: 'known' })
  t.match(health.report('n2', undefined, 100), { lastContactMs: null, incarnation: 'lost' })
})
