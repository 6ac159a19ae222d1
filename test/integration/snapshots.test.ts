import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { RaftEvent } from '../../lib/node/events.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import type { ListItem } from '../fixtures/machines/list.js'
import { fateOf } from '../node/fixtures/callers.js'
import { logOnDisk } from './support/logs-on-disk.js'
import { TcpCluster, type TcpClusterOptions } from './support/tcp-cluster.js'

/** S13 over TCP and files: who is behind the compacted log gets a snapshot, whoever restarts when. */

const config = {
  heartbeatTimeoutMs: 800,
  trailingLogEntries: 5,
  snapshotThresholdEntries: 50,
  snapshotIntervalMs: 3_600_000,
  snapshotChunkBytes: 4096,
  maxBatchEntries: 10,
}

const make = (t: Closing, options: TcpClusterOptions = {}) =>
  TcpCluster.start(t, { config, ...options })

type Closing = Parameters<typeof TcpCluster.start>[0]

async function write(node: RaftNode, what: string, count: number): Promise<number> {
  const texts = Array.from({ length: count }, (_, i) => `${what} ${i}`)
  const applied = await Promise.all(texts.map((text) => node.apply(Buffer.from(text))))
  return applied.at(-1)?.index ?? 0
}

async function items(node: RaftNode): Promise<readonly ListItem[]> {
  return (await node.query('all' as never)).result as readonly ListItem[]
}

/** Every node has applied the same commands at the same indexes, terms and times. */
async function alike(t: Same, cluster: TcpCluster, count: number): Promise<void> {
  const [first, ...others] = await Promise.all(cluster.nodes.map(items))
  t.equal(first?.length, count, 'every command is there')
  for (const other of others) t.same(other, first, 'and the same on every node')
}

type Same = Pick<typeof t, 'same' | 'equal'>

t.test('a follower behind the compacted log is brought up by a snapshot', async (t) => {
  // No other leader in between, however busy the machine is.
  const cluster = await make(t, { config: { ...config, heartbeatTimeoutMs: 2000 } })
  const leader = await cluster.leader()
  const [follower] = await cluster.followers()
  const id = follower?.id ?? ''
  await write(leader, 'before', 20)
  await cluster.stop(id)
  const events: RaftEvent[] = []
  leader.on('snapshot', (event) => events.push(event))
  // In several batches: a batch is kept whole, and one of 500 would reach down to the follower (S6).
  for (let round = 0; round < 10; round++) await write(leader, 'while it was down', 50)
  const { index } = await leader.snapshot()
  t.match(leader.stats(), { snapshotIndex: index })
  const last = await write(leader, 'after the snapshot', 20)
  const back = await cluster.start(id)
  await back.waitFor({ applied: last }, { timeoutMs: 20_000 })
  t.match(back.stats(), { snapshotIndex: index })
  await alike(t, cluster, 540)
  t.match(events, [
    { change: 'saved', index },
    { change: 'sent', index },
  ])
})

t.test('an empty member of an old cluster is brought up by a snapshot', async (t) => {
  const cluster = await TcpCluster.make({ config })
  t.teardown(() => cluster.remove())
  await Promise.all(['n1', 'n2'].map((id) => cluster.start(id)))
  const leader = await cluster.leader()
  for (let round = 0; round < 6; round++) await write(leader, 'before', 50)
  await leader.snapshot()
  const late = await cluster.start('n3')
  const last = await write(leader, 'after', 10)
  await late.waitFor({ applied: last }, { timeoutMs: 20_000 })
  await alike(t, cluster, 310)
})

t.test('everything is restarted from snapshots and the logs after them', async (t) => {
  const cluster = await make(t)
  let count = 0
  for (let round = 1; round <= 3; round++) {
    const leader = await cluster.leader()
    await write(leader, `round ${round}`, 120)
    await Promise.all(cluster.nodes.map((node) => node.snapshot()))
    await write(leader, `end of round ${round}`, 30)
    count += 150
    await cluster.close()
    await cluster.startAll()
    await cluster.settle()
    await alike(t, cluster, count)
  }
  for (const { id } of cluster.members) {
    const kept = await readdir(join(cluster.dataDir(id), 'snapshots'))
    t.equal(kept.length, 2, `${id} keeps two snapshots: ${kept}`)
  }
})

t.test('a leader that restarts while it sends a snapshot does no harm', async (t) => {
  const cluster = await make(t)
  const [follower] = await cluster.followers()
  const id = follower?.id ?? ''
  await cluster.stop(id)
  const leader = await cluster.leader()
  await write(leader, 'a longer text, so that the snapshot has many chunks', 2000)
  await Promise.all(cluster.nodes.map((node) => node.snapshot()))
  const starting = cluster.start(id)
  await cluster.stop(leader.id)
  const back = await starting
  await cluster.start(leader.id)
  await cluster.settle()
  await alike(t, cluster, 2000)
  t.ok(back.stats().snapshotIndex > 0)
})

t.test('the policy takes snapshots by itself, and the log stays short', async (t) => {
  const cluster = await make(t, { config: { ...config, snapshotIntervalMs: 100 } })
  const leader = await cluster.leader()
  const taken = new Promise<RaftEvent>((resolve) => leader.on('snapshot', resolve))
  await write(leader, 'text', 200)
  t.match(await taken, { change: 'saved' })
  await cluster.close()
  const { firstIndex } = await logOnDisk(cluster.dataDir(leader.id))
  t.ok(firstIndex > 1, `the log begins at ${firstIndex}`)
})

t.test('snapshots one after another, and two at a time', async (t) => {
  const cluster = await make(t, { nodes: 1 })
  const leader = await cluster.leader()
  await write(leader, 'text', 10)
  const [first, second] = await Promise.all([leader.snapshot(), leader.snapshot()])
  t.equal(first.index, second.index, 'both callers get the same one')
  t.equal(await fateOf(leader.snapshot()), 'RAFT_NOTHING_TO_SNAPSHOT rejected')
  await write(leader, 'more', 1)
  t.ok((await leader.snapshot()).index > first.index)
})
