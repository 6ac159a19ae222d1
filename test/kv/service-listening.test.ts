import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type KvService, startKvService } from '../../lib/kv/service.js'
import { FakeReplica } from './fake-replica.js'

async function listening(t: { teardown(end: () => unknown): unknown }) {
  const node = new FakeReplica()
  const service = await startKvService({ node, listen: '127.0.0.1:0' })
  t.teardown(() => service.close())
  return { node, service, url: `http://${service.address}` }
}

/** Something to wait for. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

/** What the server says to these bytes, until it closes the connection. */
async function raw(service: KvService, bytes: string, { end = true } = {}): Promise<string> {
  const [host = '', port] = service.address.split(':')
  const socket = connect(Number(port), host)
  if (end) socket.end(bytes)
  else socket.write(bytes)
  return text(socket)
}

t.test('a chunked body beyond the limit is 413, though it never told its length', async (t) => {
  const { service, node } = await listening(t)
  const head = 'PUT /kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
  // No more than it takes: bytes that nobody reads could cost the answer.
  const piece = `400\r\n${'x'.repeat(0x400)}\r\n`
  const said = await raw(service, head + piece.repeat(4 * 1024 + 1), { end: false })
  t.match(said, /^HTTP\/1.1 413 /)
  t.equal(node.applies.length, 0)
})

t.test('methods that HTTP knows and this interface does not are 405 too', async (t) => {
  const { service } = await listening(t)
  for (const method of ['PROPFIND', 'TRACE', 'LOCK']) {
    const said = await raw(service, `${method} /kv/a HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    t.match(said, /^HTTP\/1.1 405 /, method)
    t.match(said, /allow: GET, HEAD, PUT, DELETE/i)
  }
})

t.test('what is not HTTP, or names no host, is answered 400 and harms nobody', async (t) => {
  const { service, url } = await listening(t)
  for (const bytes of ['hello\r\n\r\n', 'GET /kv/a HTTP/1.1\r\n\r\n', 'GET /\0 HTTP/1.1\r\n\r\n']) {
    t.match(await raw(service, bytes), /^HTTP\/1.1 400 /, JSON.stringify(bytes))
  }
  const long = `GET /kv/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`
  t.match(await raw(service, long), /^HTTP\/1.1 431 /)
  t.equal((await fetch(`${url}/healthz`)).status, 200)
})

t.test('close answers running requests, refuses later ones, ends idle connections', async (t) => {
  const { service, node, url } = await listening(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  t.teardown(() => agent.destroy())
  const get = async (path: string): Promise<IncomingMessage> => {
    const sent = request(`${url}${path}`, { agent }).end()
    const [answer] = await once(sent, 'response')
    return answer
  }
  ;(await get('/healthz')).resume()

  const asked = gate()
  const answer = gate()
  const query = node.query.bind(node)
  node.query = async (request, options) => {
    asked.open()
    await answer.opened
    return query(request, options)
  }
  const running = get('/kv/a')
  await asked.opened
  const closed = service.close()
  await t.rejects(fetch(`${url}/healthz`), 'nobody listens any more')
  answer.open()
  const last = await running
  t.match(last, { statusCode: 404, headers: { connection: 'close' } })
  last.resume()
  await closed
})

t.test('a request that never ends is cut off at the limit of close', async (t) => {
  const { service, node, url } = await listening(t)
  const asked = gate()
  node.query = () => {
    asked.open()
    return new Promise(() => {})
  }
  const running = fetch(`${url}/kv/a`)
  running.catch(() => {})
  await asked.opened
  await service.close({ timeoutMs: 50 })
  await t.rejects(running)
})

t.test('an address beyond this machine or in use is refused', async (t) => {
  const { service, node } = await listening(t)
  const open = startKvService({ node, listen: '0.0.0.0:0' })
  await t.rejects(open, { code: 'RAFT_INSECURE_LISTEN' })
  const taken = startKvService({ node, listen: service.address })
  await t.rejects(taken, { code: 'EADDRINUSE' })
  const insecure = await startKvService({ node, listen: '0.0.0.0:0', insecure: true })
  await insecure.close()
})

t.test('a body that does not arrive in time costs the connection', async (t) => {
  const node = new FakeReplica()
  const listen = '127.0.0.1:0'
  const service = await startKvService({ node, listen, requestTimeoutMs: 50 })
  t.teardown(() => service.close())
  const head = 'PUT /kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n'
  t.equal(await raw(service, `${head}abc`, { end: false }), '')
  t.equal(node.applies.length, 0)
  t.match(await raw(service, `${head}abcde`), /^HTTP\/1.1 200 /)
})
