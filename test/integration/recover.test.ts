import { join } from 'node:path'
import t from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import { lmdbStore } from '../../lib/log/stores.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import type { ListItem } from '../fixtures/machines/list.js'
import { fateOf } from '../node/fixtures/callers.js'
import { listMachine, TcpCluster } from './support/tcp-cluster.js'

/** Recovery after the loss of the quorum, on LMDB and files. */

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

const durableMachine = () =>
  stateMachine(new URL('../fixtures/machines/durable.js', import.meta.url))

t.test('a directory in use is not recovered; afterwards one node goes on alone', async (t) => {
  const cluster = await TcpCluster.start(t, { config })
  const leader = await cluster.leader()
  await write(leader, 'entry', 30)
  await cluster.settle()
  await leader.snapshot()
  const last = await write(leader, 'behind the snapshot', 10)
  await cluster.settle()
  const servers = cluster.members.slice(0, 1)
  const recover = (more: object = {}) =>
    RaftNode.recover({
      dataDir: cluster.dataDir('n1'),
      store: lmdbStore(),
      stateMachine: listMachine(),
      servers,
      ...more,
    })
  t.match(await fateOf(recover()), /^RAFT_DATA_DIR_LOCKED/)
  const expected = await texts(leader)
  await cluster.close()
  t.match(await fateOf(recover({ cluster: 'other' })), /^RAFT_DATA_DIR_FOREIGN/)
  t.match(
    await fateOf(recover({ dataDir: join(cluster.dir, 'nothing') })),
    /^RAFT_NOT_BOOTSTRAPPED/,
  )
  const plan = await recover({ dryRun: true })
  t.match(plan, { id: 'n1', dryRun: true, already: false })
  t.ok(plan.lastIndex >= last)
  t.match(await recover(), { ...plan, dryRun: false })
  t.match(await recover(), { already: true })
  const alone = await cluster.start('n1')
  await alone.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })
  t.same(await texts(alone), expected)
  await write(alone, 'alone', 3)
  t.equal((await texts(alone)).length, expected.length + 3)
})

t.test('a machine that keeps its own state is recovered with what it holds', async (t) => {
  const cluster = await TcpCluster.start(t, { config, stateMachine: durableMachine })
  const leader = await cluster.leader()
  await write(leader, 'entry', 12)
  await cluster.settle()
  await cluster.close()
  const dataDir = cluster.dataDir('n2')
  const servers = cluster.members.slice(1, 2)
  const options = { dataDir, store: lmdbStore(), stateMachine: durableMachine(), servers }
  t.match(await RaftNode.recover(options), { id: 'n2', already: false })
  const alone = await cluster.start('n2')
  await alone.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })
  t.equal((await texts(alone)).length, 12)
  await write(alone, 'alone', 1)
  await cluster.stop('n2')
  const again = await cluster.start('n2')
  await again.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })
  t.equal((await texts(again)).length, 13)
})
