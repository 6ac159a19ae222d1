import t from 'tap'
import { FsmWatch, type FsmWork } from '../../../actors/consensus/fsm-watch.js'
import { ConsensusBench } from './support/consensus-bench.js'

/** S14: a hung state machine is reported, never terminated. */

function reports(bench: ConsensusBench) {
  const events = bench.node.take('event').map(({ event }) => event)
  return events.filter(({ kind }) => kind === 'stateMachine')
}

t.test('a state machine that hangs is reported once, and again when it goes on', async (t) => {
  const bench = ConsensusBench.leadingAlone({ applyStallTimeoutMs: 3000 })
  bench.propose()
  bench.flush()
  const index = bench.status.lastLogIndex
  bench.pass(2900)
  t.same(reports(bench), [], 'it may take its time')
  bench.pass(5000)
  t.match(reports(bench), [{ change: 'stalled', what: 'apply', index, ms: Number }])
  t.match(bench.context.warnings, [{ message: 'the state machine does not answer' }])
  bench.apply()
  bench.pass(100)
  t.match(reports(bench), [{ change: 'resumed', what: 'apply', index }])
})

t.test('one that is slow and answers, or has nothing to do, is not reported', async (t) => {
  const bench = ConsensusBench.leadingAlone({ applyStallTimeoutMs: 3000 })
  bench.pass(10_000)
  for (let i = 0; i < 5; i++) {
    bench.propose()
    bench.flush()
    bench.pass(2000)
    bench.apply()
  }
  t.same(reports(bench), [])
})

t.test('a query that is not answered is noticed too', async (t) => {
  const bench = ConsensusBench.leadingAlone({ applyStallTimeoutMs: 3000 })
  bench.tell({ kind: 'query', minIndex: 0, items: [{ id: 1, request: 'for ever' }] })
  bench.pass(4000)
  t.match(reports(bench), [{ change: 'stalled', what: 'query' }])
})

t.test('time in which the consensus thread stood still does not count', async (t) => {
  const watch = new FsmWatch(1000, () => 50, 0)
  const work: FsmWork = { what: 'apply', index: 5, answers: 1 }
  watch.look(50, work)
  t.equal(watch.look(60_000, work), null, 'the answers may wait to be read')
  t.equal(watch.look(60_050, { ...work, answers: 2 }), null)
})
