import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import { memoryStore } from '../../lib/log/stores.js'
import type { RaftEventOrGap } from '../../lib/node/events.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import { memoryNetwork, memoryTransport } from '../../lib/transport/memory-transport.js'
import { errorOf, fateOf } from './fixtures/callers.js'
import { counter, counters } from './fixtures/counter-cluster.js'

t.test('a command through any node is applied on all, and read linearizably on any', async (t) => {
  await using cluster = await counters()
  let total = 0
  for (const node of cluster.nodes) {
    total++
    t.match(await node.apply({ add: 1 }, { forward: true }), { result: total })
    for (const reader of cluster.nodes) {
      t.match(await reader.query('total'), { result: { total } })
      t.match(await reader.query('total', { consistency: 'lease' }), { result: { total } })
    }
  }
})

t.test('one can read one’s own write from a follower by its index', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const { index } = await leader.apply({ add: 5 })
  for (const node of cluster.nodes) {
    const answer = await node.query('total', { consistency: 'stale', minIndex: index })
    t.match(answer, { result: { total: 5 } })
    t.ok(answer.index >= index)
  }
})

t.test('the queries proxy calls methods by name and tells of missing ones', async (t) => {
  await using cluster = await counters()
  const [node] = cluster.nodes
  const queries = node?.queries({ consistency: 'linearizable' })
  t.equal(await queries?.plus(2), 2)
  t.equal(await queries?.describe('<', '>'), '<0>')
  t.equal(
    (queries as { then?: unknown }).then,
    undefined,
    'it can be returned from an async function',
  )
  const missing = (queries as unknown as { nothing(): Promise<void> }).nothing()
  t.match(await errorOf(missing), { message: /nothing/ })
})

t.test(
  'a refused command is refused on every replica and leaves the state as it was',
  async (t) => {
    await using cluster = await counters()
    const [node] = cluster.nodes
    const error = await errorOf(node?.apply({ add: -1 }, { forward: true }) ?? Promise.resolve())
    t.match(error, {
      code: 'RAFT_COMMAND_REJECTED',
      outcome: 'committed',
      details: { code: 'NEGATIVE', details: { total: 0 } },
    })
    t.match(await node?.query('total'), { result: { total: 0 } })
  },
)

t.test('applyBatch gives consecutive indexes, barrier and verifyLeader an index', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const { firstIndex, results } = await leader.applyBatch([{ add: 1 }, { add: -9 }, { add: 2 }])
  t.match(results, [{ ok: true, value: 1 }, { ok: false }, { ok: true, value: 3 }])
  const barrier = await leader.barrier()
  t.equal(barrier, firstIndex + 3)
  t.ok((await leader.verifyLeader()) >= barrier)
  t.ok((await leader.readIndex()) >= barrier)
  const follower = cluster.nodes.find((node) => node !== leader)
  t.ok(((await follower?.readIndex()) ?? 0) >= barrier)
  t.match(await errorOf(follower?.verifyLeader() ?? Promise.resolve()), {
    code: 'RAFT_NOT_LEADER',
    details: { leader: { id: leader.id, address: leader.id } },
  })
})

t.test('leadership can be handed over, and waited for', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const next = cluster.nodes.find((node) => node !== leader)
  const leads = next?.waitFor({ state: 'leader' }, { timeoutMs: 5000 })
  await leader.transferLeadership(next?.id)
  await leads
  await leader.waitFor({ leader: next?.id ?? '' }, { timeoutMs: 5000 })
  t.equal(leader.leader?.id, next?.id)
  t.match(await leader.apply({ add: 1 }, { forward: true }), { result: 1 })
})

t.test('a node that is started again finds what it had', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const { index } = await leader.apply({ add: 7 })
  const [follower] = cluster.nodes.filter((node) => node !== leader)
  const id = follower?.id ?? ''
  await cluster.stop(id)
  const again = await cluster.start(id)
  await again.waitFor({ applied: index }, { timeoutMs: 5000 })
  t.match(await again.query('total', { consistency: 'stale' }), { result: { total: 7 } })
})

t.test('closing the leader with transfer hands over before it ends', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const { term } = leader.stats()
  await leader.close({ transfer: true })
  t.strictSame(await leader.closed, { reason: 'closed' })
  t.equal(leader.state, 'closed')
  const next = await cluster.leader()
  t.not(next.id, leader.id)
  t.equal(next.stats().term, term + 1, 'no election had to be waited for')
})

t.test('closing settles a thousand pending proposals, each with a typed error', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const pending = Array.from({ length: 1000 }, () => leader.apply({ add: 1 }))
  const settled = Promise.allSettled(pending)
  await leader.close()
  for (const result of await settled) {
    if (result.status === 'fulfilled') continue
    t.match(result.reason, { code: 'RAFT_CLOSED', outcome: /^(rejected|unknown)$/ })
  }
  t.equal(await fateOf(leader.apply({ add: 1 })), 'RAFT_CLOSED rejected')
  t.equal(await fateOf(leader.query('total')), 'RAFT_CLOSED -')
  t.equal(await fateOf(leader.waitFor({ leader: true })), 'RAFT_CLOSED -')
  await leader.close()
})

t.test('events tell of leaders, with node and time', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const [other] = cluster.nodes.filter((node) => node !== leader)
  const seen: RaftEventOrGap[] = []
  const reading = (async () => {
    for await (const event of other?.events() ?? []) seen.push(event)
  })()
  const heard = new Promise((resolve) => other?.on('leader', resolve))
  await leader.transferLeadership(other?.id)
  t.match(await heard, { kind: 'leader', node: other?.id, at: Number })
  await other?.close()
  await reading
  t.ok(seen.some(({ kind }) => kind === 'state'))
})

t.test('configuration and stats show the cluster', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  t.match(await leader.configuration(), {
    index: 1,
    servers: [{ id: 'n1', suffrage: 'voter' }, { id: 'n2' }, { id: 'n3' }],
  })
  t.match(leader.stats(), { id: leader.id, cluster: 'test', state: 'leader', voters: 3 })
  t.ok(leader.stats().actors.some(({ name }) => name === 'log'))
})

t.test('bootstrap is idempotent and refuses another list', async (t) => {
  const network = memoryNetwork()
  const node = await RaftNode.start({
    cluster: 'test',
    id: 'n1',
    transport: memoryTransport(network, 'n1'),
    store: memoryStore(),
    stateMachine: counter(),
    threads: 'compact',
    config: { heartbeatTimeoutMs: 100 },
  })
  t.teardown(() => node.close())
  t.equal(await fateOf(node.apply({ add: 1 })), 'RAFT_NOT_BOOTSTRAPPED rejected')
  const list = [{ id: 'n1', address: 'n1' }]
  t.strictSame(await node.bootstrap(list), { bootstrapped: true })
  await node.waitFor({ state: 'leader' }, { timeoutMs: 5000 })
  t.match(await node.apply({ add: 1 }), { result: 1 })
  t.strictSame(await node.bootstrap(list), { bootstrapped: false })
  const other = [...list, { id: 'n2', address: 'n2' }]
  t.equal(await fateOf(node.bootstrap(other)), 'RAFT_BOOTSTRAP_MISMATCH rejected')
})

t.test('a state machine that cannot be made fails the start, and nothing is left', async (t) => {
  const started = RaftNode.start({
    cluster: 'test',
    id: 'n1',
    transport: memoryTransport(memoryNetwork(), 'n1'),
    store: memoryStore(),
    stateMachine: inlineStateMachine((): never => {
      throw new Error('no machine today')
    }),
    threads: 'compact',
  })
  t.match(await errorOf(started), {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: /no machine today/,
  })
})

t.test('a state machine that keeps failing at one entry fails the node', async (t) => {
  const failing = () =>
    inlineStateMachine(() => ({
      apply(): void {
        throw new TypeError('cannot')
      },
      snapshot: () => ({ persist() {} }),
      restore() {},
    }))
  const node = await RaftNode.start({
    cluster: 'test',
    id: 'n1',
    transport: memoryTransport(memoryNetwork(), 'n1'),
    store: memoryStore(),
    stateMachine: failing(),
    bootstrap: [{ id: 'n1', address: 'n1' }],
    threads: 'compact',
    config: { heartbeatTimeoutMs: 100 },
  })
  await node.waitFor({ state: 'leader' }, { timeoutMs: 5000 })
  const result = errorOf(node.apply(new Uint8Array(1)))
  const { reason, error } = await node.closed
  t.equal(reason, 'failed')
  t.match(error, { code: 'RAFT_STATE_MACHINE_FAILED', message: /cannot/ })
  t.match((await result).outcome, /unknown|committed/)
  await node.close()
})
