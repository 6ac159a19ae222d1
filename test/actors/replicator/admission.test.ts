import t from 'tap'
import { PEER_INCARNATION, ReplicatorBench } from './support/replicator-bench.js'

const admit = (incarnation: string, admitted = true) =>
  ({ kind: 'admitted', incarnation, admitted }) as const

t.test(
  'S16: the peer’s incarnation is told, and nothing is sent before it is admitted',
  async (t) => {
    const bench = new ReplicatorBench()
    bench.heartbeat.welcome(PEER_INCARNATION)
    t.same(bench.takeAll(), [
      {
        kind: 'peerConnected',
        peer: 'n2',
        incarnation: PEER_INCARNATION,
        features: [],
        vouches: false,
      },
    ])
    const request = { kind: 'requestVote', preVote: true, term: 3, candidate: 'n1' } as const
    const log = { lastLogIndex: 4, lastLogTerm: 2, transfer: false, round: 1 }
    bench.tell({ kind: 'requestVote', request: { ...request, ...log } })
    t.same(bench.heartbeat.sent, [])
    bench.tell(admit(PEER_INCARNATION))
    t.equal(bench.heartbeat.sent.length, 1)
  },
)

t.test('S16: a peer that is not admitted is left alone for long', async (t) => {
  const bench = new ReplicatorBench()
  bench.heartbeat.welcome('inc-9')
  bench.tell(admit('inc-9', false))
  t.ok(bench.heartbeat.closed)
  bench.pass(1400)
  t.equal(bench.dials('heartbeat'), 1)
  bench.pass(200)
  t.equal(bench.dials('heartbeat'), 2, 'then it is asked again: it may have been replaced')
})

t.test('a known incarnation need not wait for a consensus actor that is busy', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.heartbeat.break()
  bench.pass(200)
  bench.heartbeat.welcome(PEER_INCARNATION)
  t.equal(bench.heartbeat.sent.length, 1, 'it has its heartbeat at once')
})

t.test('S16: another incarnation behind the same name is not served as the first', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.heartbeat.break()
  bench.takeAll()
  bench.pass(200)
  bench.heartbeat.welcome('inc-9')
  t.match(bench.take('peerConnected'), [{ incarnation: 'inc-9' }])
  bench.pass(300)
  t.same(bench.heartbeat.sent, [])
  bench.tell(admit('inc-9', false))
  t.ok(bench.heartbeat.closed)
})

t.test('S16: nor on the data connection', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.data.welcome('inc-9')
  t.match(bench.take('peerConnected'), [{ incarnation: 'inc-9' }])
  t.same(bench.data.sent, [])
})

t.test('S16: an incarnation that is no longer admitted loses all its connections', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.tell(admit(PEER_INCARNATION, false))
  t.ok(bench.heartbeat.closed && bench.data.closed)
})

t.test('a refusal is told once and asked about again after a long pause', async (t) => {
  const bench = new ReplicatorBench()
  for (let i = 0; i < 3; i++) {
    bench.heartbeat.refuse('RAFT_LOST_STATE')
    bench.pass(1400)
    t.equal(bench.dials('heartbeat'), 1 + i)
    bench.pass(200)
  }
  const refusal = { code: 'RAFT_LOST_STATE', message: 'refused: RAFT_LOST_STATE' }
  t.same(bench.take('peerRefused'), [{ kind: 'peerRefused', peer: 'n2', ...refusal }])
  bench.heartbeat.welcome(PEER_INCARNATION)
  bench.heartbeat.break()
  bench.pass(100)
  bench.heartbeat.refuse('RAFT_LOST_STATE')
  t.match(bench.take('peerRefused'), [{ code: 'RAFT_LOST_STATE' }], 'after a success it is news')
})

t.test(
  'S2: who is led before its incarnation is known is heard of with the next lead',
  async (t) => {
    const bench = new ReplicatorBench()
    bench.lead({ incarnation: null })
    bench.heartbeat.welcome(PEER_INCARNATION)
    bench.tell(admit(PEER_INCARNATION))
    t.same(bench.heartbeat.sent, [])
    t.equal(bench.dials('data'), 0)
    bench.lead()
    t.equal(bench.heartbeat.sent.length, 1)
    t.equal(bench.dials('data'), 1)
  },
)

t.test('S2: whoever is admitted meanwhile has no part in a session with another', async (t) => {
  const bench = ReplicatorBench.replicating()
  const old = bench.data
  bench.heartbeat.break()
  bench.pass(200)
  bench.heartbeat.welcome('inc-9')
  bench.tell(admit('inc-9'))
  t.ok(old.closed, 'the connection to the former one is over')
  bench.pass(2000)
  bench.data.welcome('inc-9')
  t.ok(bench.data.closed)
  t.same(bench.data.sent, [])
  t.same(bench.heartbeat.sent, [])
  bench.lead({ incarnation: 'inc-9' })
  t.equal(bench.heartbeat.sent.length, 1)
})

t.test('an incarnation that is led is admitted by that', async (t) => {
  const bench = new ReplicatorBench()
  bench.heartbeat.welcome(PEER_INCARNATION)
  t.equal(bench.heartbeat.sent.length, 0)
  bench.lead()
  t.equal(bench.heartbeat.sent.length, 1)
})
