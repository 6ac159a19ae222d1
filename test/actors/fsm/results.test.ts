import t, { type Test } from 'tap'
import { Courier } from '../../../actors/fsm/courier.js'
import { List } from '../../fixtures/machines/list.js'
import { commands } from './support/batches.js'
import { machine, Stage } from './support/stage.js'

async function applyWith(t: Test, results: readonly unknown[]) {
  const left = [...results]
  const stage = await Stage.open(machine(Object.assign(new List(), { apply: () => left.shift() })))
  t.teardown(() => stage.close())
  const reply = await stage.apply(
    commands(
      1,
      results.map(() => 'x'),
    ),
  )
  return reply.results
}

t.test('a result that cannot be cloned is an error of that entry alone', async (t) => {
  const run = await applyWith(t, [1, () => 2, 3])
  t.strictSame(run?.values, [1, undefined, 3])
  t.match(run?.errors, [
    { index: 2, error: { code: 'RAFT_RESULT_LOST', message: /index 2 was applied/ } },
  ])
})

t.test('an inline machine’s own objects do not leave it', async (t) => {
  const own = { list: [1] }
  const run = await applyWith(t, [own])
  own.list.push(2)
  t.strictSame(run?.values, [{ list: [1] }])
})

t.test('whatever structured clone takes may be a result', async (t) => {
  const ring: { self?: unknown } = {}
  ring.self = ring
  const values = [
    null,
    5n,
    new Date(5),
    new Map([[1, new Set([2])]]),
    new Uint8Array([1, 2]),
    { deep: [{ a: [[[[[{}]]]]] }] },
    ring,
  ]
  for (const copies of [true, false]) {
    const courier = new Courier(copies)
    for (const value of values) t.strictSame(courier.pack(value), { ok: true, value })
  }
})

t.test('whatever structured clone refuses is found at any depth', async (t) => {
  const hidden = { a: [{ b: { c: { d: { e: { f: { g: () => {} } } } } } }] }
  const values = [
    () => {},
    Symbol('s'),
    { a: Symbol('s') },
    [() => {}],
    hidden,
    new Map([[1, () => {}]]),
  ]
  for (const copies of [true, false]) {
    const courier = new Courier(copies)
    for (const value of values) t.equal(courier.pack(value).ok, false)
  }
})
