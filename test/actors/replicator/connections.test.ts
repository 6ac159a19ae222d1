import t from 'tap'
import { FEATURES } from '../../../lib/core/features.js'
import { PEER_INCARNATION, ReplicatorBench } from './support/replicator-bench.js'

t.test(
  'the heartbeat connection is dialled as soon as there is someone to report to',
  async (t) => {
    const bench = new ReplicatorBench()
    t.same(
      bench.transport.dials.map(({ address, hello }) => [address, hello]),
      [
        [
          'n2:7702',
          {
            version: 1,
            minVersion: 1,
            features: FEATURES,
            cluster: 'orders',
            nodeId: 'n1',
            incarnation: 'inc-1',
            generation: '-',
            addedAt: 1,
            purpose: 'heartbeat',
            to: 'n2',
          },
        ],
      ],
    )
  },
)

t.test('a dial that fails is repeated, later and later, up to reconnectMaxMs', async (t) => {
  const bench = new ReplicatorBench()
  const pauses: number[] = []
  for (let i = 0; i < 9; i++) {
    const before = bench.dials('heartbeat')
    const from = bench.context.now()
    bench.heartbeat.break(new Error('refused'))
    while (bench.dials('heartbeat') === before) bench.pass(1)
    pauses.push(bench.context.now() - from)
  }
  // The jitter of this context is in the middle: three quarters of the delay.
  t.same(
    pauses.map((ms) => Math.floor(ms / 0.75)),
    [50, 100, 200, 400, 800, 1600, 2000, 2000, 2000],
  )
})

t.test('after a connection on which something was heard the next dial is soon', async (t) => {
  const bench = ReplicatorBench.leading()
  for (let i = 0; i < 4; i++) {
    bench.heartbeat.welcome(PEER_INCARNATION)
    bench.answerHeartbeat({ sentAt: bench.context.now() })
    bench.heartbeat.break()
    const before = bench.dials('heartbeat')
    bench.pass(50)
    t.equal(bench.dials('heartbeat'), before + 1)
  }
})

t.test('but when that one fails, the next is later again', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.answerHeartbeat({ sentAt: bench.context.now() })
  bench.heartbeat.break()
  bench.pass(40)
  for (let i = 0; i < 3; i++) {
    bench.heartbeat.break(new Error('refused'))
    bench.pass(2000)
  }
  const before = bench.dials('heartbeat')
  bench.heartbeat.break(new Error('refused'))
  bench.pass(200)
  t.equal(bench.dials('heartbeat'), before)
})

t.test('a connection that opens and ends at once is not dialled at full speed', async (t) => {
  const bench = ReplicatorBench.connected()
  for (let i = 0; i < 6; i++) {
    bench.heartbeat.break()
    bench.pass(2000)
    bench.heartbeat.welcome(PEER_INCARNATION)
  }
  const before = bench.dials('heartbeat')
  bench.heartbeat.break()
  bench.pass(1000)
  t.equal(bench.dials('heartbeat'), before)
})

t.test('one that was up for long is dialled again soon', async (t) => {
  const bench = ReplicatorBench.connected()
  for (let i = 0; i < 6; i++) {
    bench.pass(2000)
    bench.heartbeat.break()
    bench.pass(50)
    bench.heartbeat.welcome(PEER_INCARNATION)
  }
  t.equal(bench.dials('heartbeat'), 7)
})

t.test('what an earlier channel still says is not heard', async (t) => {
  const bench = ReplicatorBench.connected()
  const old = bench.heartbeat
  bench.tell({ kind: 'address', address: 'elsewhere:1' })
  bench.takeAll()
  const dials = bench.dials('heartbeat')
  old.break()
  bench.pass(5000)
  t.same(bench.takeAll(), [])
  t.equal(bench.dials('heartbeat'), dials)
})

t.test('a new address is dialled at once, by every connection that is wanted', async (t) => {
  const bench = ReplicatorBench.replicating()
  const [heartbeat, data] = [bench.heartbeat, bench.data]
  bench.tell({ kind: 'address', address: 'n2-new:7702' })
  t.ok(heartbeat.closed && data.closed)
  t.equal(bench.heartbeat.address, 'n2-new:7702')
  t.equal(bench.data.address, 'n2-new:7702')
  t.equal(bench.dials('client'), 0)
})

t.test('the same address again changes nothing', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.tell({ kind: 'address', address: 'n2:7702' })
  t.equal(bench.dials('heartbeat') + bench.dials('data'), 2)
})

t.test('observers hear once of each change of the heartbeat connection', async (t) => {
  const bench = new ReplicatorBench()
  bench.heartbeat.break(new Error('refused'))
  bench.pass(100)
  bench.heartbeat.break(new Error('refused'))
  bench.pass(200)
  const peer = { kind: 'peerHealth', peer: 'n2' }
  const health = { ...peer, change: 'inactive', lastContactMs: null, reason: 'refused' }
  t.same(bench.take('peerHealth'), [health])
  bench.heartbeat.welcome(PEER_INCARNATION)
  t.same(bench.take('peerHealth'), [], 'not before it is admitted')
  bench.tell({ kind: 'admitted', incarnation: PEER_INCARNATION, admitted: true })
  t.match(bench.take('peerHealth'), [{ change: 'active' }])
  bench.heartbeat.break(null)
  t.match(bench.take('peerHealth'), [{ change: 'inactive', reason: /closed/ }])
})

t.test('stop closes every connection and leaves no timer', async (t) => {
  const bench = ReplicatorBench.replicating()
  const forward = { kind: 'forward', request: 1, body: new Uint8Array(3), timeoutMs: 1000 } as const
  bench.tell(forward)
  bench.client.welcome(PEER_INCARNATION)
  bench.stop()
  t.ok([bench.heartbeat, bench.data, bench.client].every(({ closed }) => closed))
  t.equal(bench.context.pendingTimers, 0)
  t.match(bench.take('forwardReply'), [{ request: 1, body: null, sent: true }])
  t.same(bench.context.failures, [])
})

t.test('stop also ends the wait for the next dial', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.heartbeat.break()
  bench.data.break()
  bench.stop()
  t.equal(bench.context.pendingTimers, 0)
})
