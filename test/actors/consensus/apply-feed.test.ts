import t from 'tap'
import type { FsmMessage } from '../../../actors/fsm/protocol.js'
import { ConsensusBench, pinsOf } from './support/consensus-bench.js'
import { Recorder } from './support/recorder.js'

/** So many commands are proposed and committed one by one; their batches. */
function committed(bench: ConsensusBench, count: number) {
  return Array.from({ length: count }, () => {
    const batch = bench.body()
    bench.tell({ kind: 'propose', proposal: batch.offset, batch })
    bench.flush()
    return batch
  })
}

t.test('a busy state machine has few messages, and gets the rest in larger ones', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  committed(bench, 100)
  t.ok(bench.fsm.take('apply').length <= 8, 'S18: its mailbox cannot overflow')
  bench.tell({ kind: 'applied', life: 1, toIndex: 3, results: null })
  const [next] = bench.fsm.take('apply')
  t.ok((next?.batches.length ?? 0) > 50, 'what waited is one message')
})

t.test('an apply that finds no room is told again later, with its pins taken once', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  bench.fsm.hasRoom = false
  const [batch] = committed(bench, 1)
  t.equal(batch && pinsOf(batch).fsm, 0, 'nobody would take the pin away')
  bench.fsm.hasRoom = true
  bench.pass(100)
  bench.apply()
  t.equal(bench.node.take('proposalApplied').length, 1)
  t.equal(batch && pinsOf(batch).fsm, 0)
})

t.test('what a dead state machine had in hand is let go and fed again', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  const [batch] = committed(bench, 3)
  t.ok(batch && pinsOf(batch).fsm > 0)
  bench.unlink('fsm')
  t.equal(batch && pinsOf(batch).fsm, 0, 'S7: pins belong to an incarnation')
  t.match(bench.node.take('proposalFailed'), [
    { outcome: 'committed', reason: 'resultLost' },
    { outcome: 'committed', reason: 'resultLost' },
    { outcome: 'committed', reason: 'resultLost' },
  ])
  const successor = new Recorder<FsmMessage>('fsm')
  bench.link('fsm', successor)
  bench.tell({ kind: 'fsmReady', life: 2, lastApplied: 2 })
  t.match(successor.take('apply'), [{ fromIndex: 3, toIndex: 5 }])
})

t.test('a state machine that lags does not hold the tail in memory', async (t) => {
  const bench = ConsensusBench.leadingAlone({ tailMaxBytes: 1000, maxApplyBytes: 1000 })
  const batches = committed(bench, 50)
  const held = batches.filter((batch) => pinsOf(batch).consensus > 40)
  t.same(held, [], 'S7: past tailMaxBytes it reads from the store')
})

t.test('proposals are refused while the state machine lags too far', async (t) => {
  const bench = ConsensusBench.leadingAlone({ maxApplyLagBytes: 1000 })
  committed(bench, 20)
  t.match(bench.node.take('proposalFailed')[0], { reason: 'overloaded', outcome: 'rejected' })
  bench.apply()
  bench.apply()
  bench.node.takeAll()
  committed(bench, 1)
  t.same(bench.node.take('proposalFailed'), [], 'it has caught up')
})

t.test('a cold answer that comes after a restart of the state machine is not fed', async (t) => {
  const bench = ConsensusBench.leadingAlone({ tailMaxBytes: 100, maxApplyBytes: 100 })
  committed(bench, 20)
  bench.fsm.takeAll()
  bench.unlink('fsm')
  bench.link('fsm', new Recorder<FsmMessage>('fsm'))
  bench.tell({ kind: 'fsmReady', life: 2, lastApplied: 2 })
  const [read] = bench.log.take('read')
  t.match(read, { fromIndex: 3 })
  bench.unlink('fsm')
  const successor = new Recorder<FsmMessage>('fsm')
  bench.link('fsm', successor)
  bench.tell({ kind: 'fsmReady', life: 3, lastApplied: 10 })
  const late = { ...bench.batch(3, 2), pinned: false }
  bench.tell({ kind: 'logRead', request: read?.request ?? 0, batches: [late] })
  t.same(successor.take('apply'), [])
  t.match(bench.log.take('read'), [{ fromIndex: 11 }], 'it asks for what it needs')
})

t.test('a barrier waits for the successor of the state machine that it waited for', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  const held = bench.status.lastLogIndex
  bench.propose()
  bench.tell({ kind: 'barrier', id: 7 })
  bench.flush()
  bench.unlink('fsm')
  t.match(bench.node.take('proposalFailed'), [{ reason: 'resultLost', outcome: 'committed' }])
  t.same(bench.node.take('barrierDone'), [], 'nothing holds what is before it')
  bench.link('fsm', new Recorder<FsmMessage>('fsm'))
  bench.tell({ kind: 'fsmReady', life: 2, lastApplied: held })
  bench.tell({ kind: 'applied', life: 2, toIndex: held + 2, results: null })
  t.match(bench.node.take('barrierDone'), [{ id: 7, index: held + 2 }])
})

t.test('what a state machine that is gone still says counts for nothing', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  const held = bench.status.lastLogIndex
  bench.propose()
  bench.flush()
  const { lastLogIndex } = bench.status
  bench.unlink('fsm')
  const late = { kind: 'applied', life: 1, toIndex: lastLogIndex, results: null } as const
  bench.tell(late)
  const successor = new Recorder<FsmMessage>('fsm')
  bench.link('fsm', successor)
  bench.tell({ kind: 'fsmReady', life: 2, lastApplied: held })
  t.match(successor.take('apply'), [{ toIndex: lastLogIndex }], 'it is fed what it lacks')
  bench.tell(late, { kind: 'restored', life: 1, index: lastLogIndex, term: 1, bytes: null })
  bench.tell({ kind: 'queried', life: 1, index: lastLogIndex, items: [] })
  bench.context.throwFailure()
  bench.propose()
  bench.flush()
  t.match(successor.take('apply'), [{ fromIndex: lastLogIndex + 1 }], 'and goes on where it was')
})

t.test(
  'one that dies before its word of being ready is heard is not taken for its successor',
  async (t) => {
    const bench = ConsensusBench.leadingAlone()
    const held = bench.status.lastLogIndex
    committed(bench, 2)
    bench.unlink('fsm')
    bench.link('fsm', new Recorder<FsmMessage>('fsm'))
    bench.unlink('fsm')
    bench.tell({ kind: 'fsmReady', life: 2, lastApplied: held })
    const successor = new Recorder<FsmMessage>('fsm')
    bench.link('fsm', successor)
    t.strictSame(successor.takeAll(), [{ kind: 'begin', life: 3 }])
    bench.tell({ kind: 'fsmReady', life: 3, lastApplied: held })
    t.match(successor.take('apply'), [{ fromIndex: held + 1, toIndex: held + 2 }], 'it is fed once')
  },
)

t.test('a barrier that was committed and never applied fails with its node', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  bench.tell({ kind: 'barrier', id: 7 })
  bench.flush()
  bench.tell({ kind: 'shutdown', error: null })
  t.same(bench.node.take('barrierDone'), [])
  t.match(bench.node.take('barrierFailed'), [{ id: 7, reason: 'shutdown' }])
})

t.test('S14: a machine that keeps its own state is fed nothing unflushed', async (t) => {
  const bench = ConsensusBench.leading({ flushedOnly: true })
  bench.flush()
  bench.matched('n2', bench.status.lastLogIndex)
  bench.fsm.takeAll()
  bench.propose()
  bench.matched('n2', bench.status.lastLogIndex)
  bench.matched('n3', bench.status.lastLogIndex)
  t.equal(bench.status.commitIndex, bench.status.lastLogIndex, 'the others have it on disk')
  t.same(bench.fsm.take('apply'), [])
  bench.flush()
  t.match(bench.fsm.take('apply'), [{ toIndex: bench.status.lastLogIndex }])
})

t.test('S14: a snapshot waits until all that the machine was fed is flushed', async (t) => {
  const bench = ConsensusBench.leading()
  bench.flush()
  bench.matched('n2', bench.status.lastLogIndex)
  bench.apply()
  const commitUnflushed = () => {
    bench.propose()
    bench.matched('n2', bench.status.lastLogIndex)
    bench.matched('n3', bench.status.lastLogIndex)
  }
  commitUnflushed()
  t.match(
    bench.fsm.take('apply'),
    [{ toIndex: bench.status.lastLogIndex }],
    'fed ahead of the disk',
  )
  bench.tell({ kind: 'takeSnapshot', id: 1 })
  commitUnflushed()
  t.same(bench.fsm.take('takeSnapshot'), [])
  t.same(bench.fsm.take('apply'), [], 'and no further while it is wanted')
  bench.flush()
  t.equal(bench.fsm.take('takeSnapshot').length, 1)
})
