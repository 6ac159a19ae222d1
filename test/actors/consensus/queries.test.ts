import t from 'tap'
import type { FsmMessage } from '../../../actors/fsm/protocol.js'
import { ConsensusBench } from './support/consensus-bench.js'
import { Recorder } from './support/recorder.js'

const item = (id: number) => ({ id, request: 'how many?' })

t.test('a query waits until what it needs is before it in the mailbox', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  bench.tell({ kind: 'query', minIndex: 3, items: [item(1)] })
  t.same(bench.fsm.take('query'), [])
  bench.propose()
  bench.flush()
  t.match(bench.fsm.take('apply'), [{ toIndex: 3 }])
  t.match(bench.fsm.take('query'), [{ items: [{ id: 1 }] }])
})

t.test('queries for a busy state machine are few messages, and all are asked', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  for (let id = 1; id <= 100; id++) bench.tell({ kind: 'query', minIndex: 0, items: [item(id)] })
  const told = bench.fsm.take('query')
  t.ok(told.length <= 4, 'S18: its mailbox cannot overflow')
  for (const { items } of told)
    bench.tell({ kind: 'queried', life: 1, index: 2, items: answered(items) })
  const rest = bench.fsm.take('query')
  t.equal(told.concat(rest).flatMap(({ items }) => items).length, 100)
})

t.test('queries in the hands of a state machine that dies are answered', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  bench.tell({ kind: 'query', minIndex: 0, items: [item(1)] })
  bench.tell({ kind: 'query', minIndex: 3, items: [item(2)] })
  bench.unlink('fsm')
  const [done, ...others] = bench.node.take('queryDone')
  t.match(done, { items: [{ id: 1, outcome: { ok: false } }] }, 'nobody else would answer it')
  t.same(others, [])
  const successor = new Recorder<FsmMessage>('fsm')
  bench.link('fsm', successor)
  bench.tell({ kind: 'fsmReady', life: 2, lastApplied: 3 })
  t.match(successor.take('query'), [{ items: [{ id: 2 }] }], 'one that waited is asked')
})

function answered(items: readonly { readonly id: number }[]) {
  return items.map(({ id }) => ({ id, outcome: { ok: true, value: 0 } as const }))
}
