import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import { KeyValueMachine } from '../../lib/kv/kv-machine.js'
import type { KvTypes } from '../../lib/kv/replica.js'
import { createKvServer } from '../../lib/kv/service.js'
import { startTestCluster, type TestClusterOptions } from '../../lib/node/testing.js'

type App = ReturnType<typeof createKvServer>

/** Three real nodes, each with its service. */
async function services(t: Test, options: Partial<TestClusterOptions<KvTypes>> = {}) {
  const cluster = await startTestCluster<KvTypes>({
    stateMachine: () => inlineStateMachine(() => new KeyValueMachine()) as never,
    ...options,
  })
  t.teardown(() => cluster.close())
  const app = (id: string): App =>
    createKvServer({ node: cluster.node(id), listen: '127.0.0.1:8701' })
  return { cluster, app, apps: () => cluster.nodes.map(({ id }) => app(id)) }
}

const put = (url: string, payload: string, key: string, more = {}): InjectOptions => ({
  method: 'PUT',
  url,
  payload,
  headers: { 'idempotency-key': key, ...more },
})

/** Everything of an answer that may not differ. */
async function answerOf(app: App, request: InjectOptions) {
  const { statusCode, body, headers } = await app.inject(request)
  return { statusCode, body, etag: headers.etag, index: headers['troupe-index'] }
}

t.test('a write sent to every node with one key is done once and answered alike', async (t) => {
  const { apps, cluster } = await services(t)
  const requests = [
    put('/kv/a', 'one', 'k1'),
    put('/kv/b', 'two', 'k2', { 'if-none-match': '*' }),
    { method: 'DELETE', url: '/kv/a', headers: { 'idempotency-key': 'k3' } },
    {
      method: 'POST',
      url: '/kv',
      payload: {
        ops: [
          { op: 'put', key: 'c', value: '' },
          { op: 'delete', key: 'b' },
        ],
      },
      headers: { 'idempotency-key': 'k4' },
    },
  ] satisfies InjectOptions[]
  for (const request of requests) {
    const [first, ...others] = await Promise.all(apps().map((app) => answerOf(app, request)))
    t.equal(first?.statusCode, 200)
    for (const other of others) t.strictSame(other, first)
  }
  const leader = await cluster.leader()
  t.equal((await leader.query({ kind: 'size' })).result, 1)
})

t.test('a refused condition stays refused, with the index of the refusal', async (t) => {
  const { apps } = await services(t)
  const [app] = apps()
  if (app === undefined) return t.fail('no node')
  const request = put('/kv/a', 'x', 'k1', { 'if-match': '"7"' })
  const first = await answerOf(app, request)
  t.equal(first.statusCode, 412)
  await app.inject({ method: 'PUT', url: '/kv/a', payload: 'y' })
  for (const again of apps()) t.strictSame(await answerOf(again, request), first)
})

t.test('the same key with another method, path, body or condition is 422', async (t) => {
  const { apps } = await services(t)
  const [app, other] = apps()
  if (app === undefined || other === undefined) return t.fail('no node')
  t.equal((await app.inject(put('/kv/a', 'one', 'k'))).statusCode, 200)
  const headers = { 'idempotency-key': 'k' }
  const differing: InjectOptions[] = [
    put('/kv/b', 'one', 'k'),
    put('/kv/a', 'two', 'k'),
    put('/kv/a', 'one', 'k', { 'if-none-match': '*' }),
    { method: 'DELETE', url: '/kv/a', headers },
    { method: 'POST', url: '/kv', payload: { ops: [{ op: 'delete', key: 'a' }] }, headers },
  ]
  for (const request of differing) {
    const answer = await other.inject(request)
    t.equal(answer.statusCode, 422)
    t.match(answer.json().error, {
      code: 'RAFT_IDEMPOTENCY_KEY_REUSED',
      outcome: 'rejected',
      message: /another request/,
    })
  }
  t.equal((await app.inject('/kv/a')).body, 'one')
})

t.test('a key is remembered by the next leader, and over restarts with snapshots', async (t) => {
  const { cluster, app } = await services(t)
  const request = put('/kv/a', 'one', 'k')
  const leader = await cluster.leader()
  const first = await answerOf(app(leader.id), request)
  t.equal(first.statusCode, 200)
  await cluster.stop(leader.id)
  const next = await cluster.leader()
  t.strictSame(await answerOf(app(next.id), request), first, 'after a change of leaders')
  for (const node of cluster.nodes) {
    await node.waitFor({ applied: Number(first.index) })
    await node.snapshot()
  }
  for (const id of cluster.nodes.map((node) => node.id)) await cluster.stop(id)
  await Promise.all(cluster.ids.map((id) => cluster.start(id)))
  await cluster.leader()
  for (const id of cluster.ids) {
    t.strictSame(await answerOf(app(id), request), first, `after a restart, through ${id}`)
  }
})

t.test('past the most keys that are remembered new ones are 429, certainly not done', async (t) => {
  const { apps } = await services(t, {
    nodes: 1,
    config: { maxIdempotencyKeys: 2, heartbeatTimeoutMs: 200 },
  })
  const [app] = apps()
  if (app === undefined) return t.fail('no node')
  for (const n of [1, 2]) t.equal((await app.inject(put('/kv/a', `${n}`, `k${n}`))).statusCode, 200)
  const refused = await app.inject(put('/kv/a', '3', 'k3'))
  t.equal(refused.statusCode, 429)
  t.match(refused.json().error, { code: 'RAFT_OVERLOADED', outcome: 'rejected' })
  t.equal((await app.inject('/kv/a')).body, '2')
  t.equal((await app.inject(put('/kv/a', '2', 'k2'))).statusCode, 200, 'known ones are answered')
})
