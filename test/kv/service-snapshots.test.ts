import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { startKvService } from '../../lib/kv/service.js'
import { FakeReplica, fakeService, theLeader } from './fake-replica.js'

/** A service that listens, of a node that leads unless said otherwise. */
async function listening(t: { teardown(end: () => unknown): unknown }) {
  const node = new FakeReplica()
  node.state = 'leader'
  const service = await startKvService({ node, listen: '127.0.0.1:0' })
  t.teardown(() => service.close())
  return { node, url: `http://${service.address}` }
}

const large = Buffer.alloc(3_000_000, 'state ')

async function backupOf(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(`${url}/snapshot`)).arrayBuffer())
}

async function restore(url: string, body: Uint8Array<ArrayBufferLike>) {
  const answer = await fetch(`${url}/restore`, { method: 'POST', body: Buffer.from(body) })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

t.test('POST /snapshot says what it has taken', async (t) => {
  const { app, node } = fakeService()
  const post = () => app.inject({ method: 'POST', url: '/snapshot' })
  t.strictSame((await post()).json(), { index: 10, term: 3, bytes: 9 })
  node.snapshots.nothing = true
  const answer = await post()
  t.equal(answer.statusCode, 409)
  t.equal(answer.json().error.code, 'RAFT_NOTHING_TO_SNAPSHOT')
  t.equal((await app.inject({ method: 'POST', url: '/snapshot?x=1' })).statusCode, 400)
})

t.test('GET /snapshot streams a new one, or the newest when nothing has happened', async (t) => {
  const { node, url } = await listening(t)
  node.state = 'follower'
  node.snapshots.state = large
  const answer = await fetch(`${url}/snapshot`)
  t.match(Object.fromEntries(answer.headers), {
    etag: '"3-10"',
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename="test-10.backup"',
    'troupe-snapshot-index': '10',
    'troupe-snapshot-term': '3',
  })
  const { byteLength } = await answer.arrayBuffer()
  t.equal(answer.headers.get('content-length'), String(byteLength))
  t.equal(node.snapshots.open, 0, 'nothing is kept open')

  const same = await fetch(`${url}/snapshot`, { headers: { 'if-none-match': '"1-1", "3-10"' } })
  t.equal(same.status, 304)
  const head = await fetch(`${url}/snapshot`, { method: 'HEAD' })
  t.equal(head.headers.get('content-length'), String(byteLength))

  node.snapshots.nothing = true
  t.equal((await fetch(`${url}/snapshot`)).status, 409)
  node.snapshots.newest = node.snapshots.of(4, Buffer.from('old'))
  t.equal((await fetch(`${url}/snapshot`)).headers.get('etag'), '"3-4"')
})

t.test('whoever goes away in the middle of a backup keeps no snapshot open', async (t) => {
  const { node, url } = await listening(t)
  node.snapshots.state = Buffer.alloc(50_000_000)
  const sent = request(`${url}/snapshot`).end()
  const [answer] = await once(sent, 'response')
  await once(answer, 'data')
  t.equal(node.snapshots.open, 1)
  answer.destroy()
  while (node.snapshots.open > 0) await new Promise((resolve) => setImmediate(resolve))
})

t.test('POST /restore gives the node what GET /snapshot gave', async (t) => {
  const { node, url } = await listening(t)
  node.snapshots.state = large
  const { status, body } = await restore(url, await backupOf(url))
  t.equal(status, 200)
  t.strictSame(body, { index: 11, restored: { index: 10, term: 3, bytes: large.length } })
  t.match(node.snapshots.restored?.meta, { index: 10, term: 3, size: large.length })
  t.ok(node.snapshots.restored?.state.equals(large))
})

t.test('a damaged or truncated backup is 400, and nothing is changed', async (t) => {
  const { node, url } = await listening(t)
  node.snapshots.state = large
  const backup = await backupOf(url)
  const flipped = Buffer.from(backup)
  flipped.writeUInt8(flipped.readUInt8(2_000_000) ^ 1, 2_000_000)
  const short = backup.subarray(0, backup.length - 10)
  for (const damaged of [flipped, short, backup.subarray(0, 5), Buffer.from('hello')]) {
    const { status, body } = await restore(url, damaged)
    t.equal(status, 400)
    t.match(body, { error: { code: 'RAFT_CORRUPT' } })
  }
  t.equal((await fetch(`${url}/restore`, { method: 'POST' })).status, 415, 'nothing')
  t.equal(node.snapshots.restored, null)
})

t.test('a node that does not lead restores nothing and says who does', async (t) => {
  const { node, url } = await listening(t)
  node.state = 'follower'
  const answer = await restore(url, Buffer.from('x'))
  t.equal(answer.status, 503)
  const leader = { id: theLeader.id, http: theLeader.meta.http }
  t.match(answer.body, { error: { code: 'RAFT_NOT_LEADER', outcome: 'rejected', leader } })
  node.leader = null
  t.match((await restore(url, Buffer.from('x'))).body, { error: { code: 'RAFT_NO_LEADER' } })
})

t.test('a client that asks first learns of a refusal before it sends', async (t) => {
  const { node, url } = await listening(t)
  node.snapshots.state = large
  const backup = await backupOf(url)
  const headers = { expect: '100-continue', 'content-length': backup.length }
  node.state = 'follower'
  const refused = request(`${url}/restore`, { method: 'POST', headers })
  refused.flushHeaders()
  refused.on('continue', () => t.fail('nothing is asked for'))
  const [no] = await once(refused, 'response')
  t.equal(no.statusCode, 503)
  refused.destroy()

  node.state = 'leader'
  const taken = request(`${url}/restore`, { method: 'POST', headers })
  taken.flushHeaders()
  await once(taken, 'continue')
  taken.end(backup)
  const [yes] = await once(taken, 'response')
  t.equal(yes.statusCode, 200, await text(yes))
})
