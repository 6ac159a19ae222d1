import t, { type Test } from 'tap'
import type { Outcome, QueryItem } from '../../../actors/fsm/protocol.js'
import { jsonCodec } from '../../../lib/fsm/codecs.js'
import type { StateMachineSpec } from '../../../lib/fsm/spec.js'
import { Counter } from '../../fixtures/machines/counter.js'
import { List } from '../../fixtures/machines/list.js'
import { commands } from './support/batches.js'
import { machine, Stage } from './support/stage.js'

async function open(t: Test, spec: StateMachineSpec): Promise<Stage> {
  const stage = await Stage.open(spec)
  t.teardown(() => stage.close())
  return stage
}

async function ask(stage: Stage, ...items: readonly Omit<QueryItem, 'id'>[]): Promise<Outcome[]> {
  const numbered = items.map((item, id) => ({ id, ...item }))
  stage.fsm.ref.tell({ kind: 'query', items: numbered })
  const reply = await stage.replies.take('queried')
  return reply.items.map((item) => item.outcome)
}

const counter = () => machine(new Counter(), { codec: jsonCodec() })

t.test('a query sees the applies told before it, and says at which index', async (t) => {
  const stage = await open(t, machine(new List()))
  stage.tell([commands(1, ['a', 'b'])])
  stage.fsm.ref.tell({ kind: 'query', items: [{ id: 5, request: 'length' }] })
  stage.tell([commands(3, ['c'])])
  await stage.replies.take('applied')
  t.strictSame(await stage.replies.take('queried'), {
    kind: 'queried',
    life: 1,
    index: 2,
    items: [{ id: 5, outcome: { ok: true, value: 2 } }],
  })
})

t.test('a method of queries is called with its arguments', async (t) => {
  const stage = await open(t, counter())
  await stage.apply(commands(1, [{ add: 5 }]))
  t.strictSame(
    await ask(stage, { method: 'total', request: [] }, { method: 'plus', request: [2] }),
    [
      { ok: true, value: 5 },
      { ok: true, value: 7 },
    ],
  )
})

t.test('a query that throws is its own outcome and harms no other', async (t) => {
  const stage = await open(t, counter())
  const outcomes = await ask(
    stage,
    { method: 'fail', request: [] },
    { method: 'total', request: [] },
  )
  t.match(outcomes, [
    { ok: false, error: { name: 'RangeError', message: 'no such total' } },
    { ok: true, value: 0 },
  ])
})

t.test('what the machine does not offer is refused by name', async (t) => {
  const stage = await open(t, counter())
  const outcomes = await ask(
    stage,
    { request: 'total' },
    { method: 'missing', request: [] },
    { method: 'constructor', request: [] },
    { method: '__proto__', request: [] },
    { method: 'total', request: 'no list' },
  )
  for (const outcome of outcomes) {
    t.match(outcome, { ok: false, error: { code: 'RAFT_UNKNOWN_QUERY' } })
  }
})

t.test('a machine without queries refuses a method', async (t) => {
  const stage = await open(t, machine(new List()))
  t.match(await ask(stage, { method: 'total', request: [] }), [
    { ok: false, error: { code: 'RAFT_UNKNOWN_QUERY', message: /no object `queries`/ } },
  ])
})

t.test('queries may answer by promise, one after the other', async (t) => {
  const order: string[] = []
  const list = Object.assign(new List(), {
    async query(request: string) {
      order.push(`begin ${request}`)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(`end ${request}`)
      return request
    },
  })
  const stage = await open(t, machine(list))
  t.strictSame(await ask(stage, { request: 'a' }, { request: 'b' }), [
    { ok: true, value: 'a' },
    { ok: true, value: 'b' },
  ])
  t.strictSame(order, ['begin a', 'end a', 'begin b', 'end b'])
})

t.test('an answer that cannot be cloned is an error of that query', async (t) => {
  const list = Object.assign(new List(), { query: () => ({ call: () => 1 }) })
  const stage = await open(t, machine(list))
  t.match(await ask(stage, { request: 'x' }), [
    { ok: false, error: { code: 'RAFT_RESULT_LOST', message: /plain data/ } },
  ])
})
