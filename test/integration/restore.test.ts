import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import type { ListItem } from '../fixtures/machines/list.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** User restore and restore at start, on TCP, LMDB and files, each actor on its thread. */

const config = { heartbeatTimeoutMs: 800, trailingLogEntries: 5, snapshotIntervalMs: 3_600_000 }

async function write(node: RaftNode, what: string, count: number): Promise<number> {
  const texts = Array.from({ length: count }, (_, i) => `${what} ${i}`)
  const applied = await Promise.all(texts.map((text) => node.apply(Buffer.from(text))))
  return applied.at(-1)?.index ?? 0
}

async function items(node: RaftNode): Promise<readonly ListItem[]> {
  return (await node.query('all' as never)).result as readonly ListItem[]
}

async function texts(node: RaftNode): Promise<readonly string[]> {
  return (await items(node)).map(({ text }) => text)
}

/** Of a list machine's snapshot. */
function sourceOf(items: readonly ListItem[]): Readable {
  return Readable.from(items.map((item) => Buffer.from(`${JSON.stringify(item)}\n`)))
}

const durableMachine = () =>
  stateMachine(new URL('../fixtures/machines/durable.js', import.meta.url))

t.test('three nodes take a restore, write on, and hold it over a restart', async (t) => {
  const cluster = await TcpCluster.start(t, { config })
  const leader = await cluster.leader()
  const at = await write(leader, 'kept', 10)
  await cluster.settle()
  const kept = await items(leader)
  const last = await write(leader, 'lost', 10)
  const { index } = await leader.restore({ index: at + 100 }, sourceOf(kept))
  t.equal(index, Math.max(last, at + 100) + 2)
  const end = await write(leader, 'after', 5)
  for (const node of cluster.nodes) {
    await node.waitFor({ applied: end }, { timeoutMs: 20_000 })
    t.equal((await texts(node)).length, 15, node.id)
  }
  const expected = await texts(leader)
  await cluster.close()
  await cluster.startAll()
  await cluster.settle()
  for (const node of cluster.nodes) t.same(await texts(node), expected, `${node.id} again`)
})

t.test(
  'a machine that keeps its own state takes a restore, and skips it at the start',
  async (t) => {
    const cluster = await TcpCluster.start(t, { config, stateMachine: durableMachine })
    const leader = await cluster.leader()
    await write(leader, 'kept', 3)
    const kept = await items(leader)
    const at = await write(leader, 'lost', 4)
    const { index } = await leader.restore({ index: at }, sourceOf(kept))
    for (const node of cluster.nodes) await node.waitFor({ applied: index }, { timeoutMs: 20_000 })
    for (const node of cluster.nodes) t.equal((await texts(node)).length, 3, 'its state went back')
    const end = await write(leader, 'after', 2)
    for (const node of cluster.nodes) await node.waitFor({ applied: end }, { timeoutMs: 20_000 })
    await cluster.close()
    const onDisk = JSON.parse(
      await readFile(join(cluster.dataDir('n1'), 'durable-list.json'), 'utf8'),
    )
    t.equal(onDisk.length, 5)
    await cluster.startAll()
    await cluster.settle()
    for (const node of cluster.nodes) t.equal((await texts(node)).length, 5, 'nothing came twice')
  },
)

t.test(
  'restoreSnapshotOnStart false leaves a fresh machine empty (TestRaft_NoRestoreOnStart)',
  async (t) => {
    for (const restoreSnapshotOnStart of [true, false]) {
      const cluster = await TcpCluster.start(t, { nodes: 1, config })
      const [node] = cluster.nodes
      if (node === undefined) return t.fail('no node')
      const last = await write(node, 'entry', 20)
      const { index } = await node.snapshot()
      t.equal(index, last)
      await cluster.stop('n1')
      const again = await cluster.start('n1', { config: { ...config, restoreSnapshotOnStart } })
      t.equal(again.stats().snapshotIndex, last)
      await again.waitFor({ applied: last })
      await cluster.settle()
      t.equal((await texts(again)).length, restoreSnapshotOnStart ? 20 : 0)
      await write(again, 'after', 1)
      t.equal((await texts(again)).length, restoreSnapshotOnStart ? 21 : 1)
    }
  },
)
