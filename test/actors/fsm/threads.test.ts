import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { jsonCodec } from '../../../lib/fsm/codecs.js'
import { stateMachine } from '../../../lib/fsm/define.js'
import type { StateMachineSpec } from '../../../lib/fsm/spec.js'
import { pinned } from '../../../lib/log/slab.js'
import { fileSnapshotStore } from '../../../lib/snapshot/stores.js'
import type { Add } from '../../fixtures/machines/counter.js'
import { commands, pinnedCommands } from './support/batches.js'
import { Stage } from './support/stage.js'

type Counting = typeof import('../../fixtures/machines/counter.js')
type Listing = typeof import('../../fixtures/machines/list.js')
type Throwing = typeof import('../../fixtures/machines/throwing.js')

const fixture = (name: string): URL =>
  new URL(`../../fixtures/machines/${name}.js`, import.meta.url)

async function open(t: Test, spec: StateMachineSpec, dataDir = t.testdir({})): Promise<Stage> {
  const store = fileSnapshotStore()
  const stage = await Stage.open(spec, { placement: 'thread', dataDir, store })
  t.teardown(() => stage.close())
  return stage
}

t.test('a module runs on its thread, its results and refusals come back', async (t) => {
  const spec = stateMachine<Counting>(
    fixture('counter'),
    { start: 10 },
    { codec: jsonCodec<Add>() },
  )
  const stage = await open(t, spec)
  const { results } = await stage.apply(commands(1, [{ add: 5 }, { add: -1 }]))
  t.strictSame(results?.values, [15, undefined])
  t.match(results?.errors, [{ index: 2, error: { name: 'CommandError', code: 'NEGATIVE' } }])
  stage.fsm.ref.tell({ kind: 'query', items: [{ id: 1, method: 'plus', request: [2] }] })
  t.match(await stage.replies.take('queried'), { items: [{ outcome: { ok: true, value: 17 } }] })
})

t.test('shared batches are read in place and unpinned from the other thread', async (t) => {
  const stage = await open(t, stateMachine<Listing>(fixture('list')))
  const batch = pinnedCommands(1, ['a', 'b'])
  await stage.apply(batch)
  t.notOk(pinned(batch.memory))
  t.match(await stage.query('all'), [{ text: 'a' }, { text: 'b' }])
})

t.test('a snapshot goes from thread to file to the next thread', async (t) => {
  const dataDir = t.testdir({})
  const spec = stateMachine<Listing>(fixture('list'))
  const stage = await open(t, spec, dataDir)
  const texts = Array.from({ length: 20_000 }, (_, i) => `${i} ${'x'.repeat(i % 50)}`)
  await stage.apply(commands(1, texts))
  const { bytes } = await stage.takeSnapshot()
  t.ok(bytes > 1024 * 1024, 'several chunks')
  t.equal((await readdir(join(dataDir, 'snapshots'))).length, 1)
  await stage.close()
  const next = await open(t, spec, dataDir)
  await next.restore(20_000, 1)
  t.equal(await next.query('length'), 20_000)
  const items = (await next.query('all')) as readonly { readonly text: string }[]
  t.strictSame(
    items.map((item) => item.text),
    texts,
  )
})

t.test('a large state is written beside the applies, not before them', async (t) => {
  const stage = await open(t, stateMachine(fixture('laborious')))
  await stage.apply(commands(1, ['x']))
  stage.askSnapshot()
  let applied = 0
  for (let index = 2; ; index++) {
    stage.tell([commands(index, ['x'])])
    const { kind } = await stage.replies.takeAny()
    if (kind === 'snapshotTaken') break
    applied++
  }
  t.ok(applied >= 50, `${applied} entries were applied, one after the other`)
})

t.test('a failure keeps its code, index and cause between threads (S14)', async (t) => {
  const stage = await open(t, stateMachine<Throwing>(fixture('throwing'), { failAt: 2 }))
  stage.tell([commands(1, ['a', 'b'])])
  t.match(await stage.fsmFailure(), {
    code: 'RAFT_STATE_MACHINE_FAILED',
    details: { index: 2 },
    cause: { message: 'planted failure at index 2' },
  })
})

t.test('a module that cannot be loaded keeps the actor from starting, and says why', async (t) => {
  await t.rejects(open(t, stateMachine(fixture('missing'))), {
    code: 'RAFT_MODULE_LOAD',
    message: /missing\.js could not be loaded.*Build it first/s,
  })
})

t.test('a new thread takes over from the snapshot after a crash', async (t) => {
  const stage = await open(t, stateMachine<Listing>(fixture('list')))
  await stage.apply(commands(1, ['a', 'b']))
  await stage.takeSnapshot()
  await stage.apply(commands(3, ['c']))
  await stage.fsm.kill()
  await stage.startFsm()
  await stage.restore(2, 1)
  const { results } = await stage.apply(commands(3, ['c', 'd']))
  t.strictSame(results?.values, [3, 4])
})
