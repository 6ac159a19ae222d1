import { text as asText } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import type { Entry } from '../../lib/fsm/state-machine.js'
import { machineState } from '../../lib/node/machine-state.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { startTestCluster, type TestClusterOptions } from '../../lib/node/testing.js'
import { DurableList } from '../fixtures/machines/durable.js'
import { List, type ListItem } from '../fixtures/machines/list.js'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

const list = () => inlineStateMachine(() => new List())

type ListTypes = NonNullable<ReturnType<typeof list>['types']>

const lists = (options: Partial<TestClusterOptions<ListTypes>> = {}) =>
  startTestCluster<ListTypes>({ stateMachine: list, ...options })

t.test('a session opens on any node and applies from there', async (t) => {
  await using cluster = await counters()
  for (const node of cluster.nodes) {
    await using session = await node.session()
    t.equal(session.state, 'open')
    const { index, result } = await session.apply({ add: 1 })
    t.ok(index > 0)
    t.type(result, 'number')
  }
  const leader = await cluster.leader()
  t.equal((await leader.query('total')).result.total, 3)
})

t.test('a refusal of the state machine is the command’s result', async (t) => {
  await using cluster = await counters({ nodes: 1 })
  const [node] = cluster.nodes
  if (node === undefined) return t.fail('no node')
  const session = await node.session()
  const error = await errorOf(session.apply({ add: -1 }))
  t.match(error, { code: 'RAFT_COMMAND_REJECTED', details: { code: 'NEGATIVE' } })
  t.equal(session.state, 'open')
})

t.test('a closed session takes nothing more', async (t) => {
  await using cluster = await counters({ nodes: 1 })
  const [node] = cluster.nodes
  if (node === undefined) return t.fail('no node')
  const session = await node.session()
  const last = session.apply({ add: 1 })
  await session.close()
  t.match(await last, { result: 1 }, 'it waited for what was under way')
  t.equal(session.state, 'closed')
  t.equal(await fateOf(session.apply({ add: 1 })), 'RAFT_SESSION_EXPIRED rejected')
  await session.close()
})

t.test('many commands at once, on every node, with leaders changing meanwhile', async (t) => {
  await using cluster = await lists()
  const sessions = await Promise.all(cluster.nodes.map((node) => node.session()))
  const done: Promise<unknown>[] = []
  for (let round = 0; round < 4; round++) {
    for (const [n, session] of sessions.entries()) {
      for (let i = 0; i < 50; i++) {
        done.push(session.apply(bytes(`${n}.${round}.${i}`), { timeoutMs: 30_000 }))
      }
    }
    const leader = await cluster.leader()
    // On a busy machine a transfer may run out of time: then the leader stays.
    if (round % 2 === 0) await leader.transferLeadership().catch(() => {})
    else await flicker(cluster, leader.id)
  }
  await Promise.all(done)
  await onceEach(t, cluster, done.length)
})

t.test(
  'a leader that cannot know what became of its commands: proposed again, applied once',
  async (t) => {
    await using cluster = await lists()
    const leader = await cluster.leader()
    const others = cluster.nodes.filter((node) => node !== leader)
    const session = await leader.session()
    await session.apply(bytes('first'))
    // The followers get the entries, and their answers do not arrive: one of them will commit them.
    for (const { address } of others) cluster.network.partitionOneWay(address, leader.address)
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`)
    const ends = texts.map((text) => session.apply(bytes(text), { timeoutMs: 30_000 }))
    await Promise.any(others.map((node) => node.waitFor({ state: 'leader' })))
    cluster.heal()
    const applied = await Promise.all(ends)
    t.strictSame(
      applied.map(({ result }) => result),
      texts.map((_, i) => i + 2),
      'each was applied at its first place',
    )
    t.ok(applied.every(({ index }, i) => index === (applied[0]?.index ?? 0) + i))
    await onceEach(t, cluster, texts.length + 1)
    const { lastLogIndex } = (await cluster.leader()).stats()
    t.ok(lastLogIndex >= (applied.at(-1)?.index ?? 0) + texts.length, 'they came twice')
  },
)

t.test('an answer that is lost on its way is asked for again', async (t) => {
  await using cluster = await lists()
  const leader = await cluster.leader()
  const client = cluster.nodes.find((node) => node !== leader)
  if (client === undefined) return t.fail('there are followers')
  const session = await client.session()
  // Commands arrive at the leader, and nothing comes back.
  cluster.network.partitionOneWay(leader.address, client.address)
  const before = leader.stats().lastLogIndex
  const ends = ['a', 'b', 'c'].map((text) => session.apply(bytes(text), { timeoutMs: 30_000 }))
  const keyed = client.apply(bytes('k'), { idempotencyKey: 'k', timeoutMs: 30_000 })
  await leader.waitFor({ applied: before + 4 })
  cluster.network.reset(leader.address, client.address)
  cluster.heal()
  const indexes = (await Promise.all([...ends, keyed])).map(({ index }) => index)
  t.ok(
    indexes.every((index) => index <= before + 4),
    'they are answered as of the first time',
  )
  await onceEach(t, cluster, 4)
})

async function flicker(cluster: Awaited<ReturnType<typeof lists>>, id: string): Promise<void> {
  cluster.isolate(id)
  const others = cluster.nodes.filter((node) => node.id !== id)
  await Promise.any(others.map((node) => node.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })))
  cluster.heal()
}

async function onceEach(
  t: Test,
  cluster: Awaited<ReturnType<typeof lists>>,
  expected: number,
): Promise<void> {
  const leader = await cluster.leader()
  const { result } = await leader.query('all', { timeoutMs: 20_000 })
  const texts = (result as readonly { readonly text: string }[]).map(({ text }) => text)
  t.equal(texts.length, expected, 'none lost, none doubled')
  t.equal(new Set(texts).size, expected)
}

t.test('the same idempotency key is applied once and answered alike, from any node', async (t) => {
  await using cluster = await counters()
  const answers = []
  for (const node of [...cluster.nodes, ...cluster.nodes]) {
    answers.push(await node.apply({ add: 5 }, { idempotencyKey: 'order-1' }))
  }
  const [first] = answers
  t.ok(answers.every((answer) => JSON.stringify(answer) === JSON.stringify(first)))
  t.match(first, { result: 5 })
  const [node] = cluster.nodes
  const reused = node?.apply({ add: 6 }, { idempotencyKey: 'order-1' })
  t.equal(await fateOf(reused ?? Promise.resolve()), 'RAFT_IDEMPOTENCY_KEY_REUSED rejected')
  t.equal(
    await fateOf(node?.apply({ add: 6 }, { idempotencyKey: '' }) ?? Promise.resolve()),
    'RAFT_CONFIG_INVALID rejected',
  )
})

t.test('a machine that keeps its own state: once, also over restarts', async (t) => {
  const path = `${t.testdir({})}/list.json`
  await using cluster = await lists({
    nodes: 1,
    stateMachine: () => inlineStateMachine(() => new DurableList(path)),
    config: { heartbeatTimeoutMs: 200, trailingLogEntries: 0 },
  })
  const once = (key: string) => cluster.node('n1').apply(bytes(key), { idempotencyKey: key })
  const early = await once('early')
  await cluster.node('n1').snapshot()
  const late = await once('late')
  for (let restart = 0; restart < 2; restart++) {
    await cluster.stop('n1')
    await cluster.start('n1')
    t.strictSame(await once('early'), early, 'from the snapshot')
    const lost = await errorOf(once('late'))
    t.match(lost, {
      code: 'RAFT_RESULT_LOST',
      outcome: 'committed',
      details: { index: late.index },
    })
  }
  await onceEach(t, cluster, 2)
})

t.test('a session that went unused for too long is over, and says so', async (t) => {
  await using cluster = await lists()
  const leader = await cluster.leader()
  const client = cluster.nodes.find((node) => node !== leader)
  if (client === undefined) return t.fail('there are followers')
  const session = await client.session({ sessionTimeoutMs: 1000 })
  await session.apply(bytes('first'))
  // Cut off it cannot keep its session alive, while log time goes on.
  cluster.isolate(client.id)
  const [first] = await items(leader)
  for (let now = 0; now < (first?.time ?? 0) + 1500; ) {
    await leader.apply(bytes('tick'), { forward: true })
    now = (await items(leader)).at(-1)?.time ?? 0
  }
  cluster.heal()
  t.equal(await fateOf(session.apply(bytes('late'))), 'RAFT_SESSION_EXPIRED rejected')
  t.equal(session.state, 'expired')
  t.notOk((await items(leader)).some(({ text }) => text === 'late'))
  await session.close()
  const next = await client.session()
  t.match(await next.apply(bytes('again')), { index: Number })
})

async function items(node: RaftNode<ListTypes>): Promise<readonly ListItem[]> {
  return (await node.query('all')).result as readonly ListItem[]
}

t.test('an opened snapshot: the machine’s bytes can be told from the sessions', async (t) => {
  await using cluster = await lists({ nodes: 1 })
  const node = cluster.node('n1')
  await node.apply(bytes('one'), { idempotencyKey: 'k' })
  const snapshot = await node.snapshot()
  const text = await asText(machineState(await snapshot.open()))
  t.match(JSON.parse(text), { text: 'one' })
})

t.test(
  'results that went down with the state machine are answered after its restart',
  async (t) => {
    let failures = 0
    class Failing extends List {
      override apply(entry: Entry): number {
        const length = super.apply(entry)
        // Applied, and nobody hears of it: the whole machine is gone.
        if (length === 10 && failures++ === 0) throw new Error('planted')
        return length
      }
    }
    await using cluster = await lists({
      nodes: 1,
      stateMachine: () => inlineStateMachine(() => new Failing()),
    })
    const session = await cluster.node('n1').session()
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`)
    const ends = texts.map((text) => session.apply(bytes(text), { timeoutMs: 30_000 }))
    t.strictSame(
      (await Promise.all(ends)).map(({ result }) => result),
      texts.map((_, i) => i + 1),
    )
    t.equal(failures, 2, 'it failed once, and went past the place when it was replayed')
    await onceEach(t, cluster, 20)
  },
)
