import t from 'tap'
import {
  bytes,
  clockFindings,
  diskFinding,
  type Examined,
  flushFinding,
  likenessFindings,
  loopFinding,
  memberFindings,
  peerFindings,
  timeoutFinding,
  voterFinding,
} from '../../lib/cli/doctor-checks.js'
import type { Diagnostics } from '../../lib/kv/service-diagnostics.js'

const GIB = 1024 ** 3

const healthy: Diagnostics = {
  id: 'n1',
  cluster: 'c',
  version: '1.0.0',
  time: 0,
  flush: { count: 10, p50Ms: 1, p99Ms: 2, maxMs: 3 },
  eventLoopDelay: { p50Ms: 1, p99Ms: 2, maxMs: 3 },
  storeBytes: 1000,
  disk: { freeBytes: 50 * GIB, totalBytes: 100 * GIB },
  rssBytes: 1,
  timeouts: {
    heartbeatTimeoutMs: 1000,
    electionTimeoutMs: 1000,
    heartbeatIntervalMs: 100,
    leaderLeaseTimeoutMs: 500,
  },
  peers: [],
}

function node(id: string, more: Partial<Diagnostics> = {}, clockOffsetMs = 0): Examined {
  return { id, diagnostics: { ...healthy, ...more, id }, roundTripMs: 2, clockOffsetMs }
}

const voters = (count: number, nonvoters = 0) =>
  Array.from({ length: count + nonvoters }, (_, i) => ({
    id: `n${i}`,
    suffrage: i < count ? 'voter' : 'nonvoter',
  }))

t.test('one voter, and an even number of them, are advised against', async (t) => {
  const results = [1, 2, 3, 4, 5, 7, 9].map((count) => voterFinding(voters(count)).result)
  t.strictSame(results, ['warn', 'warn', 'ok', 'warn', 'ok', 'ok', 'note'])
  t.match(voterFinding(voters(3, 2)), { measured: '3 voters and 2 without a vote; 1 may fail' })
  t.match(voterFinding(voters(4)), { measured: '4 voters; 1 may fail', advice: /than 3/ })
})

t.test('a slow disk is told, and so are timeouts that do not fit it', async (t) => {
  t.equal(flushFinding('n1', healthy.flush).result, 'ok')
  t.equal(flushFinding('n1', { ...healthy.flush, p99Ms: 60 }).result, 'warn')
  t.equal(flushFinding('n1', { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 }).result, 'ok')
  const { timeouts } = healthy
  const result = (flushMs: number, tripMs: number) =>
    timeoutFinding('n1', timeouts, flushMs, tripMs).result
  t.strictSame(
    [result(0, 0), result(50, 50), result(50, 51), result(300, 50)],
    ['ok', 'ok', 'warn', 'fail'],
  )
  t.match(timeoutFinding('n1', timeouts, 300, 50).advice, /heartbeatTimeoutMs to 3500/)
})

t.test('little room on the disk is told before it is none', async (t) => {
  const free = (freeBytes: number, storeBytes = 0) =>
    diskFinding('n1', { freeBytes, totalBytes: 100 * GIB }, storeBytes).result
  t.strictSame(
    [free(2 * GIB), free(2 * GIB, 3 * GIB), free(0.5 * GIB), free(1000)],
    ['ok', 'warn', 'warn', 'fail'],
  )
  t.equal(diskFinding('n1', null, 0).result, 'note')
  t.equal(bytes(3 * GIB), '3.0 GiB')
})

t.test('a busy main thread is told', async (t) => {
  t.match(loopFinding('n1', healthy), [{ result: 'ok' }])
  const eventLoopDelay = { p50Ms: 1, p99Ms: 251, maxMs: 300 }
  t.match(loopFinding('n1', { ...healthy, eventLoopDelay }), [{ result: 'warn' }])
  t.strictSame(loopFinding('n1', { ...healthy, eventLoopDelay: null }), [])
})

t.test('peers that are slow, silent or without their state are told', async (t) => {
  const peer = { matchIndex: 1, lastContactMs: 5, roundTripMs: 1, incarnation: 'known' as const }
  const peers = [
    { ...peer, id: 'good' },
    { ...peer, id: 'slow', roundTripMs: 101 },
    { ...peer, id: 'silent', lastContactMs: 1001, roundTripMs: null },
    { ...peer, id: 'lost', lastContactMs: null, incarnation: 'lost' as const },
  ]
  const found = peerFindings(node('n1', { peers })).map(({ check, result }) => [check, result])
  t.strictSame(found, [
    ['way to good', 'ok'],
    ['way to slow', 'warn'],
    ['way to silent', 'warn'],
    ['way to lost', 'fail'],
  ])
})

t.test('clocks count as apart only beyond what a round trip leaves unsure', async (t) => {
  const apart = (offsetMs: number) => clockFindings([node('n1'), node('n2', {}, offsetMs)])
  t.match(apart(502), [{ result: 'ok', measured: '502 ms apart, give or take 2.0 ms' }])
  t.match(apart(-503), [{ result: 'warn', advice: /NTP/ }])
  t.strictSame(clockFindings([node('n1')]), [], 'one clock agrees with itself')
})

t.test('nodes that differ in version or timeouts are told', async (t) => {
  t.strictSame([...likenessFindings([node('n1'), node('n2')])], [])
  const timeouts = { ...healthy.timeouts, heartbeatTimeoutMs: 500 }
  const other = node('n2', { version: '1.1.0', timeouts })
  t.match(
    [...likenessFindings([node('n1'), other])],
    [{ check: 'versions' }, { check: 'timeouts' }],
  )
})

t.test(
  'a cluster without a leader is not well; who cannot be reached or lags is told',
  async (t) => {
    const server = { suffrage: 'voter', meta: {}, address: 'h:1', leader: false }
    const health = { lastContactMs: 0, roundTripMs: 0, incarnation: 'known' as const }
    const servers = [
      { ...server, id: 'n1', http: 'http://h:1', health: { ...health, matchIndex: 20_000 } },
      { ...server, id: 'n2', http: 'http://h:2', health: { ...health, matchIndex: 5 } },
      { ...server, id: 'n3', http: null, health: { ...health, matchIndex: 20_000 } },
    ]
    const members = { index: 5, committedIndex: 4, electionTimeoutMs: 1000, leader: null, servers }
    const found = [...memberFindings(members, new Set(['n1', 'n2']))]
    t.match(found, [
      { check: 'leader', result: 'fail' },
      { check: 'membership', result: 'note' },
      { on: 'n2', check: 'replication', result: 'warn' },
      {
        on: 'n3',
        check: 'reached',
        result: 'warn',
        advice: /: troupe add n3 h:1 --meta http=URL$/,
      },
    ])
  },
)
