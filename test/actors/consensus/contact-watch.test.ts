import t from 'tap'
import { ContactWatch } from '../../../actors/consensus/contact-watch.js'
import type { NodeEvent } from '../../../actors/consensus/node-event.js'
import type { CoreStatus } from '../../../lib/core/raft-core.js'
import { followerOf } from '../../core/helpers/cores.js'

function watch() {
  const events: NodeEvent[] = []
  const warnings: object[] = []
  const contacts = new ContactWatch({
    tell: (event) => events.push(event),
    measured: () => {},
    warn: (fields) => warnings.push(fields),
  })
  const follower = followerOf('n2', 3).status
  const look = (now: number, part: Partial<CoreStatus>) =>
    contacts.ticked(now, { ...follower, ...part }, 1000)
  return { events, warnings, contacts, look }
}

t.test('R-43: a leader not heard for 0.8 of the timeout is late, until it is heard', async (t) => {
  const { events, look } = watch()
  look(799, { lastContactAt: 0 })
  t.strictSame(events, [])
  look(800, { lastContactAt: 0 })
  t.match(events, [
    { kind: 'heartbeat', peer: 'n2', change: 'late', healthy: false, lastContactMs: 800 },
  ])
  look(900, { lastContactAt: 0 })
  t.equal(events.length, 1, 'once')
  look(950, { lastContactAt: 940 })
  t.match(events.at(-1), { change: 'resumed', healthy: true, lastContactMs: 10 })
})

t.test('who leads, campaigns or knows no leader waits for nobody', async (t) => {
  const { events, look } = watch()
  look(5000, { lastContactAt: 0, role: 'leader' })
  look(5000, { lastContactAt: 0, leader: null })
  look(5000, { lastContactAt: null })
  t.strictSame(events, [])
})

t.test('another leader is another matter', async (t) => {
  const { events, look } = watch()
  look(900, { lastContactAt: 0 })
  look(1000, { leader: 'n3', lastContactAt: 1000 })
  look(1900, { leader: 'n3', lastContactAt: 1000 })
  t.match(events, [
    { peer: 'n2', change: 'late' },
    { peer: 'n3', change: 'late' },
  ])
})

t.test('how late its own ticks were is kept for ten seconds at least', async (t) => {
  const { contacts, look } = watch()
  const tick = (dueAt: number, at: number) => {
    contacts.armed(dueAt - 50, 50)
    look(at, { lastContactAt: at })
  }
  tick(50, 52)
  t.equal(contacts.delayMs, 2)
  tick(1000, 1700)
  t.equal(contacts.delayMs, 700)
  tick(11_000, 11_001)
  t.equal(contacts.delayMs, 700)
  tick(22_000, 22_001)
  t.equal(contacts.delayMs, 1)
})

t.test('a thread that is late by half a timeout is warned of, once a minute', async (t) => {
  const { warnings, contacts, look } = watch()
  const late = (now: number, delayMs: number) => {
    contacts.armed(now - delayMs - 50, 50)
    look(now, { lastContactAt: now })
  }
  late(1000, 900)
  late(10_999, 900)
  t.strictSame(warnings, [], 'a program that starts is given ten seconds')
  late(11_000, 499)
  t.strictSame(warnings, [], 'an election is in no danger')
  late(12_000, 500.4)
  late(13_000, 800)
  t.strictSame(warnings, [{ delayMs: 500, heartbeatTimeoutMs: 1000 }])
  late(72_000, 900)
  t.strictSame(warnings.slice(1), [{ delayMs: 900, heartbeatTimeoutMs: 1000 }])
})
