import t from 'tap'
import { fakeService } from './fake-replica.js'

t.test('a value is put and got as raw bytes, with its revision as ETag', async (t) => {
  const { app, node } = fakeService()
  const payload = Buffer.from([0, 255, 13, 10, 128])
  const put = await app.inject({ method: 'PUT', url: '/kv/a', payload })
  t.equal(put.statusCode, 200)
  t.strictSame(put.json(), { index: 11, revision: 11 })
  t.match(put.headers, { 'troupe-index': '11', etag: '"11"' })
  t.match(node.applies, [{ forward: true }])
  const got = await app.inject('/kv/a')
  t.strictSame(got.rawPayload, payload)
  t.match(got.headers, {
    'content-type': 'application/octet-stream',
    'content-length': '5',
    'x-content-type-options': 'nosniff',
    'content-security-policy': /sandbox/,
    'cache-control': 'no-store',
    'troupe-index': '11',
    etag: '"11"',
  })
})

t.test('a body is the value whatever its Content-Type, also an empty one', async (t) => {
  const { app } = fakeService()
  const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'odd', '']
  for (const type of types) {
    const headers = type === '' ? {} : { 'content-type': type }
    await app.inject({ method: 'PUT', url: '/kv/a', payload: '{no json', headers })
    t.equal((await app.inject('/kv/a')).body, '{no json', type)
  }
  t.equal((await app.inject({ method: 'PUT', url: '/kv/empty' })).statusCode, 200)
  const empty = await app.inject('/kv/empty')
  t.equal(empty.statusCode, 200)
  t.equal(empty.rawPayload.length, 0)
})

t.test('HEAD answers like GET, without a body', async (t) => {
  const { app } = fakeService()
  await app.inject({ method: 'PUT', url: '/kv/a', payload: 'abc' })
  const head = await app.inject({ method: 'HEAD', url: '/kv/a' })
  t.equal(head.body, '')
  t.match(head.headers, { 'content-length': '3', etag: '"11"' })
  t.equal((await app.inject({ method: 'HEAD', url: '/kv/b' })).statusCode, 404)
})

t.test('a missing key is 404, with the index that the answer is from', async (t) => {
  const { app } = fakeService()
  const got = await app.inject('/kv/nothing')
  t.equal(got.statusCode, 404)
  t.equal(got.json().error.code, 'KV_KEY_NOT_FOUND')
  t.equal(got.headers['troupe-index'], '10')
})

t.test('DELETE answers whether the key was there', async (t) => {
  const { app } = fakeService()
  await app.inject({ method: 'PUT', url: '/kv/a', payload: 'abc' })
  const first = await app.inject({ method: 'DELETE', url: '/kv/a' })
  t.strictSame(first.json(), { index: 12, deleted: true })
  t.equal(first.headers['troupe-index'], '12')
  const second = await app.inject({ method: 'DELETE', url: '/kv/a' })
  t.strictSame(second.json(), { index: 13, deleted: false })
})

t.test('a key is all after /kv/, percent-decoded once', async (t) => {
  const { app } = fakeService()
  const keys = {
    '/kv/a/b': 'a/b',
    '/kv/a%2Fb%2Fc': 'a/b/c',
    '/kv/100%25': '100%',
    '/kv/%2541': '%41',
    '/kv/%3Fq%23h': '?q#h',
    '/kv/a+b': 'a+b',
    '/kv/%D0%BA%20%F0%9F%98%80': 'к 😀',
    '/kv/..%2F': '../',
    '/kv//x//': '/x//',
    '/kv/a;b': 'a;b',
    '/kv/%00': '\0',
  }
  for (const [url, key] of Object.entries(keys)) {
    t.equal((await app.inject({ method: 'PUT', url, payload: url })).statusCode, 200, url)
    const list = await app.inject(`/kv?prefix=${encodeURIComponent(key)}&limit=1`)
    t.equal(list.json().items[0]?.key, key)
    t.equal((await app.inject(url)).body, url)
  }
})

t.test('keys of 1 to 1024 bytes are accepted, others are 400', async (t) => {
  const { app } = fakeService()
  const put = async (url: string) =>
    (await app.inject({ method: 'PUT', url, payload: 'x' })).statusCode
  t.equal(await put(`/kv/${'x'.repeat(1024)}`), 200)
  t.equal(await put(`/kv/${'%C3%A9'.repeat(512)}`), 200)
  t.equal(await put(`/kv/${'x'.repeat(1025)}`), 400)
  t.equal(await put(`/kv/${'%C3%A9'.repeat(513)}`), 400)
  t.equal(await put('/kv/'), 400)
  t.equal(await put('/kv/%ff'), 400)
  t.equal(await put('/kv/%zz'), 400)
  t.equal((await app.inject(`/kv/${'x'.repeat(1025)}`)).statusCode, 400, 'of a reader too')
})

t.test('If-Match and If-None-Match: * write only when they hold', async (t) => {
  const { app } = fakeService()
  const put = async (headers: Record<string, string>, method: 'PUT' | 'DELETE' = 'PUT') =>
    app.inject({ method, url: '/kv/a', payload: 'x', headers })
  t.equal((await put({ 'if-match': '"10"' })).statusCode, 412)
  t.equal((await put({ 'if-none-match': '*' })).json().revision, 12)
  const refused = await put({ 'if-none-match': '*' })
  t.equal(refused.statusCode, 412)
  t.match(refused.json(), { error: { code: 'RAFT_COMMAND_REJECTED', outcome: 'committed' } })
  t.equal(refused.headers['troupe-index'], '13')
  t.equal((await put({ 'if-match': '"12"' })).json().revision, 14)
  t.equal((await put({ 'if-match': '"12"' }, 'DELETE')).statusCode, 412)
  t.equal((await put({ 'if-match': '"14"' }, 'DELETE')).json().deleted, true)
})

t.test('conditions that could never be meant are 400', async (t) => {
  const { app, node } = fakeService()
  const bad: Record<string, string>[] = [
    { 'if-match': '12' },
    { 'if-match': '"abc"' },
    { 'if-match': '"0"' },
    { 'if-match': 'W/"12"' },
    { 'if-match': '"1", "2"' },
    { 'if-match': '*' },
    { 'if-none-match': '"12"' },
    { 'if-match': '"1"', 'if-none-match': '*' },
  ]
  for (const headers of bad) {
    const { statusCode } = await app.inject({ method: 'PUT', url: '/kv/a', headers })
    t.equal(statusCode, 400, JSON.stringify(headers))
  }
  t.equal(node.applies.length, 0)
})

t.test('a reader that has the revision already gets 304', async (t) => {
  const { app } = fakeService()
  await app.inject({ method: 'PUT', url: '/kv/a', payload: 'x' })
  const get = async (tag: string) =>
    (await app.inject({ url: '/kv/a', headers: { 'if-none-match': tag } })).statusCode
  t.equal(await get('"11"'), 304)
  t.equal(await get('W/"11", "9"'), 304)
  t.equal(await get('"9"'), 200)
})

t.test('consistency, minIndex and maxStalenessMs reach the query', async (t) => {
  const { app, node } = fakeService()
  await app.inject('/kv/a')
  await app.inject('/kv/a?consistency=stale&minIndex=7&maxStalenessMs=250')
  await app.inject('/kv/a?consistency=lease')
  t.match(node.queries, [
    { consistency: 'linearizable' },
    { consistency: 'stale', minIndex: 7, maxStalenessMs: 250 },
    { consistency: 'lease' },
  ])
})

t.test('bad and unknown parameters are 400', async (t) => {
  const { app, node } = fakeService()
  const bad = [
    'consistency=strong',
    'minIndex=-1',
    'minIndex=1.5',
    'minIndex=',
    'minIndex=99999999999999999',
    'consistency=stale&maxStalenessMs=x',
    'maxStalenessMs=100',
    'consistency=lease&consistency=lease',
    'colour=red',
    'limit=5',
  ]
  for (const query of bad) t.equal((await app.inject(`/kv/a?${query}`)).statusCode, 400, query)
  t.equal((await app.inject({ method: 'PUT', url: '/kv/a?minIndex=1' })).statusCode, 400)
  t.equal((await app.inject({ method: 'DELETE', url: '/kv/a?x' })).statusCode, 400)
  t.equal((await app.inject('/status?verbose=1')).statusCode, 400)
  t.strictSame([node.queries, node.applies], [[], []])
})

t.test('a value of 4 MiB is accepted, one byte more is 413', async (t) => {
  const { app, node } = fakeService()
  const limit = 4 * 1024 * 1024
  const put = (size: number) =>
    app.inject({ method: 'PUT', url: '/kv/a', payload: Buffer.alloc(size, 1) })
  t.equal((await put(limit)).statusCode, 200)
  t.equal((await app.inject('/kv/a')).rawPayload.length, limit)
  const refused = await put(limit + 1)
  t.equal(refused.statusCode, 413)
  t.match(refused.json(), { error: { code: 'RAFT_ENTRY_TOO_LARGE', outcome: 'rejected' } })
  t.equal(node.applies.length, 1)
})

t.test('an Idempotency-Key that is none is refused before anything is proposed', async (t) => {
  const { app, node } = fakeService()
  for (const key of ['', '  ', 'x'.repeat(256), 'caf\u00e9']) {
    const headers = { 'idempotency-key': key }
    const answer = await app.inject({ method: 'PUT', url: '/kv/a', headers })
    t.equal(answer.statusCode, 400)
    t.match(answer.json().error.message, /Idempotency-Key is 1 to 255/)
  }
  t.equal(node.applies.length, 0)
})
