import t from 'tap'
import { fakeService } from './fake-replica.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')

function filled() {
  const service = fakeService()
  const put = (key: string) =>
    service.app.inject({ method: 'PUT', url: `/kv/${encodeURIComponent(key)}`, payload: key })
  const post = (payload: unknown, headers: Record<string, string> = {}) =>
    service.app.inject({
      method: 'POST',
      url: '/kv',
      payload: JSON.stringify(payload),
      headers: { 'content-type': 'application/json', ...headers },
    })
  return { ...service, put, post }
}

t.test('a list gives keys in order with values in base64, page by page', async (t) => {
  const { app, put } = filled()
  for (const key of ['b', 'a/2', 'a/1', 'ключ']) await put(key)
  const all = await app.inject('/kv')
  t.equal(all.headers['troupe-index'], '14')
  t.strictSame(all.json(), {
    index: 14,
    items: [
      { key: 'a/1', value: base64('a/1'), revision: 13 },
      { key: 'a/2', value: base64('a/2'), revision: 12 },
      { key: 'b', value: base64('b'), revision: 11 },
      { key: 'ключ', value: base64('ключ'), revision: 14 },
    ],
    next: null,
  })
  const first = (await app.inject('/kv?limit=1&prefix=a/&values=false')).json()
  t.strictSame(first, { index: 14, items: [{ key: 'a/1', revision: 13 }], next: 'a/1' })
  const second = (await app.inject('/kv?limit=1&prefix=a/&after=a/1&consistency=stale')).json()
  t.match(second, { items: [{ key: 'a/2' }], next: null })
})

t.test('list parameters out of range are 400', async (t) => {
  const { app } = filled()
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=x',
    'values=yes',
    'x=1',
    'prefix=a&prefix=b',
  ]) {
    t.equal((await app.inject(`/kv?${query}`)).statusCode, 400, query)
  }
  t.equal((await app.inject('/kv?limit=1000&values=true&prefix=&after=')).statusCode, 200)
})

t.test('a batch is applied as one write', async (t) => {
  const { app, put, post, node } = filled()
  await put('old')
  const ops = [
    { op: 'put', key: 'a', value: base64('one'), ifAbsent: true },
    { op: 'put', key: 'b', value: '', ifRevision: 0 },
    { op: 'delete', key: 'old', ifRevision: 11 },
    { op: 'delete', key: 'never' },
  ]
  const answer = await post({ ops })
  t.equal(answer.headers['troupe-index'], '12')
  t.strictSame(answer.json(), {
    index: 12,
    results: [{ revision: 12 }, { revision: 12 }, { deleted: true }, { deleted: false }],
  })
  t.match(node.applies[1], { forward: true })
  t.equal((await app.inject('/kv/a')).body, 'one')
})

t.test('a batch with a failed condition says which and changes nothing', async (t) => {
  const { app, put, post } = filled()
  await put('a')
  const ops = [
    { op: 'put', key: 'b', value: base64('x') },
    { op: 'put', key: 'a', value: base64('x'), ifRevision: 10 },
    { op: 'delete', key: 'c', ifRevision: 3 },
  ]
  const answer = await post({ ops })
  t.equal(answer.statusCode, 412)
  t.match(answer.json(), { failed: [1, 2], error: { code: 'RAFT_COMMAND_REJECTED' } })
  t.equal((await app.inject('/kv/b')).statusCode, 404)
})

t.test('128 operations are accepted, 129 or none are 400', async (t) => {
  const { post } = filled()
  const ops = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ op: 'delete', key: `${i}` }))
  t.equal((await post({ ops: ops(128) })).statusCode, 200)
  t.equal((await post({ ops: ops(129) })).statusCode, 400)
  t.equal((await post({ ops: [] })).statusCode, 400)
})

t.test('a malformed batch is 400 and says where', async (t) => {
  const { post, app, node } = filled()
  const op = (fields: object) => ({ ops: [{ op: 'put', key: 'a', value: '', ...fields }] })
  const bad = [
    [],
    {},
    'text',
    null,
    { ops: {} },
    { ops: [1] },
    { ops: [{ op: 'put', key: 'a' }] },
    { ops: [{ op: 'delete', key: 'a', value: '' }] },
    { ...op({}), more: 1 },
    op({ op: 'increment' }),
    op({ key: 7 }),
    op({ key: '' }),
    op({ key: '\ud800' }),
    op({ key: 'x'.repeat(1025) }),
    op({ value: 'not base64!' }),
    op({ value: 'YQ' }),
    op({ value: 5 }),
    op({ ifRevision: -1 }),
    op({ ifRevision: '1' }),
    op({ ifRevision: 1, ifAbsent: true }),
    op({ ifAbsent: 1 }),
    op({ ttl: 3 }),
  ]
  for (const body of bad) t.equal((await post(body)).statusCode, 400, JSON.stringify(body))
  t.match((await post(op({ ttl: 3 }))).json().error.message, 'ops[0]')
  const torn = { method: 'POST', url: '/kv', payload: '{"ops":' } as const
  const headers = { 'content-type': 'application/json' }
  t.equal((await app.inject({ ...torn, headers })).statusCode, 400)
  t.equal((await app.inject({ ...torn, payload: '', headers })).statusCode, 400)
  t.equal((await post(op({}), { 'if-match': '"1"' })).statusCode, 400)
  t.equal(node.applies.length, 0)
})

t.test('JSON without application/json is 415', async (t) => {
  const { app } = filled()
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
  ]) {
    const headers = type === '' ? {} : { 'content-type': type }
    const payload = '{"ops":[]}'
    const answer = await app.inject({ method: 'POST', url: '/kv', payload, headers })
    t.equal(answer.statusCode, 415, type)
    t.equal(answer.json().error.code, 'HTTP_UNSUPPORTED_MEDIA_TYPE')
  }
  t.equal((await app.inject({ method: 'POST', url: '/kv' })).statusCode, 415)
})

t.test('values of a batch beyond 4 MiB together are 413', async (t) => {
  const { post, node } = filled()
  const value = Buffer.alloc(2 * 1024 * 1024 + 1).toString('base64')
  const ops = ['a', 'b'].map((key) => ({ op: 'put', key, value }))
  t.equal((await post({ ops })).statusCode, 413)
  t.equal((await post({ ops: [...ops, ...ops] })).statusCode, 413, 'refused by its length')
  t.equal((await post({ ops: ops.slice(1) })).statusCode, 200)
  t.equal(node.applies.length, 1)
})

t.test('a batch takes its Idempotency-Key along', async (t) => {
  const { node, post } = filled()
  await post({ ops: [{ op: 'delete', key: 'a' }] }, { 'idempotency-key': ' k ' })
  t.match(node.applies.at(-1), { forward: true, idempotencyKey: 'k' })
})
