import t from 'tap'
import { ConsensusBench, initOf, logOf, present } from './support/consensus-bench.js'

t.test('a restore at start tells how far it is, and of its end', async (t) => {
  const [configuration] = initOf(1).log.configurations
  const snapshot = { index: 5, term: 1, configuration: present(configuration) }
  const log = logOf(5, { firstIndex: 6, prevTerm: 1, termRuns: [] })
  const bench = new ConsensusBench(initOf(1, { snapshot, log }))
  bench.tell({ kind: 'fsmReady', life: 1, lastApplied: null })
  t.match(bench.fsm.take('restore'), [{ index: 5, term: 1 }])
  bench.tell({ kind: 'restoring', done: 400, total: 1000 })
  bench.tell({ kind: 'restored', life: 1, index: 5, term: 1, bytes: 1000 })
  const events = bench.node.take('event').map(({ event }) => event)
  t.match(
    events.filter(({ kind }) => kind === 'progress'),
    [
      { what: 'restore', done: 400, total: 1000 },
      { what: 'restore', done: 1000, total: 1000 },
    ],
  )
})
