import t from 'tap'
import { ConsensusBench } from './support/consensus-bench.js'

t.test('R-50: a node has the same timers whatever it was before', async (t) => {
  const bench = ConsensusBench.leading()
  const timers = bench.context.pendingTimers
  for (let round = 0; round < 5; round++) {
    bench.append({ leader: 'n2', term: bench.term + 1 })
    bench.flush()
    t.equal(bench.status.role, 'follower')
    bench.pass(5000)
    t.equal(bench.status.role, 'candidate')
    bench.flush()
    bench.vote()
    t.equal(bench.status.role, 'leader')
    t.equal(bench.context.pendingTimers, timers)
  }
})

t.test(
  'R-33: the log is compacted after a snapshot is on disk, and after no failed one',
  async (t) => {
    const bench = ConsensusBench.leadingAlone()
    for (let i = 0; i < 200; i++) bench.propose()
    bench.flush()
    for (let i = 0; i < 10; i++) bench.apply()
    const error = {
      name: 'Error',
      message: 'no room',
      code: null,
      details: null,
      stack: null,
      cause: null,
    }
    bench.tell({ kind: 'takeSnapshot', id: 1 })
    const [failed] = bench.fsm.take('takeSnapshot')
    t.same(bench.log.take('compact'), [], 'nothing is on disk yet')
    bench.tell({ kind: 'snapshotFailed', request: failed?.request ?? 0, error } as never)
    t.same(bench.log.take('compact'), [])
    bench.tell({ kind: 'takeSnapshot', id: 2 })
    const [taken] = bench.fsm.take('takeSnapshot')
    const { commitIndex: index, term } = bench.status
    bench.tell({
      kind: 'snapshotTaken',
      request: taken?.request ?? 0,
      index,
      term,
      bytes: 1,
    } as never)
    t.match(bench.log.take('compact'), [{ index: index - 100 }], 'but for the trailing entries')
  },
)
