import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { encodeBackup } from '../../lib/kv/backup-format.js'
import { fakeService } from '../kv/fake-replica.js'
import { fuzz } from './support/fuzz.js'

/** Fuzzed: whole HTTP requests, as bytes on a socket: lines, headers, parameters, bodies. */

const host = 'Host: 127.0.0.1:8701'

function request(
  line: string,
  headers: readonly string[] = [],
  body: Uint8Array | string = '',
): Buffer {
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  const head = [`${line} HTTP/1.1`, host, ...headers, ...(body.length > 0 ? [length] : []), '', '']
  return Buffer.concat([Buffer.from(head.join('\r\n')), Buffer.from(body)])
}

function json(line: string, body: object): Buffer {
  return request(line, ['Content-Type: application/json'], JSON.stringify(body))
}

async function backup(): Promise<Buffer> {
  const meta = {
    application: 'troupe-kv',
    cluster: 'c',
    node: 'n1',
    index: 7,
    term: 2,
    size: 5,
  } as const
  const createdAt = '2026-01-01T00:00:00.000Z'
  const parts: Uint8Array[] = []
  const state = async function* () {
    yield Buffer.from('state')
  }
  for await (const part of encodeBackup({ ...meta, createdAt }, state())) parts.push(part)
  return Buffer.concat(parts)
}

const chunked = ['Transfer-Encoding: chunked', 'Idempotency-Key: 5f3c']
const ops = [
  { op: 'put', key: 'a', value: 'YQ==', ifRevision: 0 },
  { op: 'delete', key: 'b', ifAbsent: true },
]
const server = {
  id: 'n4',
  address: '127.0.0.1:7704',
  suffrage: 'voter',
  meta: { http: 'http://h' },
}

const samples = [
  request('PUT /kv/a%2Fb', ['If-Match: "3"'], 'a value'),
  request('PUT /kv/a', ['If-None-Match: *', 'Idempotency-Key: 5f3c', 'Expect: 100-continue'], 'x'),
  Buffer.concat([request('PUT /kv/c', chunked), Buffer.from('3\r\nabc\r\n0\r\n\r\n')]),
  request('GET /kv/a?consistency=stale&maxStalenessMs=100&minIndex=3'),
  request('GET /kv?prefix=a&after=b&limit=10&values=false'),
  request('DELETE /kv/a', ['Origin: http://127.0.0.1:8701']),
  json('POST /kv', { ops }),
  json('POST /members?timeoutMs=10', server),
  json('PUT /members/n2', { address: '127.0.0.1:7705', prevIndex: 3 }),
  request('DELETE /members/n2?prevIndex=3'),
  json('POST /leadership', { to: 'n2' }),
  request('POST /restore', [], await backup()),
  request('POST /snapshot'),
  request('GET /snapshot', ['If-None-Match: "1-2"']),
  Buffer.concat([request('GET /status'), request('GET /healthz'), request('GET /readyz')]),
]

const { app, node, faults } = fakeService()
node.state = 'leader'
await app.listen({ host: '127.0.0.1', port: 0 })
const { port } = app.server.address() as AddressInfo
t.teardown(() => app.close())

class Refused extends Error {}

/** Everything that comes back; the connection is at its end then. */
async function exchange(bytes: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  // A server may hang up before it has read everything.
  const answer = text(socket).catch(() => '')
  socket.end(bytes)
  return answer
}

fuzz({
  name: 'requests over HTTP',
  samples,
  read: async (bytes) => {
    const answer = await exchange(bytes)
    if (faults.length > 0) throw faults[0]
    const [, status = '0'] = /HTTP\/1\.1 (\d{3}) /.exec(answer) ?? []
    if (status === '500') throw new Error(answer)
    if (Number(status) >= 400) refuse(answer)
  },
  refuses: (error) => error instanceof Refused,
  mayRefuseSamples: true,
  inputs: 1500,
})

/** A refusal tells what is wrong, in JSON of one shape, unless it is of a HEAD. */
function refuse(answer: string): never {
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
  // Node refuses some heads itself, without a word.
  if (body === '' || body === '0\r\n\r\n' || /"error":\{"code":"[A-Z_]+","message":"/.test(body))
    throw new Refused()
  throw new Error(answer)
}

t.test('after all of that it serves as before', async (t) => {
  t.equal((await app.inject({ method: 'PUT', url: '/kv/z', payload: 'z' })).statusCode, 200)
  t.equal((await app.inject('/kv/z')).body, 'z')
})
