import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { type KvServerOptions, startKvService } from '../../lib/kv/service.js'
import { TestAuthority } from '../helpers/certificates.js'
import { overHttps } from '../helpers/https-client.js'
import { FakeReplica } from './fake-replica.js'

const names = ['DNS:localhost', 'IP:127.0.0.1']
const data = 'data-token-data-token'
const admin = 'admin-token-admin-token'

async function secured(t: Test, options: Partial<KvServerOptions> = {}) {
  const authority = new TestAuthority(t.testdir({}))
  authority.issue('http', names)
  writeFileSync(authority.path('token'), admin)
  const service = await startKvService({
    node: new FakeReplica(),
    listen: '127.0.0.1:0',
    tls: { cert: authority.path('http.pem'), key: authority.path('http.key') },
    tokens: { data, admin: { file: authority.path('token') } },
    reloadIntervalMs: 0,
    ...options,
  })
  t.teardown(() => service.close())
  return { service, authority, ca: authority.ca }
}

t.test(
  'over HTTPS with its token a client writes and reads; plain HTTP gets nothing',
  async (t) => {
    const { service, ca } = await secured(t)
    t.match(service.url, /^https:\/\/127\.0\.0\.1:\d+$/)
    const url = `${service.url}/kv/a`
    t.equal((await overHttps(url, { ca, token: data, method: 'PUT', body: 'x' })).status, 200)
    t.match(await overHttps(url, { ca, token: data }), { status: 200, body: 'x' })
    t.equal((await overHttps(url, { ca })).status, 401)
    await t.rejects(fetch(url.replace('https', 'http')))
    await t.rejects(overHttps(url, { ca: new TestAuthority(t.testdir({})).ca, token: data }))
    t.equal((await overHttps(`${service.url}/healthz`, { ca })).status, 200, 'it goes on')
  },
)

t.test('only pages that came over TLS from this node may ask it', async (t) => {
  const { service, ca } = await secured(t)
  const status = async (origin: string) => {
    const headers = { origin }
    return (await overHttps(`${service.url}/healthz`, { ca, headers })).status
  }
  t.equal(await status(service.url), 200)
  t.equal(await status(service.url.replace('https', 'http')), 403)
  t.equal(await status('https://evil.example'), 403)
})

t.test('a new certificate and new tokens are used from the reload on', async (t) => {
  const { service, authority, ca } = await secured(t)
  const before = await overHttps(`${service.url}/healthz`, { ca })
  t.equal(await service.reload(), false, 'nothing has changed')
  authority.issue('http', names)
  writeFileSync(authority.path('token'), `another-${admin}\n`)
  t.equal(await service.reload(), true)
  const after = await overHttps(`${service.url}/diagnostics`, { ca, token: `another-${admin}` })
  t.equal(after.status, 200)
  t.not(after.fingerprint, before.fingerprint)
  t.equal((await overHttps(`${service.url}/diagnostics`, { ca, token: admin })).status, 401)
})

t.test('a half finished rotation changes nothing, and is told once', async (t) => {
  const told: object[] = []
  const logger = { error: (fields: object) => void told.push(fields) }
  const { service, authority, ca } = await secured(t, { logger })
  authority.issue('next', names)
  renameSync(authority.path('next.pem'), authority.path('http.pem'))
  await t.rejects(service.reload(), { code: 'RAFT_CONFIG_INVALID', message: /not the key of/ })
  t.equal((await overHttps(`${service.url}/diagnostics`, { ca, token: admin })).status, 200)
  renameSync(authority.path('next.key'), authority.path('http.key'))
  t.equal(await service.reload(), true)
})

t.test('the files are looked at from time to time', async (t) => {
  const logged: string[] = []
  let heard = () => {}
  const logger = {
    error: (fields: object, message: string) => logged.push(`${JSON.stringify(fields)} ${message}`),
    info: () => heard(),
  }
  const { authority } = await secured(t, { reloadIntervalMs: 1, logger })
  const changed = new Promise<void>((resolve) => {
    heard = resolve
  })
  writeFileSync(authority.path('next-token'), `third-${admin}`)
  renameSync(authority.path('next-token'), authority.path('token'))
  await changed
  t.same(logged, [])
})

t.test(
  'beyond this machine it takes both a certificate and tokens, or the word insecure',
  async (t) => {
    const authority = new TestAuthority(t.testdir({}))
    const { cert, key } = authority.issue('http', names)
    const node = new FakeReplica()
    const start = (options: Partial<KvServerOptions>) =>
      startKvService({ node, listen: '0.0.0.0:0', ...options })
    const tls = { cert, key }
    for (const lacking of [{}, { tls }, { tokens: { data, admin } }]) {
      await t.rejects(start(lacking), { code: 'RAFT_INSECURE_LISTEN' })
    }
    for (const enough of [{ tls, tokens: { admin } }, { insecure: true }]) {
      await (await start(enough)).close()
    }
    await t.rejects(start({ tls: { cert, key: 'nowhere.key' }, insecure: true }), {
      code: 'RAFT_CONFIG_INVALID',
    })
  },
)

async function hungConnection(address: string, bytes: string): Promise<string> {
  const [host = '', port] = address.split(':')
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  socket.write(bytes)
  return text(socket)
}

t.test('heads that never end, and connections that ask nothing, are cut off', async (t) => {
  const node = new FakeReplica()
  const limits = { headTimeoutMs: 50, idleTimeoutMs: 50, maxHeadBytes: 2048 }
  const service = await startKvService({ node, listen: '127.0.0.1:0', limits })
  t.teardown(() => service.close())
  const { address } = service
  t.match(await hungConnection(address, 'GET / HTTP/1.1\r\nHost: loc'), /^HTTP\/1.1 408 /)
  t.match(await hungConnection(address, ''), /^(HTTP\/1.1 408 |$)/)
  const whole = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
  t.match(await hungConnection(address, whole), /^HTTP\/1.1 200 /, 'and then it is idle')
  const long = `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(2048)}\r\n\r\n`
  t.match(await hungConnection(address, long), /^HTTP\/1.1 431 /)
})

t.test('a client that does not read its answer is cut off', async (t) => {
  const node = new FakeReplica()
  const limits = { stallTimeoutMs: 50 }
  const service = await startKvService({ node, listen: '127.0.0.1:0', limits })
  t.teardown(() => service.close())
  await fetch(`${service.url}/kv/big`, { method: 'PUT', body: new Uint8Array(4 * 1024 * 1024 - 8) })
  const [host = '', port] = service.address.split(':')
  const socket = connect(Number(port), host)
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  const ask = 'GET /kv/big HTTP/1.1\r\nHost: localhost\r\n\r\n'
  socket.write(ask.repeat(16))
  await once(socket, 'data')
  socket.pause()
  // Nothing tells a client that does not read; the service closes only when all connections have ended.
  const closed = service.close({ timeoutMs: 60_000 })
  t.teardown(() => closed)
  await closed
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
  })
  socket.resume()
  await once(socket, 'close')
  t.ok(received < 16 * 4 * 1024 * 1024, `${received} bytes`)
})
