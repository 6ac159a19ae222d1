import { mkdir } from 'node:fs/promises'
import t from 'tap'
import type { StoreSpec } from '../../lib/log/store.js'
import { lmdbStore, walStore } from '../../lib/log/stores.js'
import { isRaftError } from '../../lib/node/errors.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { errorOf } from '../node/fixtures/callers.js'
import { SmallDisk } from './support/small-disk.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** S15: what has no room is refused by name, reads go on, and writes too as soon as there is room again. */

const LONG = process.env.TROUPE_LONG === '1'
const command = Buffer.alloc(256 * 1024, 'x')
const timeoutMs = 20_000
const config = {
  heartbeatTimeoutMs: 800,
  trailingLogEntries: 1,
  snapshotThresholdEntries: 1_000_000,
}

/**
 * Writes until writes are refused for want of room; returns how many were acknowledged. The one that was under way
 * when the room ended waits for it, and may outlive this call.
 */
async function fill(node: RaftNode): Promise<number> {
  for (let acknowledged = 0; ; ) {
    try {
      await node.apply(command, { forward: true, timeoutMs: 1000 })
      acknowledged++
    } catch (error) {
      if (!isRaftError(error, 'RAFT_STORAGE_FULL')) continue
      if (error.outcome === 'rejected' && error.retryable) return acknowledged
      throw error
    }
  }
}

const stores: Readonly<Record<string, () => StoreSpec>> = {
  'the write-ahead log': () => walStore({ segmentBytes: 512 * 1024, maxLogBytes: 4 * 1024 * 1024 }),
  // Its file is some megabytes before it is full: for the long run.
  ...(LONG && { LMDB: () => lmdbStore({ maxFileBytes: 32 * 1024 * 1024 }) }),
}

for (const [name, store] of Object.entries(stores)) {
  t.test(`${name} is full on every node, and goes on once snapshots have made room`, async (t) => {
    const cluster = await TcpCluster.start(t, { config, options: () => ({ store: store() }) })
    const acknowledged = await fill(await cluster.leader())
    for (const node of cluster.nodes) {
      const { result } = await node.query('length' as never, { timeoutMs })
      t.ok(Number(result) >= acknowledged, `${node.id} answers reads`)
    }
    for (const node of cluster.nodes) await node.snapshot()
    const { index } = await writeAgain(cluster.nodes[0] as RaftNode)
    await Promise.all(cluster.nodes.map((node) => node.waitFor({ applied: index }, { timeoutMs })))
    const [first, ...rest] = await Promise.all(
      cluster.nodes.map(async (node) => {
        const options = { consistency: 'stale', minIndex: index } as const
        return (await node.query('length' as never, options)).result
      }),
    )
    for (const length of rest) t.equal(length, first, 'all have the same')
    t.same(await Promise.race([...cluster.nodes.map(({ closed }) => closed), 'open']), 'open')
  })
}

/** Each node finds by itself that there is room again, the leader or its successor among them. */
async function writeAgain(node: RaftNode): Promise<{ readonly index: number }> {
  const until = performance.now() + 3 * timeoutMs
  for (;;) {
    try {
      return await node.apply(command, { forward: true, timeoutMs })
    } catch (error) {
      if (performance.now() > until) throw error
    }
  }
}

t.test('the disk of the leader is full: another leads, and room brings it back', async (t) => {
  const cluster = await TcpCluster.make({ config })
  const path = cluster.dataDir('n1')
  await mkdir(path, { recursive: true })
  const disk = SmallDisk.mount(path, 12)
  t.teardown(async () => {
    await cluster.close()
    disk?.unmount()
    await cluster.remove()
  })
  if (disk === null) return t.pass('a small disk', { skip: 'it takes the right to mount' })
  await cluster.startAll()
  await cluster.settle()
  // In the order in which they came up: the one with the small disk is not always the first.
  const [n1, n2] = ['n1', 'n2'].map((id) => cluster.nodes.find((node) => node.id === id)) as [
    RaftNode,
    RaftNode,
  ]
  await cluster.leadBy('n1')
  // Nobody else is full: whoever writes notices a change of leaders, and nothing else.
  while (n1.state === 'leader') {
    await n1.apply(command, { timeoutMs: 1000 }).catch((error) => {
      t.match(error, { code: /^RAFT_/, outcome: /^(unknown|rejected)$/ })
    })
  }
  const written = await writeAgain(n2)
  t.not(n2.leader?.id, 'n1', 'it has handed over')
  t.match(await n2.query('length' as never, { timeoutMs }), { index: Number }, 'reads go on')
  const stale = await n1.query('length' as never, { consistency: 'stale' })
  t.match(stale, { index: Number }, 'and on the full one as of what it has')
  t.match(await errorOf(n1.snapshot()), { code: 'RAFT_STORAGE_FULL' })
  disk.grow(200)
  await n1.waitFor({ applied: written.index }, { timeoutMs: 60_000 })
  t.match(await writeAgain(n1), { index: Number })
})
