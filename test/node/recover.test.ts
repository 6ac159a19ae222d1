import t from 'tap'
import { MemoryDisk } from '../../lib/log/memory-disk.js'
import { memoryStore } from '../../lib/log/stores.js'
import type { RaftConfig } from '../../lib/node/config.js'
import type { ServerOptions } from '../../lib/node/options.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import { MemorySnapshots } from '../../lib/snapshot/memory-store.js'
import { memorySnapshotStore } from '../../lib/snapshot/stores.js'
import { memoryNetwork, memoryTransport } from '../../lib/transport/memory-transport.js'
import { fateOf } from './fixtures/callers.js'
import { counter } from './fixtures/counter-cluster.js'

/** hashicorp/raft's TestRaft_RecoverCluster*, and what becomes of those that were left behind. */

const config: Partial<RaftConfig> = {
  heartbeatTimeoutMs: 500,
  trailingLogEntries: 10,
  snapshotThresholdEntries: 5,
  snapshotIntervalMs: 50,
}

type CounterNode = Awaited<ReturnType<Disks['start']>>

/** The disks of a cluster, and the nodes that run on them. */
class Disks {
  readonly network = memoryNetwork()
  readonly disks = new Map<
    string,
    { readonly log: MemoryDisk; readonly snapshots: MemorySnapshots }
  >()
  readonly running = new Map<string, CounterNode>()

  of(id: string) {
    const found = this.disks.get(id) ?? { log: new MemoryDisk(), snapshots: new MemorySnapshots() }
    this.disks.set(id, found)
    const { log, snapshots } = found
    return { store: memoryStore({ disk: log }), snapshots: memorySnapshotStore(snapshots) }
  }

  async start(id: string, bootstrap?: readonly string[], more: Partial<RaftConfig> = {}) {
    const node = await RaftNode.start({
      cluster: 'test',
      id,
      transport: memoryTransport(this.network, id),
      ...this.of(id),
      stateMachine: counter(),
      ...(bootstrap && { bootstrap: listOf(bootstrap) }),
      config: { ...config, ...more },
      threads: 'compact',
    })
    this.running.set(id, node)
    return node
  }

  async startAll(ids: readonly string[], bootstrap: readonly string[] = ids): Promise<CounterNode> {
    await Promise.all(ids.map((id) => this.start(id, bootstrap)))
    return this.leader(ids)
  }

  async leader(ids: readonly string[]): Promise<CounterNode> {
    const nodes = ids.map((id) => this.running.get(id) as CounterNode)
    const found = new AbortController()
    const options = { timeoutMs: 15_000, signal: found.signal }
    const leads = nodes.map(async (node) => {
      await node.waitFor({ state: 'leader' }, options)
      return node
    })
    const leader = await Promise.any(leads)
    found.abort()
    await Promise.allSettled(leads)
    return leader
  }

  async stop(...ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.running.get(id)?.close()))
    for (const id of ids) this.running.delete(id)
  }

  recover(id: string, servers: readonly string[], dryRun = false) {
    return RaftNode.recover({
      ...this.of(id),
      stateMachine: counter(),
      servers: listOf(servers),
      dryRun,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(...this.running.keys())
  }
}

function listOf(ids: readonly string[]): readonly ServerOptions[] {
  return ids.map((id) => ({ id, address: id }))
}

async function add(node: CounterNode, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await node.apply({ add: 1 })
}

async function total(node: CounterNode): Promise<number> {
  return (await node.query('total')).result.total
}

const three = ['n1', 'n2', 'n3']

t.test('a directory without state is refused: no initial state', async (t) => {
  await using disks = new Disks()
  await t.rejects(disks.recover('n1', ['n1']), {
    code: 'RAFT_NOT_BOOTSTRAPPED',
    message: /no initial state/,
  })
})

t.test('a configuration that cannot be is refused, and nothing has changed', async (t) => {
  await using disks = new Disks()
  await add(await disks.startAll(three), 3)
  await disks.stop(...three)
  const recover = (servers: readonly ServerOptions[]) =>
    fateOf(RaftNode.recover({ ...disks.of('n1'), stateMachine: counter(), servers }))
  const wrong: readonly (readonly ServerOptions[])[] = [
    [],
    [{ id: 'n1', address: 'n1', suffrage: 'nonvoter' }],
    [...listOf(['n1']), { id: 'n1', address: 'other' }],
    [...listOf(['n1']), { id: 'n2', address: 'n1' }],
    [...listOf(['n1']), { id: '', address: 'n2' }],
    [...listOf(['n1']), { id: 'n2', address: '' }],
    listOf(['n2', 'n3']),
  ]
  for (const servers of wrong) t.match(await recover(servers), /^RAFT_CONFIG_INVALID/)
  t.equal(await total(await disks.startAll(three)), 3)
})

for (const applies of [0, 4, 25]) {
  t.test(`nodes with ${applies} commands are recovered with their old servers`, async (t) => {
    await using disks = new Disks()
    await add(await disks.startAll(three), applies)
    await disks.stop(...three)
    for (const id of three) {
      const before = disks.disks.get(id)?.snapshots.held.size ?? 0
      const report = await disks.recover(id, three)
      t.match(report, { id, cluster: 'test', already: false, dryRun: false })
      const held = [...(disks.disks.get(id)?.snapshots.held.values() ?? [])]
      const at = held.filter(({ stored }) => stored.index === report.lastIndex)
      t.equal(at.length, 1, 'a snapshot at the last entry')
      t.ok(held.length >= before, 'and none was removed')
    }
    const leader = await disks.startAll(three)
    t.equal(await total(leader), applies)
    await add(leader, 1)
    for (const node of disks.running.values()) t.equal(await total(node), applies + 1)
    t.same(
      (await leader.configuration()).servers.map(({ id }) => id),
      three,
    )
  })
}

t.test('a dry run says what would happen and changes nothing', async (t) => {
  await using disks = new Disks()
  await add(await disks.startAll(three), 7)
  await disks.stop(...three)
  const snapshots = [...(disks.disks.get('n1')?.snapshots.held.keys() ?? [])]
  const report = await disks.recover('n1', ['n1'], true)
  t.match(report, { dryRun: true, id: 'n1', already: false, generation: /^1-/ })
  t.same(
    report.before.map(({ id }) => id),
    three,
  )
  t.same(report.after, [{ id: 'n1', address: 'n1', suffrage: 'voter' }])
  t.equal(report.assumedCommitted?.to, report.lastIndex)
  t.same([...(disks.disks.get('n1')?.snapshots.held.keys() ?? [])], snapshots)
  t.equal(await total(await disks.startAll(three)), 7, 'the old cluster goes on')
})

t.test('what members were told of each other outlives a recovery', async (t) => {
  const disks = new Disks()
  const leader = await disks.startAll(['n1'])
  await leader.updateServer('n1', { meta: { http: 'http://h:1' } })
  await leader.close()
  await disks.recover('n1', ['n1'])
  const again = await disks.startAll(['n1'])
  t.match((await again.configuration()).servers, [{ id: 'n1', meta: { http: 'http://h:1' } }])
  await again.close()
})

t.test('recovering again with the same servers changes nothing', async (t) => {
  await using disks = new Disks()
  await add(await disks.startAll(three), 7)
  await disks.stop(...three)
  const first = await disks.recover('n1', ['n1'])
  const again = await disks.recover('n1', ['n1'])
  t.match(again, {
    ...first,
    already: true,
    before: first.after,
    snapshot: {},
    assumedCommitted: null,
  })
  t.equal(await total(await disks.startAll(['n1'])), 7)
})

t.test('one node of three goes on alone, and then with new ones', async (t) => {
  await using disks = new Disks()
  await add(await disks.startAll(three), 20)
  await disks.stop(...three)
  const list = ['n1', 'n4', 'n5']
  t.match(await fateOf(disks.recover('n1', list)), /^RAFT_CONFIG_INVALID/, 'they cannot elect it')
  const servers = list.map((id) => {
    const suffrage = id === 'n1' ? ('voter' as const) : ('nonvoter' as const)
    return { id, address: id, suffrage }
  })
  await RaftNode.recover({ ...disks.of('n1'), stateMachine: counter(), servers })
  await Promise.all([disks.start('n1', three), disks.start('n4'), disks.start('n5')])
  const leader = await disks.leader(['n1'])
  t.equal(await total(leader), 20)
  await add(leader, 5)
  const applied = leader.stats().appliedIndex
  for (const id of list) {
    await disks.running.get(id)?.waitFor({ applied }, { timeoutMs: 15_000 })
    t.equal(await total(disks.running.get(id) as CounterNode), 25, id)
    const { servers } = await (disks.running.get(id) as CounterNode).configuration()
    t.same(
      servers.map((server) => server.id),
      list,
    )
  }
  await leader.addVoter({ id: 'n4', address: 'n4' })
  t.match((await leader.configuration()).servers[1], { id: 'n4', suffrage: 'voter' })
})

t.test(
  'those left behind cannot take the recovered node back, though they are a quorum',
  async (t) => {
    await using disks = new Disks()
    const five = ['n1', 'n2', 'n3', 'n4', 'n5']
    await add(await disks.startAll(five), 10)
    await disks.stop(...five)
    await disks.recover('n1', ['n1', 'n2'])
    await disks.recover('n2', ['n1', 'n2'])
    const leader = await disks.startAll(['n1', 'n2'], five)
    await add(leader, 5)
    const refusals: string[] = []
    for (const id of ['n1', 'n2']) {
      disks.running.get(id)?.on('peer', ({ reason }) => refusals.push(reason))
    }
    // A quorum of the old configuration, with the old data.
    const old = await disks.startAll(['n3', 'n4', 'n5'], five)
    await add(old, 3)
    t.equal(await total(old), 13, 'they are a cluster of their own')
    await add(leader, 5)
    t.equal(await total(disks.running.get('n1') as CounterNode), 20)
    t.equal(await total(disks.running.get('n2') as CounterNode), 20)
    t.ok(
      refusals.some((reason) => /generation/.test(reason)),
      refusals.join('\n'),
    )
    // Emptied, one of them comes back by the same start-up code.
    await disks.stop('n3', 'n4', 'n5')
    disks.disks.delete('n3')
    const back = await disks.start('n3', five)
    await leader.addVoter({ id: 'n3', address: 'n3' })
    await add(leader, 1)
    await back.waitFor({ applied: leader.stats().appliedIndex }, { timeoutMs: 15_000 })
    t.equal(await total(back), 21)
  },
)
