import t from 'tap'
import { ConsensusBench, initOf, logOf, present } from './support/consensus-bench.js'

const { configuration } = present(initOf(1).log.configurations[0])
const empty = initOf(1, {
  hardState: { term: 0, votedFor: null, promisedLeaseMs: 0 },
  log: logOf(0, { configurations: [] }),
  mayVote: false,
})

t.test('more barriers than the log can take are refused, and the node goes on', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  const barriers = Array.from({ length: 6000 }, (_, id) => ({ kind: 'barrier', id }) as const)
  bench.tell(...barriers)
  bench.context.throwFailure()
  const failed = bench.node.take('barrierFailed')
  t.ok(failed.length > 0, 'S18: nothing is without a bound')
  t.ok(failed.every(({ reason, outcome }) => reason === 'overloaded' && outcome === 'rejected'))
  bench.flush()
  bench.apply()
  t.equal(bench.node.take('barrierDone').length + failed.length, 6000)
})

t.test('a replicator that died before its start was heard of is ignored', async (t) => {
  const bench = ConsensusBench.leading()
  // Link changes overtake messages: the start of a replicator that is gone by now comes after them.
  bench.tell({ kind: 'replicatorStarted', peer: 'n9', pinSlot: 9 })
  bench.context.throwFailure()
  t.equal(bench.status.role, 'leader')
})

t.test(
  'a handshake that overtakes the start of its replicator is admitted all the same',
  async (t) => {
    const bench = ConsensusBench.leading()
    bench.unlink('replicator-n2')
    const incarnation = 'inc-2'
    bench.tell({ kind: 'peerConnected', peer: 'n2', incarnation, features: [], vouches: true })
    const replicator = bench.startReplicator('n2', 9)
    t.match(replicator.take('admitted'), [{ incarnation, admitted: true }])
  },
)

t.test('what a replicator was to forward when it died is answered as lost', async (t) => {
  const bench = ConsensusBench.leading()
  const forward = (request: number, to = 'n2') =>
    bench.tell({ kind: 'forward', request, to, body: new Uint8Array(1), timeoutMs: 1000 })
  const answer = { kind: 'forwardReply', peer: 'n2', body: new Uint8Array(2), sent: true } as const
  forward(1)
  forward(2)
  forward(3, 'n3')
  bench.tell({ ...answer, request: 1 })
  bench.node.takeAll()
  bench.unlink('replicator-n2')
  t.match(bench.node.take('forwardReply'), [{ request: 2, body: null, sent: true }])
  forward(4)
  t.match(bench.node.take('forwardReply'), [{ request: 4, body: null, sent: false }])
  bench.startReplicator('n2', 9)
  forward(5)
  t.same(bench.node.take('forwardReply'), [])
})

t.test('of two bootstraps at once one is done', async (t) => {
  const bench = new ConsensusBench(empty)
  bench.tell({ kind: 'bootstrap', id: 1, configuration })
  bench.tell({ kind: 'bootstrap', id: 2, configuration })
  t.match(bench.node.take('bootstrapDone'), [{ id: 2, reason: 'alreadyBootstrapped' }])
  const asked = bench.log.takeAsked()
  t.equal(asked.length, 1)
  asked[0]?.settle(null)
  await new Promise<void>((resolve) => setImmediate(resolve))
  bench.context.throwFailure()
  t.match(bench.node.take('bootstrapDone'), [{ id: 1, reason: null }])
})

t.test('a bootstrap that the log actor refuses harms nobody', async (t) => {
  const bench = new ConsensusBench(empty)
  bench.tell({ kind: 'bootstrap', id: 1, configuration })
  const refusal = Object.assign(new Error('not empty'), { code: 'RAFT_BOOTSTRAP_MISMATCH' })
  bench.log.takeAsked()[0]?.settle(null, refusal)
  await new Promise<void>((resolve) => setImmediate(resolve))
  bench.context.throwFailure()
  t.match(bench.node.take('bootstrapDone'), [{ id: 1, reason: 'alreadyBootstrapped' }])
})

t.test('a leader that speaks while the bootstrap entry is written is heard after it', async (t) => {
  const bench = new ConsensusBench(empty)
  bench.tell({ kind: 'bootstrap', id: 1, configuration })
  bench.append({ prevLogIndex: 0, prevLogTerm: 0 }, [bench.batch(1, 2, { prevTerm: 0 })])
  bench.log.takeAsked()[0]?.settle(null)
  await new Promise<void>((resolve) => setImmediate(resolve))
  bench.context.throwFailure()
  t.equal(bench.status.lastLogIndex, 1)
  t.equal(bench.status.configuration.index, 1)
})

t.test('a node that is closing answers no more heartbeats on the fast path', async (t) => {
  const bench = new ConsensusBench(initOf(3))
  const heartbeat = {
    kind: 'heartbeat',
    term: 2,
    leader: 'n2',
    addedAt: 1,
    incarnation: 'inc-1',
    probe: 0,
    sentAt: 1,
    leaseMs: 500,
  } as const
  bench.tell({ kind: 'rpcHeartbeat', connection: 1, request: heartbeat })
  bench.flush()
  t.ok(bench.fastPath.answer(heartbeat, bench.context.now()))
  bench.tell({ kind: 'shutdown', error: null })
  bench.tell({ kind: 'rpcHeartbeat', connection: 1, request: heartbeat })
  bench.flush()
  t.notOk(bench.fastPath.answer(heartbeat, bench.context.now()))
})
