import t from 'tap'
import {
  type ClusterHealth,
  type DeadServerRules,
  judgeDeadServers,
  type ServerHealth,
} from '../../lib/node/dead-server-policy.js'

const rules: DeadServerRules = { graceMs: 60_000, healthyMs: 1000, minQuorum: 3 }

/** n1 leads; each other server by how long it has been silent, a nonvoter by a name with `?`. */
function cluster(silent: Record<string, number | null>, part: Partial<ClusterHealth> = {}) {
  const others = Object.entries(silent).map(
    ([name, silentMs]): ServerHealth => ({
      id: name.replace('?', ''),
      suffrage: name.endsWith('?') ? 'nonvoter' : 'voter',
      silentMs,
    }),
  )
  const servers: ServerHealth[] = [{ id: 'n1', suffrage: 'voter', silentMs: 0 }, ...others]
  const health = { self: 'n1', leads: true, ledMs: 1e6, settled: true, servers, doubt: null }
  return { ...health, ...part } satisfies ClusterHealth
}

const DEAD = 61_000
const oneOfFour = { n2: 10, n3: 10, n4: DEAD }

t.test('a voter that is silent past the grace time goes, if the rest is healthy', async (t) => {
  t.strictSame(judgeDeadServers(cluster(oneOfFour), rules), { remove: 'n4', silentMs: DEAD })
})

t.test('nothing is removed by default, nor from a healthy cluster', async (t) => {
  t.match(judgeDeadServers(cluster(oneOfFour), { ...rules, graceMs: 0 }), {
    remove: null,
    candidate: null,
    reason: /not removed/,
  })
  const healthy = cluster({ n2: 10, n3: 59_999, n4: 10 })
  t.match(judgeDeadServers(healthy, rules), { remove: null, candidate: null })
})

t.test('one at a time: nonvoters first, then who is silent longest', async (t) => {
  const many = cluster({ n2: 10, n3: 10, n4: 10, n5: DEAD, n6: DEAD + 9, 'n7?': DEAD + 1 })
  t.match(judgeDeadServers(many, rules), { remove: 'n7' })
  const voters = cluster({ n2: 10, n3: 10, n4: 10, n5: DEAD, n6: DEAD + 9 })
  t.match(judgeDeadServers(voters, rules), { remove: 'n6' })
})

t.test('a nonvoter goes whatever minQuorum says, but never without a quorum', async (t) => {
  t.match(judgeDeadServers(cluster({ n2: 10, 'n3?': DEAD }), rules), { remove: 'n3' })
  const cutOff = cluster({ n2: 5000, 'n3?': DEAD })
  t.match(judgeDeadServers(cutOff, rules), { remove: null, candidate: 'n3', reason: /no majority/ })
})

const refusals: readonly (readonly [string, ClusterHealth, RegExp, Partial<DeadServerRules>?])[] = [
  ['a follower', cluster(oneOfFour, { leads: false }), /only a leader/],
  ['a leader of today', cluster(oneOfFour, { ledMs: 59_999 }), /less than the grace time/],
  ['a leader in doubt', cluster(oneOfFour, { doubt: 'its disk is slow' }), /its disk is slow/],
  ['a change under way', cluster(oneOfFour, { settled: false }), /configuration change/],
  ['fewer voters than wanted', cluster({ n2: 10, n3: DEAD }), /fewer than deadServerMinQuorum 3/],
  [
    'half of the old configuration',
    cluster({ n2: 10, n3: DEAD, n4: DEAD }),
    /2 healthy voters are no majority of 4/,
    { minQuorum: 1 },
  ],
  [
    'a rest that is not heard just now',
    cluster({ n2: 10, n3: 1001, n4: 1001, n5: DEAD }),
    /2 healthy voters are no majority of 5/,
  ],
  ['a partition: all others are dead', cluster({ n2: DEAD, n3: DEAD }), /./, { minQuorum: 1 }],
  [
    'a leader that has no vote itself',
    {
      ...cluster(oneOfFour),
      servers: cluster(oneOfFour).servers.map((server) =>
        server.id === 'n1' ? { ...server, suffrage: 'nonvoter' as const } : server,
      ),
    },
    /no voter/,
  ],
]

for (const [name, health, reason, other] of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    t.match(judgeDeadServers(health, { ...rules, ...other }), { remove: null, reason })
  })
}

t.test('two voters may become one only if both the old and the new have a majority', async (t) => {
  const two = cluster({ n2: DEAD })
  t.match(judgeDeadServers(two, { ...rules, minQuorum: 1 }), {
    remove: null,
    reason: /1 healthy voters are no majority of 2/,
  })
})

t.test('a server that is not followed up is not called dead, nor healthy', async (t) => {
  t.match(judgeDeadServers(cluster({ n2: 10, n3: 10, n4: null }), rules), { remove: null })
  const lost = cluster({ n2: 10, n3: null, n4: null, n5: DEAD })
  t.match(judgeDeadServers(lost, rules), { remove: null, reason: /no majority/ })
})

t.test('whatever the cluster looks like, those that remain can go on', async (t) => {
  let removals = 0
  for (let seed = 0; seed < 4096; seed++) {
    // Six servers, each in one of four states.
    const states = Array.from({ length: 6 }, (_, i) => (seed >> (2 * i)) & 3)
    const silent: Record<string, number> = {}
    states.forEach((state, i) => {
      const name = `n${i + 2}`
      if (state === 0) silent[name] = 10
      else if (state === 1) silent[name] = DEAD
      else if (state === 2) silent[`${name}?`] = DEAD
      else silent[name] = 30_000
    })
    const health = cluster(silent)
    const verdict = judgeDeadServers(health, rules)
    if (verdict.remove === null) continue
    removals++
    const before = health.servers.filter(({ suffrage }) => suffrage === 'voter')
    const after = before.filter(({ id }) => id !== verdict.remove)
    const well = before.filter(({ silentMs }) => silentMs !== null && silentMs <= 1000).length
    if (2 * well <= before.length || 2 * well <= after.length) return t.fail('quorum', health)
    if (after.length < before.length && after.length < 3) return t.fail('minQuorum', health)
  }
  t.ok(removals > 100, String(removals))
})
