import t from 'tap'
import {
  decodeForwardRequest,
  encodeForwardReply,
  FrameType,
} from '../../../lib/transport/messages.js'
import { PEER_INCARNATION, ReplicatorBench } from './support/replicator-bench.js'

const body = Uint8Array.of(1, 2, 3)
const forward = (request: number, timeoutMs = 1000) =>
  ({ kind: 'forward', request, body, timeoutMs }) as const

const lost = (request: number, sent: boolean) => ({
  kind: 'forwardReply' as const,
  peer: 'n2',
  request,
  body: null,
  sent,
})

t.test('the client connection is dialled when the first request comes', async (t) => {
  const bench = ReplicatorBench.connected()
  t.equal(bench.dials('client'), 0)
  bench.tell(forward(1), forward(2))
  t.equal(bench.dials('client'), 1)
  bench.client.welcome(PEER_INCARNATION)
  const requests = bench.client.take().map(({ head, payload }) => {
    return decodeForwardRequest(head, payload[0] ?? new Uint8Array(0))
  })
  t.match(requests, [{ request: 1, timeoutMs: 1000 }, { request: 2 }])
  bench.tell(forward(3))
  t.equal(bench.client.take().length, 1, 'and then used at once')
})

t.test('each answer goes to its request', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.tell(forward(1), forward(2))
  bench.client.welcome(PEER_INCARNATION)
  const answer = Uint8Array.of(9)
  const reply = { kind: 'forwardReply', request: 2, body: answer } as const
  bench.client.receive(FrameType.forwardReply, encodeForwardReply(reply), answer)
  t.same(bench.take('forwardReply'), [
    { kind: 'forwardReply', peer: 'n2', request: 2, body: answer, sent: true },
  ])
})

t.test(
  'S17: a request that never left is said so, one that left may have been carried out',
  async (t) => {
    const bench = ReplicatorBench.connected()
    bench.tell(forward(1))
    bench.client.break(new Error('refused'))
    t.same(bench.take('forwardReply'), [lost(1, false)])
    bench.tell(forward(2))
    bench.pass(200)
    bench.client.welcome(PEER_INCARNATION)
    bench.client.break()
    t.same(bench.take('forwardReply'), [lost(2, true)])
  },
)

t.test('S17: so it is when time runs out', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.tell(forward(1, 300))
  bench.pass(310)
  t.same(bench.take('forwardReply'), [lost(1, false)])
  bench.client.welcome(PEER_INCARNATION)
  t.same(bench.client.sent, [], 'what was given up does not leave any more')
  bench.tell(forward(2, 300))
  bench.pass(310)
  t.same(bench.take('forwardReply'), [lost(2, true)])
})

t.test('no request waits longer than forwardTimeoutMs', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.tell(forward(1, 60_000))
  bench.pass(4010)
  t.same(bench.take('forwardReply'), [lost(1, false)])
})

t.test('a peer that is gone is not dialled faster for many requests', async (t) => {
  const bench = ReplicatorBench.connected()
  for (let i = 0; i < 20; i++) {
    bench.tell(forward(i))
    if (!bench.client.closed) bench.client.break(new Error('refused'))
  }
  t.equal(bench.dials('client'), 1)
})

t.test('without requests a client connection that ends is left alone', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.tell(forward(1))
  bench.client.break(new Error('refused'))
  bench.pass(5000)
  t.equal(bench.dials('client'), 1)
  bench.tell(forward(2))
  t.equal(bench.dials('client'), 2)
})

t.test('S18: requests that wait for the connection are bounded in bytes', async (t) => {
  const bench = ReplicatorBench.connected({ maxInflightBytes: 1000 })
  const large = new Uint8Array(600)
  bench.tell({ ...forward(1), body: large }, { ...forward(2), body: large })
  t.same(bench.take('forwardReply'), [lost(2, false)])
  bench.client.welcome(PEER_INCARNATION)
  bench.tell({ ...forward(3), body: large })
  t.equal(bench.client.sent.length, 2, 'what is sent waits no more')
  bench.client.break()
  bench.takeAll()
  bench.tell({ ...forward(4), body: large })
  t.same(bench.take('forwardReply'), [])
})

t.test('S18: what was given up leaves its room to others', async (t) => {
  const bench = ReplicatorBench.connected({ maxInflightBytes: 1000 })
  const large = new Uint8Array(600)
  bench.tell({ ...forward(1, 100), body: large })
  bench.pass(110)
  bench.takeAll()
  bench.tell({ ...forward(2, 100), body: large })
  t.same(bench.take('forwardReply'), [])
})
