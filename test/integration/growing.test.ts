import t from 'tap'
import type { RaftNode } from '../../lib/node/raft-node.js'
import type { ListItem } from '../fixtures/machines/list.js'
import { TcpCluster } from './support/tcp-cluster.js'

const config = { heartbeatTimeoutMs: 1000, trailingLogEntries: 10, snapshotThresholdEntries: 100 }

async function write(node: RaftNode, count: number, bytes = 10): Promise<number> {
  const commands = Array.from({ length: count }, () => Buffer.alloc(bytes, 120))
  const applied = await Promise.all(
    commands.map((command) => node.apply(command, { forward: true, timeoutMs: 20_000 })),
  )
  return applied.at(-1)?.index ?? 0
}

async function add(cluster: TcpCluster, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await cluster.start(id, { bootstrap: undefined })
    const leader = await cluster.leader()
    await leader.addVoter({ id, address: cluster.address(id) }, { timeoutMs: 20_000 })
  }
}

/** Every node that runs has applied the same, `count` commands of them. */
async function alike(cluster: TcpCluster, count: number): Promise<void> {
  await cluster.settle()
  const lists = await Promise.all(
    cluster.nodes.map(async (node) => {
      const { result } = await node.query('all' as never, { timeoutMs: 20_000 })
      return (result as readonly ListItem[]).map(({ index }) => index)
    }),
  )
  for (const list of lists) {
    t.equal(list.length, count)
    t.same(list, lists[0])
  }
}

t.test('one node grows to five, loses two, and replaces them, on TCP and files', async (t) => {
  const cluster = await TcpCluster.make({ nodes: 7, config })
  t.teardown(() => cluster.remove())
  const bootstrap = cluster.members.slice(0, 1)
  const first = await cluster.start('n1', { bootstrap })
  await first.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
  await write(first, 100)
  await first.snapshot()
  await add(cluster, 'n2', 'n3', 'n4', 'n5')
  await write(first, 100)
  await (await cluster.leader()).snapshot()
  await alike(cluster, 200)

  const [stopped] = await cluster.followers()
  await cluster.stop(stopped?.id ?? '')
  const leader = await cluster.leader()
  await write(leader, 100, 10_000)
  await leader.snapshot()
  await cluster.start(stopped?.id ?? '', { bootstrap: undefined })
  await alike(cluster, 300)

  const dead = (await cluster.followers()).slice(0, 2).map(({ id }) => id)
  for (const id of dead) await cluster.stop(id)
  await write(await cluster.leader(), 100)
  await add(cluster, 'n6', 'n7')
  for (const id of dead) await (await cluster.leader()).removeServer(id, { timeoutMs: 20_000 })
  await cluster.stop((await cluster.leader()).id)
  await write(await cluster.leader(), 1)
  await alike(cluster, 401)
  t.equal((await (await cluster.leader()).configuration()).servers.length, 5)
})
