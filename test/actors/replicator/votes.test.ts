import t from 'tap'
import { decodeRequestVote, encodeVoteReply, FrameType } from '../../../lib/transport/messages.js'
import { PEER_INCARNATION, ReplicatorBench } from './support/replicator-bench.js'

const ask = (round: number) => {
  const who = { kind: 'requestVote', preVote: false, term: 8, candidate: 'n1' } as const
  const request = { ...who, lastLogIndex: 4, lastLogTerm: 2, transfer: false, round }
  return { kind: 'requestVote', request } as const
}

function rounds(bench: ReplicatorBench): readonly number[] {
  return bench.heartbeat
    .take()
    .filter(({ type }) => type === FrameType.requestVote)
    .map(({ head }) => decodeRequestVote(head).round)
}

t.test('a candidate’s requests go over the heartbeat connection that is up anyway', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.tell(ask(1), ask(2))
  t.same(rounds(bench), [1, 2])
  t.equal(bench.dials('heartbeat'), 1)
})

t.test('the answer is told with the peer’s name', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.tell(ask(3))
  const verdict = { term: 8, granted: true, round: 3, reason: 'up to date', outsideSince: 9 }
  const reply = { kind: 'voteReply', preVote: false, ...verdict } as const
  bench.heartbeat.receive(FrameType.voteReply, encodeVoteReply(reply))
  t.same(bench.take('voteReply'), [{ kind: 'voteReply', peer: 'n2', reply }])
})

t.test(
  'a request that finds the connection down is sent when it opens within the round',
  async (t) => {
    const bench = ReplicatorBench.connected()
    bench.heartbeat.break()
    bench.tell(ask(1), ask(2))
    bench.pass(200)
    bench.heartbeat.welcome(PEER_INCARNATION)
    t.same(rounds(bench), [2], 'the newest round only')
  },
)

t.test('not when it opens long after', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.heartbeat.break()
  bench.tell(ask(1))
  bench.pass(1500)
  bench.heartbeat.welcome(PEER_INCARNATION)
  t.same(rounds(bench), [])
})

t.test('not when this node leads meanwhile', async (t) => {
  const bench = ReplicatorBench.connected()
  bench.heartbeat.break()
  bench.tell(ask(1))
  bench.lead({ term: 8 })
  bench.pass(200)
  bench.heartbeat.welcome(PEER_INCARNATION)
  t.same(rounds(bench), [])
})

t.test('S12: a connection that swallows vote requests is dialled again', async (t) => {
  const bench = ReplicatorBench.connected()
  for (let round = 1; round <= 11; round++) {
    bench.tell(ask(round))
    bench.pass(1000)
  }
  t.equal(bench.dials('heartbeat'), 2)
})
