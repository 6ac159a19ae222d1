import t, { type Test } from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { tcpTransport } from '../../lib/transport/transports.js'
import { TcpProxy } from '../helpers/tcp-proxy.js'
import { freePort } from './support/processes.js'
import { answerOf, pairConfig } from './support/snapshot-pair.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** The leader changes while a snapshot is on its way (S13). */

const STATE = 24 * 1024 * 1024

/** n1 and n2 run, one of them leads, both hold a state of that size; n3 is reached through the proxy. */
async function twoOfThree(t: Test) {
  const listen = `127.0.0.1:${await freePort()}`
  const cluster: TcpCluster = await TcpCluster.make({
    // No other change of leaders, however busy the machine is.
    config: { ...pairConfig, heartbeatTimeoutMs: 2000 },
    stateMachine: () =>
      stateMachine(new URL('../fixtures/machines/stream.js', import.meta.url)) as never,
    options: (id, advertise) =>
      id === 'n3' ? { transport: tcpTransport({ listen, advertise }) } : {},
  })
  const proxy = await TcpProxy.start(listen, cluster.address('n3'))
  t.teardown(async () => {
    await cluster.remove()
    await proxy.close()
  })
  await Promise.all(['n1', 'n2'].map((id) => cluster.start(id)))
  const leader = await cluster.leader()
  const [other] = await cluster.followers()
  if (other === undefined) throw new Error('two nodes run')
  const { index } = await leader.apply(Buffer.from(`size ${STATE}`))
  await other.waitFor({ applied: index })
  return { cluster, proxy, leader, other }
}

async function handOver(leader: RaftNode, other: RaftNode): Promise<void> {
  await leader.transferLeadership(other.id, { timeoutMs: 20_000 })
  await other.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })
}

t.test('a new leader with the same bytes goes on where the former one was', async (t) => {
  const { cluster, proxy, leader, other } = await twoOfThree(t)
  const taken = await Promise.all([leader.snapshot(), other.snapshot()])
  t.equal(taken[0].index, taken[1].index)
  const passed = proxy.passed(STATE / 2)
  const late = await cluster.start('n3')
  await passed
  await handOver(leader, other)
  const { index } = await other.apply(Buffer.from('behind it'))
  await late.waitFor({ applied: index }, { timeoutMs: 30_000 })
  t.strictSame(await answerOf(late), { size: STATE, verified: STATE })
  t.ok(proxy.bytes < STATE * 1.25, `${proxy.bytes} bytes of ${STATE} were sent`)
})

t.test('a new leader with another snapshot sends that one', async (t) => {
  const { cluster, proxy, leader, other } = await twoOfThree(t)
  await leader.snapshot()
  const { index: grown } = await leader.apply(Buffer.from(`size ${STATE / 2}`))
  await other.waitFor({ applied: grown })
  const newer = await other.snapshot()
  const passed = proxy.passed(STATE / 2)
  const late = await cluster.start('n3')
  await passed
  await handOver(leader, other)
  const { index } = await other.apply(Buffer.from('behind it'))
  await late.waitFor({ applied: index }, { timeoutMs: 30_000 })
  t.strictSame(await answerOf(late), { size: STATE / 2, verified: STATE / 2 })
  t.equal(late.stats().snapshotIndex, newer.index)
})
