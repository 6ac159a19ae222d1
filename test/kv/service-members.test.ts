import t from 'tap'
import { RaftError } from '../../lib/node/errors.js'
import { fakeService } from './fake-replica.js'

function service() {
  const made = fakeService()
  const send = (method: 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) =>
    made.app.inject({ method, url, ...(payload && { payload }) })
  const { calls } = made.node.members
  return { ...made, send, calls }
}

const n4 = { id: 'n4', address: '127.0.0.1:7704' }

t.test('GET /members lists them, and tells on the leader how they do', async (t) => {
  const { app, node } = service()
  const n2 = {
    id: 'n2',
    address: '127.0.0.1:7702',
    http: 'http://127.0.0.1:8702',
    suffrage: 'voter',
    meta: { http: 'http://127.0.0.1:8702' },
    leader: true,
  }
  t.strictSame((await app.inject('/members')).json(), {
    index: 1,
    committedIndex: 1,
    electionTimeoutMs: 1000,
    leader: { id: 'n2', address: n2.address, http: n2.http },
    servers: [n2],
  })
  node.state = 'leader'
  const health = { matchIndex: 9, lastContactMs: 4.57, roundTripMs: 0.5, incarnation: 'known' }
  t.match((await app.inject('/members')).json(), { servers: [{ id: 'n2', health }] })
  t.equal((await app.inject('/members?x=1')).statusCode, 400)
})

t.test('POST /members adds a voter, or a nonvoter, through any node', async (t) => {
  const { send, node, calls } = service()
  const added = await send('POST', '/members', { ...n4, meta: { http: 'http://h:1' } })
  t.strictSame([added.statusCode, added.json()], [200, { index: 2 }])
  t.match(node.members.servers[1], { ...n4, suffrage: 'voter', meta: { http: 'http://h:1' } })
  await send('POST', '/members?timeoutMs=60000', { ...n4, id: 'n5', suffrage: 'nonvoter' })
  t.match(calls, [
    { what: 'add voter n4', options: { forward: true } },
    { what: 'add nonvoter n5', options: { forward: true, timeoutMs: 60_000 } },
  ])
})

t.test('PUT /members/ID changes what it names', async (t) => {
  const { send, node, calls } = service()
  t.equal((await send('PUT', '/members/n2', { suffrage: 'nonvoter' })).statusCode, 200)
  const address = '[::1]:7702'
  t.equal((await send('PUT', '/members/n2', { address, meta: {} })).statusCode, 200)
  t.match(node.members.servers, [{ id: 'n2', address, meta: {}, suffrage: 'nonvoter' }])
  t.match(calls[0], { what: 'update n2 {"suffrage":"nonvoter"}', options: { forward: true } })
  const unknown = await send('PUT', '/members/a%20b%2Fc', { address })
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { error: { code: 'RAFT_UNKNOWN_SERVER', outcome: 'rejected' } })
  t.match(calls[2]?.what, /^update a b\/c /)
})

t.test('DELETE /members/ID removes', async (t) => {
  const { send, node } = service()
  t.strictSame((await send('DELETE', '/members/n2')).json(), { index: 2 })
  t.strictSame(node.members.servers, [])
  t.equal((await send('DELETE', '/members/n2')).statusCode, 404)
})

t.test('prevIndex is a compare-and-set, as a parameter or a field', async (t) => {
  const { send } = service()
  t.equal((await send('POST', '/members?prevIndex=1', n4)).statusCode, 200)
  const late = await send('DELETE', '/members/n4?prevIndex=1')
  t.equal(late.statusCode, 409)
  t.match(late.json(), { error: { code: 'RAFT_CONFIGURATION_CONFLICT', outcome: 'rejected' } })
  t.equal((await send('DELETE', '/members/n4', { prevIndex: 1 })).statusCode, 409)
  t.equal((await send('DELETE', '/members/n4?prevIndex=2', { prevIndex: 1 })).statusCode, 400)
  t.equal((await send('PUT', '/members/n4', { meta: {}, prevIndex: 2 })).statusCode, 200)
  t.equal((await send('DELETE', '/members/n4', { prevIndex: 3 })).statusCode, 200)
})

t.test('POST /leadership hands over, to the node named or to the best', async (t) => {
  const { app, send, node } = service()
  const n3 = { id: 'n3', address: '127.0.0.1:7703', meta: {} }
  const asked = send('POST', '/leadership', { to: 'n3' })
  while (node.listeners === 0) await new Promise((resolve) => setImmediate(resolve))
  node.follow(n3)
  t.strictSame((await asked).json(), {
    leader: { id: 'n3', address: '127.0.0.1:7703', http: null },
    term: 3,
  })
  t.equal(node.listeners, 0)
  node.transferLeadership = async (to) => {
    t.equal(to, undefined)
    node.leader = { ...n3, id: 'n1' }
  }
  t.match((await app.inject({ method: 'POST', url: '/leadership' })).json(), {
    leader: { id: 'n1' },
  })
})

t.test('bodies that are wrong are 400, and nothing is asked', async (t) => {
  const { send, calls, node } = service()
  const wrong = [
    ['POST', '/members', {}],
    ['POST', '/members', { id: 'n4' }],
    ['POST', '/members', { id: '', address: 'h:1' }],
    ['POST', '/members', { id: 4, address: 'h:1' }],
    ['POST', '/members', { id: 'n4', address: 'nowhere' }],
    ['POST', '/members', { id: 'n4', address: 'h:0' }],
    ['POST', '/members', { ...n4, suffrage: 'staging' }],
    ['POST', '/members', { ...n4, meta: { a: 1 } }],
    ['POST', '/members', { ...n4, meta: ['a'] }],
    ['POST', '/members', { ...n4, prevIndex: -1 }],
    ['POST', '/members', { ...n4, prevIndex: '1' }],
    ['POST', '/members', { ...n4, voter: true }],
    ['POST', '/members', [n4]],
    ['POST', '/members?prevIndex=x', n4],
    ['POST', '/members?timeoutMs=0', n4],
    ['POST', '/members?timeoutMs=3600001', n4],
    ['POST', '/members?x=1', n4],
    ['PUT', '/members/n2', {}],
    ['PUT', '/members/n2', { prevIndex: 1 }],
    ['PUT', '/members/n2', { id: 'n3' }],
    ['DELETE', '/members/n2', { id: 'n2' }],
    ['POST', '/leadership', { to: 3 }],
    ['POST', '/leadership', { from: 'n2' }],
    ['POST', '/leadership?prevIndex=1', {}],
  ] as const
  for (const [method, url, body] of wrong) {
    const answer = await send(method, url, body)
    t.equal(answer.statusCode, 400, `${method} ${url} ${JSON.stringify(body)}`)
    t.equal(answer.json().error.code, 'HTTP_BAD_REQUEST')
  }
  t.strictSame([calls, node.transfers], [[], []])
})

t.test(
  'bodies that are no JSON, or too large, are refused before they are looked at',
  async (t) => {
    const { app, calls } = service()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await app.inject({
      method: 'POST',
      url: '/members',
      headers: form,
      payload: 'id=n4',
    })
    t.equal(answer.statusCode, 415)
    t.equal((await app.inject({ method: 'POST', url: '/members' })).statusCode, 415, 'none at all')
    const meta = { text: 'x'.repeat(70_000) }
    const payload = { ...n4, meta }
    const large = await app.inject({ method: 'POST', url: '/members', payload })
    t.equal(large.statusCode, 413)
    t.equal(large.json().error.code, 'HTTP_BODY_TOO_LARGE')
    t.strictSame(calls, [])
  },
)

t.test('the fate of a change is told as that of a write', async (t) => {
  const { send, node } = service()
  node.members.failure = new RaftError('RAFT_LEADERSHIP_LOST', 'as told')
  const answer = await send('POST', '/members', n4)
  t.equal(answer.statusCode, 504)
  t.match(answer.json(), { error: { code: 'RAFT_LEADERSHIP_LOST', outcome: 'unknown' } })
  node.members.failure = new RaftError('RAFT_CHANGE_IN_PROGRESS', 'as told')
  t.equal((await send('DELETE', '/members/n2')).statusCode, 409)
})
