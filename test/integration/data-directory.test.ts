import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { RaftNode } from '../../lib/node/raft-node.js'
import type { ListItem } from '../fixtures/machines/list.js'
import type { StartReport, StartSetup } from '../fixtures/programs/start-node.js'
import { errorOf, fateOf } from '../node/fixtures/callers.js'
import { busy } from './support/leftovers.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** S16: a data directory belongs to one node of one cluster, and to one process at a time. */

function startElsewhere(setup: StartSetup) {
  const script = new URL('../fixtures/programs/start-node.js', import.meta.url)
  const child = fork(script, [JSON.stringify(setup)])
  const report = once(child, 'message').then(([message]) => message as StartReport)
  return { child, report }
}

async function texts(node: RaftNode): Promise<readonly string[]> {
  const { result } = await node.query('all' as never)
  return (result as readonly ListItem[]).map(({ text }) => text)
}

t.test('a second process on the same directory is refused, and the first goes on', async (t) => {
  const cluster = await TcpCluster.start(t, { nodes: 1 })
  const [node] = cluster.nodes
  const setup = { cluster: 'integration', id: 'n1', dataDir: cluster.dataDir('n1') }
  const { child, report } = startElsewhere(setup)
  const message = new RegExp(`${setup.dataDir} is in use by process ${process.pid};`)
  t.match(await report, { started: false, code: 'RAFT_DATA_DIR_LOCKED', message })
  await once(child, 'exit')
  const again = cluster.start('n1', { id: 'n1' })
  t.match(await errorOf(again), { code: 'RAFT_DATA_DIR_LOCKED', message: /this process/ })
  await node?.apply(Buffer.from('still here'))
  t.same(await texts(node as RaftNode), ['still here'])
})

t.test('the directory of a process that was killed is free', async (t) => {
  const cluster = await TcpCluster.make({ nodes: 1 })
  t.teardown(() => cluster.remove())
  const setup = { cluster: 'integration', id: 'n1', dataDir: cluster.dataDir('n1') }
  const { child, report } = startElsewhere(setup)
  t.match(await report, { started: true })
  const locked = cluster.start('n1')
  const message = new RegExp(`in use by process ${child.pid};`)
  t.match(await errorOf(locked), { code: 'RAFT_DATA_DIR_LOCKED', message })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const node = await cluster.start('n1')
  await node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
})

t.test('the directory of another node or cluster is refused and left as it was', async (t) => {
  const cluster = await TcpCluster.start(t, { nodes: 1 })
  await cluster.nodes[0]?.apply(Buffer.from('mine'))
  await cluster.close()
  const before = await busy()
  for (const [what, message] of [
    [{ cluster: 'another' }, /n1 of cluster integration, not to node n1 of cluster another/],
    [
      { id: 'n7', bootstrap: [{ id: 'n7', address: cluster.address('n1') }] },
      /n1 of cluster integration, not to node n7/,
    ],
  ] as const) {
    const error = await errorOf(cluster.start('n1', what))
    t.match(error, { code: 'RAFT_DATA_DIR_FOREIGN', message })
    t.same(await busy(before), before, 'nothing of the attempt is left')
  }
  const node = await cluster.start('n1')
  await node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
  t.same(await texts(node), ['mine'])
})

/** Who knows better may be reached only after `start` has resolved; the node then ends by itself. */
async function refusal(cluster: TcpCluster, id: string): Promise<unknown> {
  try {
    const node = await cluster.start(id)
    const { error } = await node.closed
    return error
  } catch (error) {
    return error
  } finally {
    await cluster.stop(id)
  }
}

t.test('a node whose directory was deleted is refused, and nothing is lost', async (t) => {
  const cluster = await TcpCluster.start(t)
  const [follower] = await cluster.followers()
  const id = follower?.id ?? ''
  const leader = await cluster.leader()
  await leader.apply(Buffer.from('acknowledged'))
  await cluster.stop(id)
  await rm(cluster.dataDir(id), { recursive: true })
  for (let attempt = 1; attempt <= 2; attempt++) {
    const message = /was known here as incarnation/
    t.match(await refusal(cluster, id), { code: 'RAFT_LOST_STATE', message })
  }
  await leader.apply(Buffer.from('goes on'))
  t.same(await texts(leader), ['acknowledged', 'goes on'])
  await cluster.stop(leader.id)
  const [last] = cluster.nodes
  // Until it misses its leader it would send the command there, and could not know what became of it.
  await last?.waitFor({ state: 'preCandidate' }, { timeoutMs: 20_000 })
  const alone = last?.apply(Buffer.from('alone'), { timeoutMs: 500, forward: true })
  t.match(await fateOf(alone ?? Promise.resolve()), /rejected/, 'no quorum with an amnesiac')
  t.match(await refusal(cluster, id), { code: 'RAFT_LOST_STATE' })
  await cluster.start(leader.id)
  await cluster.settle()
  for (const node of cluster.nodes) t.same(await texts(node), ['acknowledged', 'goes on'])
})

t.test('a directory that was moved elsewhere is the node’s all the same', async (t) => {
  const cluster = await TcpCluster.start(t)
  const leader = await cluster.leader()
  const [follower] = await cluster.followers()
  const id = follower?.id ?? ''
  const { index } = await leader.apply(Buffer.from('before'))
  await cluster.stop(id)
  const dataDir = join(cluster.dir, 'elsewhere')
  await rename(cluster.dataDir(id), dataDir)
  const moved = await cluster.start(id, { dataDir })
  await moved.waitFor({ applied: index }, { timeoutMs: 10_000 })
})

t.test('a follower that comes back with an old copy of its directory is noticed', async (t) => {
  const cluster = await TcpCluster.start(t)
  const leader = await cluster.leader()
  const [follower] = await cluster.followers()
  const id = follower?.id ?? ''
  const copy = join(cluster.dir, 'copy')
  await cluster.stop(id)
  await cp(cluster.dataDir(id), copy, { recursive: true })
  const again = await cluster.start(id)
  const { index } = await leader.apply(Buffer.from('acknowledged by all'))
  await again.waitFor({ applied: index })
  await cluster.stop(id)
  await rm(cluster.dataDir(id), { recursive: true })
  await rename(copy, cluster.dataDir(id))
  const noticed = new Promise((resolve) => {
    leader.on('peer', (event) => {
      if (event.change === 'refused') resolve(event)
    })
  })
  await cluster.start(id)
  t.match(await noticed, { peer: id, reason: /lost entries/ })
  const [third] = cluster.nodes.filter((node) => node !== leader && node.id !== id)
  await cluster.stop(third?.id ?? '')
  const alone = leader.apply(Buffer.from('alone'), { timeoutMs: 1000 })
  t.match(await errorOf(alone), { outcome: /unknown|rejected/ }, 'it counts for nothing')
})
