import t from 'tap'
import { RaftError } from '../../lib/node/errors.js'
import { fakeService } from './fake-replica.js'

t.test('/status tells where the node stands', async (t) => {
  const { app, node } = fakeService()
  t.match((await app.inject('/status')).json(), {
    id: 'n1',
    cluster: 'test',
    state: 'follower',
    term: 3,
    leader: { id: 'n2', address: '127.0.0.1:7702', http: 'http://127.0.0.1:8702' },
    commitIndex: 10,
    appliedIndex: 10,
    lastLogIndex: 11,
    lastContactMs: 12,
    members: [
      { id: 'n2', address: '127.0.0.1:7702', http: 'http://127.0.0.1:8702', suffrage: 'voter' },
    ],
    version: /^\d+\.\d+\.\d+/,
  })
  node.leader = null
  node.lastContactMs = null
  t.match((await app.inject('/status')).json(), { leader: null, lastContactMs: null })
})

t.test('/healthz is 200 while the node runs, whatever the leader', async (t) => {
  const { app, node } = fakeService()
  node.leader = null
  t.equal((await app.inject('/healthz')).statusCode, 200)
  node.state = 'closed'
  t.equal((await app.inject('/healthz')).statusCode, 503)
})

t.test('/readyz is 200 once a leader is heard and its commit index is applied', async (t) => {
  const { app, node } = fakeService()
  const ready = async () => (await app.inject('/readyz')).statusCode
  node.leader = null
  t.equal(await ready(), 503, 'no leader')
  node.leader = { id: 'n2', address: '', meta: {} }
  node.readIndexFailure = new RaftError('RAFT_TIMEOUT', '', { outcome: null })
  t.equal(await ready(), 503, 'the leader has not answered')
  node.readIndexFailure = null
  node.readIndex = async () => 12
  t.equal(await ready(), 503, 'behind')
  node.index = 12
  t.equal(await ready(), 200)
  node.lastContactMs = 1001
  t.equal(await ready(), 503, 'the leader has gone silent')
  node.lastContactMs = 0
  node.state = 'closed'
  t.equal(await ready(), 503, 'closed')
})

t.test('/diagnostics tells what there is to worry about', async (t) => {
  const { app, node } = fakeService()
  t.match((await app.inject('/diagnostics')).json(), {
    id: 'n1',
    cluster: 'test',
    flush: { count: 7, p50Ms: 1, p99Ms: 2.35, maxMs: 3 },
    eventLoopDelay: null,
    storeBytes: 4096,
    disk: null,
    timeouts: { heartbeatTimeoutMs: 1000, heartbeatIntervalMs: 100 },
    peers: [],
  })
  node.state = 'leader'
  t.match((await app.inject('/diagnostics')).json(), { peers: [{ id: 'n2', roundTripMs: 0.5 }] })
  t.equal((await app.inject('/diagnostics?x=1')).statusCode, 400)
})
