import t from 'tap'
import type { BatchRef } from '../../../lib/log/batch.js'
import { batchBytes } from '../../../lib/log/slab.js'
import {
  decodeSnapshotChunk,
  encodeSnapshotChunkReply,
  FrameType,
  MAX_BATCHES_PER_APPEND,
} from '../../../lib/transport/messages.js'
import {
  appendsOf,
  PEER_INCARNATION,
  pins,
  ReplicatorBench,
  TERM,
} from './support/replicator-bench.js'

function feed(bench: ReplicatorBench, number: number, ...batches: readonly BatchRef[]): void {
  bench.tell({ kind: 'batches', feed: number, batches, compacted: false })
}

const session = { term: TERM, addedAt: 1, incarnation: PEER_INCARNATION }

t.test('the data connection is up while this node leads', async (t) => {
  const bench = ReplicatorBench.connected()
  t.equal(bench.dials('data'), 0)
  bench.lead()
  t.equal(bench.dials('data'), 1)
  bench.data.welcome(PEER_INCARNATION)
  t.match(appendsOf(bench.data.take()), [
    { ...session, leader: 'n1', request: 1, prevLogIndex: 10, prevLogTerm: 6, batches: [] },
  ])
})

t.test('a match is reported in its session, and batches are pulled', async (t) => {
  const bench = ReplicatorBench.leading()
  bench.data.welcome(PEER_INCARNATION)
  bench.takeAll()
  bench.answerAppend({ request: 1, matchIndex: 10 })
  t.same(bench.takeAll(), [
    { kind: 'feed', peer: 'n2', term: TERM, feed: 1, fromIndex: 11, creditBytes: 100_000 },
    { kind: 'matched', peer: 'n2', session, matchIndex: 10 },
  ])
})

t.test('acknowledgements of one turn are one message', async (t) => {
  const bench = ReplicatorBench.replicating()
  feed(bench, 1, bench.batch(11, TERM, 6))
  feed(bench, 1, bench.batch(12))
  bench.context.turn(() => {
    const inner = bench.context.turn
    bench.context.turn = (callback) => callback()
    bench.answerAppend({ request: 2, matchIndex: 11 })
    bench.answerAppend({ request: 3, matchIndex: 12 })
    bench.context.turn = inner
  })
  t.match(bench.take('matched'), [{ matchIndex: 12 }])
})

t.test('DESIGN §2.3: the very bytes of the batch go to the socket', async (t) => {
  const bench = ReplicatorBench.replicating()
  const batch = bench.batch(11, TERM, 6)
  feed(bench, 1, batch)
  const [frame] = bench.data.sent
  t.equal(frame?.payload[0]?.buffer, batch.memory)
  t.same(frame?.payload[0], batchBytes(batch))
  t.match(appendsOf(bench.data.sent), [
    { request: 2, batches: [{ firstIndex: 11, lastIndex: 11 }] },
  ])
})

t.test('S7: a batch is unpinned when the socket has read it, not before', async (t) => {
  const bench = ReplicatorBench.replicating()
  const batch = bench.batch(11, TERM, 6)
  feed(bench, 1, batch)
  t.equal(pins(batch), 1)
  bench.answerAppend({ request: 2, matchIndex: 11 })
  t.equal(pins(batch), 1, 'an answer is no proof: the socket may still hold the memory')
  bench.data.write()
  t.equal(pins(batch), 0)
})

t.test('S7: once, also when the channel closes', async (t) => {
  const bench = ReplicatorBench.replicating()
  const batch = bench.batch(11, TERM, 6)
  feed(bench, 1, batch)
  bench.data.break()
  t.equal(pins(batch), 0)
})

t.test('S7: a batch that finds no open channel is unpinned', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.data.closed = true
  const batch = bench.batch(11, TERM, 6)
  feed(bench, 1, batch)
  t.equal(pins(batch), 0)
})

t.test('S7: so is one of a former feed, and one that comes when nothing is led', async (t) => {
  const bench = ReplicatorBench.replicating()
  const late = bench.batch(11, TERM, 6)
  feed(bench, 9, late)
  t.equal(pins(late), 0)
  bench.tell({ kind: 'unlead' })
  const later = bench.batch(11, TERM, 6)
  feed(bench, 1, later)
  t.equal(pins(later), 0)
})

t.test('S7: and what still waits when the leadership ends', async (t) => {
  const bench = ReplicatorBench.replicating({ maxInflightRequests: 1 })
  const [sent, waiting] = [bench.batch(11, TERM, 6), bench.batch(12)]
  feed(bench, 1, sent)
  feed(bench, 1, waiting)
  t.equal(pins(waiting), 2, 'both lie in one slab')
  bench.tell({ kind: 'unlead' })
  t.equal(pins(waiting), 0)
})

t.test('the commit index is read from the board at each send', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.board.commitIndex = 10
  feed(bench, 1, bench.batch(11, TERM, 6))
  bench.board.commitIndex = 11
  feed(bench, 1, bench.batch(12))
  t.same(
    appendsOf(bench.data.sent).map(({ leaderCommit }) => leaderCommit),
    [10, 11],
  )
})

t.test('an idle follower hears of the commit index within commitTimeoutMs', async (t) => {
  const bench = ReplicatorBench.replicating()
  feed(bench, 1, bench.batch(11, TERM, 6))
  bench.answerAppend({ request: 2, matchIndex: 11 })
  bench.data.take()
  bench.board.commitIndex = 11
  bench.pass(60)
  t.match(appendsOf(bench.data.sent), [{ prevLogIndex: 11, leaderCommit: 11, batches: [] }])
  bench.pass(500)
  t.equal(bench.data.sent.length, 1)
})

t.test('S12: a data connection without answers is dropped and probed again', async (t) => {
  const bench = ReplicatorBench.replicating()
  const stuck = bench.data
  feed(bench, 1, bench.batch(11, TERM, 6))
  bench.pass(10_100)
  t.ok(stuck.closed)
  t.equal(bench.dials('data'), 2)
  bench.data.welcome(PEER_INCARNATION)
  t.match(appendsOf(bench.data.sent), [{ request: 1, prevLogIndex: 10, batches: [] }])
})

t.test('Raft §5.1: an append answered with a higher term stops everything at once', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.answerAppend({ request: 2, term: TERM + 1, success: false })
  t.same(bench.take('higherTerm'), [{ kind: 'higherTerm', peer: 'n2', term: TERM + 1 }])
  t.ok(bench.board.isRevoked(TERM))
  bench.pass(300)
  t.same(bench.heartbeat.sent, [])
})

t.test(
  'S16: a follower that lost acknowledged entries is reported, and replicated to no more',
  async (t) => {
    const bench = ReplicatorBench.replicating()
    bench.data.break()
    bench.pass(200)
    bench.data.welcome(PEER_INCARNATION)
    const conflict = { term: 0, index: 5, lastIndex: 4 }
    bench.answerAppend({ request: 1, success: false, conflict })
    t.same(bench.take('lostState'), [{ kind: 'lostState', peer: 'n2', session, lastIndex: 4 }])
  },
)

t.test(
  'S2: feed numbers go on in the next session, so that late batches find no taker',
  async (t) => {
    const bench = ReplicatorBench.replicating()
    bench.tell({ kind: 'unlead' })
    bench.lead({ term: TERM + 1, lastIndex: 11, lastTerm: TERM })
    bench.data.welcome(PEER_INCARNATION)
    bench.answerAppend({ request: 1, term: TERM + 1, matchIndex: 11 })
    t.match(bench.take('feed'), [{ term: TERM + 1, feed: 2, fromIndex: 12 }])
  },
)

t.test('lead again in the same session begins the replication anew', async (t) => {
  const bench = ReplicatorBench.replicating()
  const before = bench.data
  bench.lead()
  t.ok(before.closed)
  t.equal(bench.dials('data'), 2)
})

t.test('what is compacted is sent as a snapshot, in chunks that carry the session', async (t) => {
  const bench = ReplicatorBench.replicating()
  bench.tell({ kind: 'batches', feed: 1, batches: [], compacted: true })
  t.same(bench.take('wantChunk'), [
    { kind: 'wantChunk', peer: 'n2', term: TERM, transfer: 1, offset: 0 },
  ])
  const configuration = { index: 1, configuration: { servers: [] } }
  const meta = { index: 9, term: 5, configuration, size: 3, checksum: 7 }
  const bytes = Uint8Array.of(1, 2, 3)
  const part = { offset: 0, length: 3, compressed: false, bytes, done: true }
  const chunk = { transfer: 1, meta, ...part, failed: false }
  bench.tell({ kind: 'snapshotChunk', ...chunk })
  const [frame] = bench.data.take()
  const sent = decodeSnapshotChunk(frame?.head ?? new Uint8Array(0), frame?.payload[0] ?? bytes)
  t.match(sent, { ...session, leader: 'n1', transfer: 1, meta, offset: 0, done: true })
  const answer = { term: TERM, transfer: 1, offset: 3, installed: true, failed: false }
  const head = encodeSnapshotChunkReply({ kind: 'snapshotChunkReply', ...answer })
  bench.data.receive(FrameType.snapshotChunkReply, head)
  t.match(bench.take('snapshotSent'), [{ peer: 'n2', transfer: 1 }])
})

t.test('an AppendEntries never has more batches than its codec takes', async (t) => {
  const most = MAX_BATCHES_PER_APPEND + 10
  const bench = ReplicatorBench.replicating({ maxAppendBytes: 1 << 30, maxInflightBytes: 1 << 30 })
  const batches = Array.from({ length: most }, (_, i) =>
    bench.batch(11 + i, TERM, i === 0 ? 6 : TERM),
  )
  feed(bench, 1, ...batches)
  const sizes = appendsOf(bench.data.sent).map((request) => request.batches.length)
  t.same(sizes, [MAX_BATCHES_PER_APPEND, 10])
})
