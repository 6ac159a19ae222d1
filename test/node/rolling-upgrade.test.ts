import t from 'tap'
import { FEATURES } from '../../lib/core/features.js'
import { type Announcement, OWN_ANNOUNCEMENT } from '../../lib/transport/announcement.js'
import { memoryTransport } from '../../lib/transport/memory-transport.js'
import { fateOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

type Counters = Awaited<ReturnType<typeof counters>>

/** n3 is stopped, and comes back as if it were of another release. */
async function restartAs(cluster: Counters, other: Partial<Announcement>): Promise<void> {
  await cluster.stop('n3')
  await cluster.start('n3', { transport: transportOf(cluster, other) })
}

function transportOf(cluster: Counters, other: Partial<Announcement>) {
  const announce = { ...OWN_ANNOUNCEMENT, ...other }
  return { ...memoryTransport(cluster.network, 'n3'), announce }
}

/** The status follows handshakes, which no event tells of. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

t.test('what one member does not know is not used until that member is upgraded', async (t) => {
  await using cluster = await counters()
  await restartAs(cluster, { features: [] })
  const leader = await cluster.leader()
  await until(() => leader.stats().features.length === 0)
  const once = { idempotencyKey: 'order-1' }
  t.match(await fateOf(leader.apply({ add: 1 }, once)), /RAFT_FEATURE_UNAVAILABLE.*rejected/)
  t.match(await fateOf(leader.session()), /RAFT_FEATURE_UNAVAILABLE.*rejected/)
  t.match(await leader.apply({ add: 1 }), { result: 1 }, 'what every release knows goes on')

  await restartAs(cluster, {})
  const next = await cluster.leader()
  await until(() => next.stats().features.length === FEATURES.length)
  t.match(await next.apply({ add: 1 }, once), { result: 2 })
})

t.test('a node of a later release that still speaks this version takes part', async (t) => {
  await using cluster = await counters()
  const features = [...FEATURES, 'of-a-later-release']
  await restartAs(cluster, { maxVersion: 2, features })
  const leader = await cluster.leader()
  const { index } = await leader.apply({ add: 1 })
  await cluster.node('n3').waitFor({ applied: index })
  await until(() => leader.stats().features.length === FEATURES.length)
  t.same(leader.stats().features, FEATURES)
})

t.test('a node that shares no version is refused, by name, and the others go on', async (t) => {
  await using cluster = await counters()
  const refused = new Promise<string>((resolve) => {
    cluster.node('n1').on('peer', ({ peer, change, reason }) => {
      if (peer === 'n3' && change === 'refused') resolve(reason)
    })
  })
  await cluster.stop('n3')
  const transport = transportOf(cluster, { minVersion: 2, maxVersion: 3 })
  const late = cluster.start('n3', { transport })
  t.match(await refused, /RAFT_VERSION_MISMATCH.*versions 2 to 3.*n1 1 to 1; upgrade the older one/)
  const leader = await cluster.leader()
  t.match(await leader.apply({ add: 1 }), { result: 1 })
  await late
})
