import t from 'tap'
import { errorOf } from '../node/fixtures/callers.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** Leadership over TCP, with every actor, consensus too, on a thread of its own. */

t.test('transfer, tasks of the leader and new timeouts reach every thread', async (t) => {
  const cluster = await TcpCluster.start(t, {
    config: { heartbeatTimeoutMs: 1500 },
    options: () => ({ threads: { consensus: 'worker' } }),
  })
  const leader = await cluster.leader()
  const [heir, third] = cluster.nodes.filter((node) => node !== leader)
  const terms: number[] = []
  let began: () => void = () => {}
  const beganOnHeir = new Promise<void>((resolve) => {
    began = resolve
  })
  const stop = new AbortController()
  const loops = cluster.nodes.map((node) =>
    node.whileLeader(
      async ({ term, signal }) => {
        terms.push(term)
        if (node === heir) began()
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
      { signal: stop.signal },
    ),
  )
  const told = new Promise((resolve) => {
    third?.on('leader', (event) => event.leader === heir?.id && resolve(event))
  })
  await leader.transferLeadership(heir?.id)
  t.match(await told, { leader: heir?.id, address: heir?.address, previous: leader.id })
  await beganOnHeir
  t.equal(new Set(terms).size, terms.length, 'once a term')
  t.match(await errorOf(leader.transferLeadership()), { code: 'RAFT_NOT_LEADER' })

  for (const node of [heir, leader, third]) await node?.reloadConfig({ heartbeatTimeoutMs: 400 })
  const wrong = { heartbeatTimeoutMs: 400, leaderLeaseTimeoutMs: 401 }
  t.match(await errorOf(leader.reloadConfig(wrong)), { code: 'RAFT_CONFIG_INVALID' })
  const late = new Promise<{ readonly lastContactMs: number | null }>((resolve) => {
    third?.on('heartbeat', (event) => event.change === 'late' && resolve(event))
  })
  await cluster.stop(heir?.id ?? '')
  t.ok(((await late).lastContactMs ?? 0) < 1200, 'the former timeout would not be late yet')
  await third?.waitFor({ leader: true }, { timeoutMs: 10_000 })
  stop.abort()
  await Promise.all(loops)
})
