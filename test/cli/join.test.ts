import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t from 'tap'
import { joinCluster, refuseIfLost } from '../../lib/cli/join.js'
import { NodeClient } from '../../lib/cli/node-client.js'

const clientOf = (url: string) => new NodeClient(url, { ca: null, token: null, insecure: false })
const joiner = {
  id: 'n4',
  cluster: 'c',
  address: '127.0.0.1:7704',
  http: 'http://127.0.0.1:8704',
}

type Said = readonly [status: number, body: object]

interface Test {
  teardown(end: () => unknown): unknown
}

/** A member that answers each request to add with the next of these, and remembers what it was asked. */
async function member(
  t: Test,
  answers: readonly Said[],
  status: object = { id: 'n1', cluster: 'c' },
) {
  const asked: unknown[] = []
  const left = [...answers]
  const server = createServer(async (request, response) => {
    const isAddition = request.method === 'POST'
    if (isAddition) asked.push(await json(request))
    const [code, body] = isAddition
      ? (left.shift() ?? [500, {}])
      : [200, { servers: [], leader: null, ...status }]
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked }
}

const refusal = (code: string) => ({ error: { code, message: 'as told' } })

t.test('a node asks until the cluster takes it, saying the same each time', async (t) => {
  const { url, asked } = await member(t, [
    [503, refusal('RAFT_NO_LEADER')],
    [409, refusal('RAFT_CHANGE_IN_PROGRESS')],
    [200, { index: 12 }],
  ])
  t.equal(await joinCluster(clientOf(url), joiner, new AbortController().signal), 12)
  const { id, address, http } = joiner
  const body = { id, address, suffrage: 'voter', meta: { http } }
  t.strictSame(asked, [body, body, body])
})

t.test('another cluster, the node itself, or a refusal for good ends it', async (t) => {
  const { signal } = new AbortController()
  const foreign = await member(t, [], { id: 'n1', cluster: 'other' })
  await t.rejects(joinCluster(clientOf(foreign.url), joiner, signal), {
    code: 'RAFT_CLUSTER_MISMATCH',
  })
  const self = await member(t, [], { id: 'n4', cluster: 'c' })
  await t.rejects(joinCluster(clientOf(self.url), joiner, signal), /is this node itself/)
  const strict = await member(t, [[400, refusal('RAFT_CONFIG_INVALID')]])
  await t.rejects(joinCluster(clientOf(strict.url), joiner, signal), {
    code: 'RAFT_CONFIG_INVALID',
  })
})

t.test(
  'S16: whom the leader knows with another directory is told to be removed first',
  async (t) => {
    const server = { id: 'n4', health: { incarnation: 'lost' } }
    const members = { servers: [server], leader: null, index: 1, committedIndex: 1 }
    const { url } = await member(t, [], members)
    await t.rejects(refuseIfLost(clientOf(url), 'n4'), {
      code: 'RAFT_LOST_STATE',
      message: /troupe remove n4/,
    })
    await refuseIfLost(clientOf(url), 'n5')
  },
)

t.test('a node that is stopped asks no more', async (t) => {
  const stop = new AbortController()
  const { url, asked } = await member(t, [[503, refusal('RAFT_NO_LEADER')]])
  const joined = joinCluster(clientOf(url), joiner, stop.signal)
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort(new Error('stopped'))
  await t.rejects(joined, /stopped/)
  t.equal(asked.length, 1)
})
