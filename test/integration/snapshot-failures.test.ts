import { open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import type { RaftEvent } from '../../lib/node/events.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { FileSnapshotStore } from '../../lib/snapshot/file-store.js'
import { fileSnapshotStore } from '../../lib/snapshot/stores.js'
import { List, type ListItem } from '../fixtures/machines/list.js'
import { errorOf, fateOf } from '../node/fixtures/callers.js'
import { FaultyFiles, type FileOperation, systemError } from '../snapshot/support/faulty-files.js'
import { TcpCluster, type TcpClusterOptions } from './support/tcp-cluster.js'

/** Snapshots that fail, are damaged or lose their directory, on whole nodes. */

const config = { trailingLogEntries: 5, snapshotIntervalMs: 3_600_000, maxBatchEntries: 5 }

const alone = (t: Test, options: TcpClusterOptions = {}) =>
  TcpCluster.start(t, { nodes: 1, config, ...options })

async function write(node: RaftNode, count: number): Promise<number> {
  let index = 0
  for (let i = 0; i < count; i++) index = (await node.apply(Buffer.from(`${i}`))).index
  return index
}

async function countOf(node: RaftNode): Promise<number> {
  const { result } = await node.query('all' as never)
  return (result as readonly ListItem[]).length
}

async function damage(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.from('damaged'), 0, 7, 300)
  await file.close()
}

const snapshotsIn = (cluster: TcpCluster) => join(cluster.dataDir('n1'), 'snapshots')

const stages: readonly FileOperation[] = ['open', 'write', 'sync', 'rename']

for (const stage of stages) {
  t.test(`a failure in ${stage}: the next snapshot succeeds, nothing is left (R-04)`, async (t) => {
    const files = new FaultyFiles()
    const snapshots = {
      ...fileSnapshotStore(),
      create: (_: unknown, context: ConstructorParameters<typeof FileSnapshotStore>[1]) =>
        new FileSnapshotStore({}, context, files),
    }
    const cluster = await alone(t, { options: () => ({ snapshots }) })
    const node = await cluster.leader()
    const events: RaftEvent[] = []
    node.on('snapshot', (event) => events.push(event))
    const index = await write(node, 10)
    files.fault = (operation, path) => {
      if (operation === stage && path.endsWith('.tmp')) throw systemError('EIO', operation)
    }
    const error = await errorOf(node.snapshot())
    t.match(error, { code: 'RAFT_STORE_FAILED', message: /EIO/ })
    t.strictSame(await readdir(snapshotsIn(cluster)), [])
    t.equal(node.stats().snapshotIndex, 0, 'R-33: nothing was compacted for it')
    files.fault = () => {}
    t.match(await node.snapshot(), { index })
    t.equal((await readdir(snapshotsIn(cluster))).length, 1)
    t.match(events, [
      { change: 'failed', index, reason: /EIO/ },
      { change: 'saved', index },
    ])
  })
}

t.test('a failure in the capture: the next snapshot succeeds (R-04)', async (t) => {
  let fails = true
  class Stubborn extends List {
    override snapshot() {
      if (fails) throw new Error('planted in the capture')
      return super.snapshot()
    }
  }
  const machine = () => inlineStateMachine(() => new Stubborn())
  const cluster = await alone(t, { stateMachine: machine as never })
  const node = await cluster.leader()
  await write(node, 3)
  t.match(await errorOf(node.snapshot()), { message: /planted in the capture/ })
  fails = false
  t.ok((await node.snapshot()).index > 0)
})

t.test('at start a damaged newest snapshot gives way to the next older one', async (t) => {
  const cluster = await alone(t, { config: { ...config, trailingLogEntries: 1000 } })
  const node = await cluster.leader()
  await write(node, 10)
  const first = await node.snapshot()
  await write(node, 10)
  await node.snapshot()
  await write(node, 10)
  await cluster.close()
  const folder = snapshotsIn(cluster)
  const [, newest = ''] = (await readdir(folder)).sort()
  await damage(join(folder, newest))
  const again = await cluster.start('n1')
  await cluster.settle()
  t.equal(await countOf(again), 30)
  t.match(await again.newestSnapshot(), { index: first.index })
})

t.test('at start a log that begins behind every readable snapshot stops the node', async (t) => {
  const cluster = await alone(t)
  const node = await cluster.leader()
  await write(node, 30)
  await node.snapshot()
  await cluster.close()
  const folder = snapshotsIn(cluster)
  for (const name of await readdir(folder)) await damage(join(folder, name))
  const error = await errorOf(cluster.start('n1'))
  t.match(error, { code: 'RAFT_CORRUPT', message: /entries between them are missing/ })
})

t.test('a deleted snapshot directory is made again by the next snapshot', async (t) => {
  const cluster = await alone(t)
  const node = await cluster.leader()
  await write(node, 10)
  const lost = await node.snapshot()
  await rm(snapshotsIn(cluster), { recursive: true })
  t.equal(await fateOf(lost.open()), 'RAFT_STORE_FAILED -')
  const index = await write(node, 3)
  t.match(await node.snapshot(), { index })
  t.match(await node.newestSnapshot(), { index })
  t.equal((await readdir(snapshotsIn(cluster))).length, 1)
})

t.test(
  'a snapshot directory that cannot be used stops the start, and says why (R-15)',
  async (t) => {
    const cluster = await TcpCluster.make({ nodes: 1 })
    t.teardown(() => cluster.remove())
    const directory = join(cluster.dir, 'a-file')
    await writeFile(directory, '')
    const start = cluster.start('n1', { snapshots: fileSnapshotStore({ directory }) })
    t.match(await errorOf(start), {
      code: 'RAFT_STORE_FAILED',
      message: /a-file.*must be a directory in which this process may create/,
    })
  },
)

t.test('a snapshot after configuration entries only (hashicorp/raft issue 617)', async (t) => {
  const cluster = await alone(t)
  const node = await cluster.leader()
  await write(node, 3)
  await node.snapshot()
  const { index } = await node.addNonvoter({ id: 'n9', address: '127.0.0.1:9' })
  await node.waitFor({ applied: index })
  const taken = await node.snapshot()
  t.ok(taken.index >= index)
  const opened = await taken.open()
  t.equal(opened.meta.configurationIndex, index)
  t.match(opened.meta.configuration.servers, [{ id: 'n1' }, { id: 'n9' }])
  await opened.close()
})

t.test('a change of members that is not committed is no hindrance, and not recorded', async (t) => {
  // It keeps leading for so long without a quorum.
  const patient = { ...config, heartbeatTimeoutMs: 4000, leaderLeaseTimeoutMs: 4000 }
  const cluster = await TcpCluster.start(t, { config: patient })
  const leader = await cluster.leader()
  await write(leader, 3)
  for (const { id } of await cluster.followers()) await cluster.stop(id)
  const change = leader.addNonvoter({ id: 'n9', address: '127.0.0.1:9' }).catch(() => {})
  await leader.waitFor({ configurationIndex: 2 })
  const pending = (await leader.configuration()).index
  const taken = await leader.snapshot()
  t.ok(taken.index < pending, `${taken.index} < ${pending}`)
  const opened = await taken.open()
  t.equal(opened.meta.configurationIndex, 1)
  t.equal(opened.meta.configuration.servers.length, 3)
  await opened.close()
  await cluster.close()
  await change
})
