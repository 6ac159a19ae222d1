import t from 'tap'
import { FrameType } from '../../../lib/transport/messages.js'
import {
  benchConfig,
  heartbeatsOf,
  PEER_INCARNATION,
  ReplicatorBench,
  TERM,
} from './support/replicator-bench.js'

const probe = (probe: number, term = TERM) => ({ kind: 'probe', term, probe }) as const

t.test(
  'R-54: the first heartbeat goes out at once, then one each heartbeatIntervalMs',
  async (t) => {
    const bench = ReplicatorBench.leading()
    const began = bench.context.now()
    bench.pass(300)
    const sent = heartbeatsOf(bench.heartbeat.sent)
    t.same(
      sent.map(({ sentAt }) => sentAt - began),
      [0, 100, 200, 300],
    )
    t.match(sent[0], {
      term: TERM,
      leader: 'n1',
      addedAt: 1,
      incarnation: PEER_INCARNATION,
      probe: 0,
      leaseMs: 500,
    })
  },
)

t.test('S10: a probe is sent at once, and puts the next heartbeat off', async (t) => {
  const bench = ReplicatorBench.leading()
  const began = bench.context.now()
  bench.pass(60)
  bench.tell(probe(4))
  bench.pass(120)
  const sent = heartbeatsOf(bench.heartbeat.sent).slice(1)
  t.same(
    sent.map(({ sentAt, probe }) => [sentAt - began, probe]),
    [
      [60, 4],
      [160, 4],
    ],
  )
})

t.test('S10: probes that come together are one heartbeat with the newest number', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.heartbeat.take()
  bench.tell(probe(2), probe(3), probe(5))
  t.same(
    heartbeatsOf(bench.heartbeat.sent).map(({ probe }) => probe),
    [5],
  )
})

t.test('S10: an old probe number is not sent again', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.tell(probe(5))
  bench.heartbeat.take()
  bench.tell(probe(4))
  t.same(bench.heartbeat.sent, [])
})

t.test('a probe of another term is not answered for', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.heartbeat.take()
  bench.tell(probe(9, TERM - 1))
  t.same(bench.heartbeat.sent, [])
})

t.test('no heartbeat of an older term follows a sign of a newer one', async (t) => {
  const newer = [
    probe(1, TERM + 1),
    { kind: 'lead', term: TERM + 1, addedAt: 1, incarnation: null } as const,
    { kind: 'requestVote', preVote: false } as const,
  ]
  for (const [position, sign] of newer.entries()) {
    const bench = ReplicatorBench.leading()
    bench.heartbeat.take()
    if (sign.kind === 'probe') bench.tell(sign)
    if (sign.kind === 'lead') bench.lead(sign)
    if (sign.kind === 'requestVote') {
      const log = { lastLogIndex: 9, lastLogTerm: 6, transfer: false, round: 1 }
      const request = {
        kind: 'requestVote',
        term: TERM + 1,
        candidate: 'n1',
        preVote: false,
      } as const
      bench.tell({ kind: 'requestVote', request: { ...request, ...log } })
    }
    bench.pass(500)
    t.same(heartbeatsOf(bench.heartbeat.sent), [], sign.kind)
    bench.lead()
    t.same(heartbeatsOf(bench.heartbeat.sent), [], `${position}: not even when it is led again`)
  }
})

t.test('a pre-vote for the next term is no sign of it', async (t) => {
  const bench = ReplicatorBench.leading()
  const log = { lastLogIndex: 9, lastLogTerm: 6, transfer: false, round: 1 }
  const who = { kind: 'requestVote', term: TERM + 1, candidate: 'n1', preVote: true } as const
  bench.tell({ kind: 'requestVote', request: { ...who, ...log } })
  bench.pass(300)
  t.equal(heartbeatsOf(bench.heartbeat.sent).length, 4)
})

t.test('unlead ends the heartbeats and the data connection', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.tell({ kind: 'unlead' })
  bench.pass(500)
  t.same(bench.heartbeat.sent, [])
  t.ok(bench.data.closed)
  t.notOk(bench.heartbeat.closed, 'votes still need the heartbeat connection')
})

t.test('a connection that comes up while leading has a heartbeat at once', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.heartbeat.break()
  bench.pass(50)
  bench.heartbeat.welcome(PEER_INCARNATION)
  t.equal(heartbeatsOf(bench.heartbeat.sent).length, 1)
})

t.test('S10: an answer tells what it echoes, in its session', async (t) => {
  const bench = ReplicatorBench.leading()
  const sentAt = bench.context.now()
  bench.pass(30)
  bench.answerHeartbeat({ sentAt })
  const session = { term: TERM, addedAt: 1, incarnation: PEER_INCARNATION }
  const echo = { session, probe: 0, sentAt, leaseMs: 500, receivedAt: sentAt + 30 }
  t.same(bench.take('heartbeatAck'), [{ kind: 'heartbeatAck', peer: 'n2', ...echo }])
})

t.test('S10: an answer counts once, and only if it echoes something that was sent', async (t) => {
  const bench = ReplicatorBench.leading()
  const sentAt = bench.context.now()
  bench.answerHeartbeat({ sentAt: sentAt + 1 })
  bench.answerHeartbeat({ sentAt, probe: 3 })
  bench.answerHeartbeat({ sentAt, leaseMs: 9000 })
  bench.answerHeartbeat({ sentAt, term: TERM - 1 })
  bench.answerHeartbeat({ sentAt, accepted: false })
  t.same(bench.take('heartbeatAck'), [])
  bench.answerHeartbeat({ sentAt })
  bench.answerHeartbeat({ sentAt })
  t.equal(bench.take('heartbeatAck').length, 1)
})

t.test(
  'S2: an answer to a heartbeat of another session or connection counts for nothing',
  async (t) => {
    const bench = ReplicatorBench.leading()
    const sentAt = bench.context.now()
    bench.lead({ addedAt: 8 })
    bench.pass(40)
    t.equal(heartbeatsOf(bench.heartbeat.sent).at(-1)?.addedAt, 8)
    bench.tell({ kind: 'unlead' })
    bench.lead({ addedAt: 9 })
    bench.answerHeartbeat({ sentAt })
    t.same(bench.take('heartbeatAck'), [])
    bench.heartbeat.break()
    bench.pass(100)
    bench.heartbeat.welcome(PEER_INCARNATION)
    bench.answerHeartbeat({ sentAt: sentAt + 40 })
    t.same(bench.take('heartbeatAck'), [])
  },
)

t.test('Raft §5.1: an answer with a higher term stops everything at once', async (t) => {
  const bench = ReplicatorBench.replicating()
  t.notOk(bench.board.isRevoked(TERM))
  bench.answerHeartbeat({ term: TERM + 2, accepted: false })
  t.same(bench.take('higherTerm'), [{ kind: 'higherTerm', peer: 'n2', term: TERM + 2 }])
  t.ok(bench.board.isRevoked(TERM), 'S11: lease checks see it without a message')
  t.ok(bench.data.closed)
  bench.pass(500)
  bench.tell(probe(7))
  t.same(bench.heartbeat.sent, [])
  bench.lead()
  t.same(bench.heartbeat.sent, [], 'whatever consensus says before it knows')
  bench.lead({ term: TERM + 1 })
  t.same(bench.heartbeat.sent, [], 'nor in a term that is over')
  bench.lead({ term: TERM + 3 })
  t.equal(heartbeatsOf(bench.heartbeat.sent).length, 1, 'a later term is another matter')
})

t.test('R-43: observers hear when answers are late, and when they come again', async (t) => {
  const bench = ReplicatorBench.leading()
  const answerNewest = () => {
    const newest = heartbeatsOf(bench.heartbeat.sent).at(-1)
    bench.answerHeartbeat({ sentAt: newest?.sentAt ?? 0 })
  }
  answerNewest()
  bench.take('peerHealth')
  bench.pass(790)
  t.same(bench.take('peerHealth'), [])
  bench.pass(20)
  const failed = { change: 'failed', lastContactMs: 800, reason: /no answer .* 800 ms/ }
  t.match(bench.take('peerHealth'), [failed])
  bench.pass(300)
  t.same(bench.take('peerHealth'), [], 'once')
  answerNewest()
  t.match(bench.take('peerHealth'), [{ change: 'resumed', lastContactMs: 1110 }])
})

t.test(
  'a connection that breaks fails the heartbeats at once; a new term begins anew',
  async (t) => {
    const bench = ReplicatorBench.leading()
    bench.take('peerHealth')
    bench.heartbeat.break(new Error('reset'))
    t.match(bench.take('peerHealth'), [
      { change: 'failed', lastContactMs: null, reason: 'reset' },
      { change: 'inactive', reason: 'reset' },
    ])
    bench.lead({ term: TERM + 1 })
    bench.pass(900)
    t.match(bench.take('peerHealth'), [{ change: 'failed' }], 'its peer is told of in every term')
  },
)

t.test('without leadership nobody is late', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.tell({ kind: 'unlead' })
  bench.take('peerHealth')
  bench.pass(5000)
  bench.heartbeat.break(new Error('reset'))
  t.match(bench.take('peerHealth'), [{ change: 'inactive' }])
})

t.test('a shorter interval is kept as soon as it is told', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.pass(10)
  bench.heartbeat.take()
  bench.tell({
    kind: 'config',
    config: { ...benchConfig, heartbeatIntervalMs: 20, leaderLeaseTimeoutMs: 60 },
  })
  bench.pass(50)
  t.match(heartbeatsOf(bench.heartbeat.sent), [{ leaseMs: 60 }, { leaseMs: 60 }])
})

t.test('S12: a connection that swallows heartbeats is dialled again', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.pass(9990)
  t.notOk(bench.heartbeat.closed)
  bench.pass(200)
  t.equal(bench.dials('heartbeat'), 2)
})

t.test('TimeoutNow goes to the peer of this term only', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.heartbeat.take()
  bench.tell({ kind: 'timeoutNow', term: TERM - 1 })
  t.same(bench.heartbeat.sent, [])
  bench.tell({ kind: 'timeoutNow', term: TERM })
  t.same(
    bench.heartbeat.sent.map(({ type }) => type),
    [FrameType.timeoutNow],
  )
})

t.test('an answer that makes no sense closes the connection and harms nothing else', async (t) => {
  const bench = ReplicatorBench.leading()
  t.throws(
    () => {
      const { heartbeat } = bench
      const real = bench.context.fail
      bench.context.fail = (error) => {
        throw error
      }
      try {
        heartbeat.receive(FrameType.appendReply, new Uint8Array(4))
      } finally {
        bench.context.fail = real
      }
    },
    { name: 'TransportError', code: 'RAFT_FRAME_UNEXPECTED' },
  )
})
