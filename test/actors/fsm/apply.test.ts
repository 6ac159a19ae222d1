import t, { type Test } from 'tap'
import { jsonCodec } from '../../../lib/fsm/codecs.js'
import type { StateMachineSpec } from '../../../lib/fsm/spec.js'
import type { Entry } from '../../../lib/fsm/state-machine.js'
import { pinned } from '../../../lib/log/slab.js'
import { BatchingList } from '../../fixtures/machines/batching.js'
import { Counter } from '../../fixtures/machines/counter.js'
import { List } from '../../fixtures/machines/list.js'
import { failures, ThrowingList } from '../../fixtures/machines/throwing.js'
import { bareActor } from './support/bare-actor.js'
import {
  barrier,
  commands,
  configurationEntry,
  noop,
  pinnedCommands,
  timeOf,
} from './support/batches.js'
import { configuration, machine, Stage, type StageOptions } from './support/stage.js'

async function open(t: Test, spec: StateMachineSpec, options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.open(spec, options)
  t.teardown(() => stage.close())
  return stage
}

t.test('each entry is applied with its own index, term and time (R-05, R-06)', async (t) => {
  const list = new List()
  const stage = await open(t, machine(list))
  const { toIndex, results } = await stage.apply(commands(1, ['a', 'b'], 3), commands(3, ['c'], 4))
  t.equal(toIndex, 3)
  t.strictSame(results, { firstIndex: 1, values: [1, 2, 3], errors: [] })
  t.strictSame(list.items, [
    { index: 1, term: 3, time: timeOf(1), text: 'a' },
    { index: 2, term: 3, time: timeOf(1), text: 'b' },
    { index: 3, term: 4, time: timeOf(3), text: 'c' },
  ])
})

t.test('a replay shows a new machine exactly what the first one saw (R-05)', async (t) => {
  const batches = [noop(1, 1), commands(2, ['a', 'b', 'c']), commands(5, ['d'], 2)]
  const seen: List[] = []
  for (const cut of [1, 2, 3]) {
    const list = new List()
    const stage = await open(t, machine(list))
    await stage.apply(...batches.slice(0, cut))
    if (cut < 3) await stage.apply(...batches.slice(cut))
    seen.push(list)
  }
  t.equal(seen[0]?.items.length, 4)
  t.strictSame(seen[1]?.items, seen[0]?.items)
  t.strictSame(seen[2]?.items, seen[0]?.items)
})

t.test('only the entries asked for are applied, the batches may hold more', async (t) => {
  const list = new List()
  const stage = await open(t, machine(list))
  const batches = [commands(1, ['a', 'b', 'c', 'd'])]
  stage.fsm.ref.tell({ kind: 'apply', fromIndex: 1, toIndex: 2, batches, resultsFrom: null })
  stage.fsm.ref.tell({ kind: 'apply', fromIndex: 3, toIndex: 4, batches, resultsFrom: 4 })
  t.strictSame(await stage.replies.take('applied'), {
    kind: 'applied',
    life: 1,
    toIndex: 2,
    results: null,
  })
  const { results } = await stage.replies.take('applied')
  t.strictSame(results, { firstIndex: 4, values: [4], errors: [] })
  t.equal(list.items.map((item) => item.text).join(''), 'abcd')
})

t.test('entries that are applied already are skipped', async (t) => {
  const list = new List()
  const stage = await open(t, machine(list))
  await stage.apply(commands(1, ['a', 'b']))
  const { toIndex, results } = await stage.apply(commands(1, ['a', 'b', 'c']))
  t.equal(toIndex, 3)
  t.strictSame(results, { firstIndex: 3, values: [3], errors: [] })
  t.equal((await stage.apply(commands(2, ['b']))).results, null)
  t.equal(list.items.length, 3)
})

t.test('a gap before the entries is a broken invariant with its numbers', async (t) => {
  const stage = await open(t, machine(new List()))
  await stage.apply(commands(1, ['a']))
  stage.tell([commands(3, ['c'])])
  t.match(await stage.fsmFailure(), {
    code: 'RAFT_INVARIANT',
    details: { lastApplied: 1, fromIndex: 3 },
  })
})

t.test('a gap between the batches is a broken invariant', async (t) => {
  for (const made of [new List(), new BatchingList({})]) {
    const stage = await open(t, machine(made))
    stage.tell([commands(1, ['a']), commands(3, ['c'])])
    t.match(await stage.fsmFailure(), {
      code: 'RAFT_INVARIANT',
      details: { lastApplied: 1, index: 3 },
    })
  }
})

t.test('batches that end too early are a broken invariant', async (t) => {
  const stage = await open(t, machine(new List()))
  const batches = [commands(1, ['a'])]
  stage.fsm.ref.tell({ kind: 'apply', fromIndex: 1, toIndex: 2, batches, resultsFrom: null })
  t.match(await stage.fsmFailure(), { code: 'RAFT_INVARIANT', details: { lastApplied: 1 } })
})

t.test('no-ops, barriers and configurations reach neither apply nor applyBatch', async (t) => {
  for (const made of [new List(), new BatchingList({})]) {
    const stage = await open(t, machine(made))
    const change = configurationEntry(2, configuration.configuration)
    const { results } = await stage.apply(noop(1, 1), change, commands(3, ['a']), barrier(4, 1))
    t.strictSame(results, {
      firstIndex: 1,
      values: [undefined, undefined, 1, undefined],
      errors: [],
    })
    t.strictSame(
      made.items.map((item) => item.index),
      [3],
    )
  }
})

t.test('a machine that asks for it learns of configurations, in their place', async (t) => {
  const seen: unknown[] = []
  const list = Object.assign(new List(), {
    async configurationChanged(index: number, servers: readonly unknown[]) {
      seen.push([index, list.items.length, servers])
    },
  })
  const stage = await open(t, machine(list))
  const change = configurationEntry(2, configuration.configuration)
  await stage.apply(commands(1, ['a']), change, commands(3, ['b']))
  t.strictSame(seen, [[2, 1, configuration.configuration.servers]])
})

t.test('a CommandError is the result of its command alone (S14)', async (t) => {
  const stage = await open(t, machine(new Counter(), { codec: jsonCodec() }))
  const { results } = await stage.apply(commands(1, [{ add: 2 }, { add: -1 }, { add: 3 }]))
  t.strictSame(results?.values, [2, undefined, 5])
  t.match(results?.errors, [
    { index: 2, error: { name: 'CommandError', code: 'NEGATIVE', details: { add: -1 } } },
  ])
  t.equal(results?.errors.length, 1)
})

t.test('a CommandError of another copy of the package is one too', async (t) => {
  const foreign = Object.assign(new Error('no'), { name: 'CommandError', code: 'FOREIGN' })
  const list = Object.assign(new List(), {
    apply() {
      throw foreign
    },
  })
  const stage = await open(t, machine(list))
  const { results } = await stage.apply(commands(1, ['a']))
  t.match(results?.errors, [{ index: 1, error: { code: 'FOREIGN' } }])
})

t.test('any other exception fails the actor, naming index and cause (S14)', async (t) => {
  const stage = await open(t, machine(new ThrowingList({ failAt: 3 })))
  stage.tell([commands(1, ['a', 'b', 'c', 'd'])])
  const failure = await stage.fsmFailure()
  t.match(failure, {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: /apply failed at index 3: planted failure at index 3/,
    details: { index: 3 },
    cause: { message: 'planted failure at index 3' },
  })
  t.ok(stage.replies.empty, 'nothing was reported as applied')
})

t.test('a new actor applies again what the failed one had not answered (S14)', async (t) => {
  const spec = () => machine(new ThrowingList({ failAt: 2, timesLeft }))
  const timesLeft = failures(1)
  const stage = await open(t, spec())
  stage.tell([commands(1, ['a', 'b'])])
  await stage.fsmFailure()
  await stage.startFsm(spec())
  const { results } = await stage.apply(commands(1, ['a', 'b']))
  t.strictSame(results?.values, [1, 2])
})

t.test('a command that its codec cannot read fails the actor at its index', async (t) => {
  const stage = await open(t, machine(new Counter(), { codec: jsonCodec() }))
  stage.tell([commands(1, [{ add: 1 }, 'no JSON'])])
  t.match(await stage.fsmFailure(), { code: 'RAFT_STATE_MACHINE_FAILED', details: { index: 2 } })
})

t.test('a machine that answers at once is applied without a promise', async (t) => {
  for (const made of [new List(), new BatchingList({})]) {
    const { behavior, replies } = bareActor(machine(made))
    const batches = [commands(1, ['a', 'b']), noop(3, 2)]
    const apply = { kind: 'apply', fromIndex: 1, toIndex: 3, batches, resultsFrom: null } as const
    t.equal(behavior.receive(apply), undefined)
    t.match(replies, [{ kind: 'fsmReady' }, { kind: 'applied', life: 1, toIndex: 3 }])
  }
})

t.test('a machine that answers by promise gets one entry at a time', async (t) => {
  let running = 0
  const texts: string[] = []
  const list = Object.assign(new List(), {
    async apply(entry: Entry) {
      t.equal(++running, 1)
      await new Promise((resolve) => setImmediate(resolve))
      texts.push(Buffer.from(entry.command).toString())
      running--
      return entry.index
    },
  })
  const stage = await open(t, machine(list))
  stage.tell([commands(1, ['a', 'b'])], 1)
  stage.tell([commands(3, ['c'])], 3)
  t.strictSame((await stage.replies.take('applied')).results?.values, [1, 2])
  t.strictSame((await stage.replies.take('applied')).results?.values, [3])
  t.strictSame(texts, ['a', 'b', 'c'])
})

t.test('a rejected promise fails the actor like a throw', async (t) => {
  const list = Object.assign(new List(), { apply: () => Promise.reject(new Error('later')) })
  const stage = await open(t, machine(list))
  stage.tell([commands(1, ['a'])])
  t.match(await stage.fsmFailure(), { details: { index: 1 }, cause: { message: 'later' } })
})

t.test('results are sent only from the index that someone waits for', async (t) => {
  const stage = await open(t, machine(new List()))
  stage.tell([commands(1, ['a', 'b', 'c'])], 3)
  stage.tell([commands(4, ['d'])], 9)
  t.strictSame((await stage.replies.take('applied')).results, {
    firstIndex: 3,
    values: [3],
    errors: [],
  })
  t.equal((await stage.replies.take('applied')).results, null)
})

t.test('results that are all undefined are sent as none', async (t) => {
  const stage = await open(t, machine(Object.assign(new List(), { apply() {} })))
  const { results } = await stage.apply(commands(1, ['a', 'b']))
  t.strictSame(results, { firstIndex: 1, values: null, errors: [] })
})

t.test('a batch is unpinned once its entries are applied (S7)', async (t) => {
  for (const entryData of ['owned', 'borrowed'] as const) {
    const spec = machine(new List(), { entryData })
    const stage = await open(t, spec, { overwriteBorrowed: false })
    const batch = pinnedCommands(1, ['a', 'b'])
    t.ok(pinned(batch.memory))
    await stage.apply(batch)
    t.notOk(pinned(batch.memory), entryData)
  }
})

t.test('a failed apply and a skipped batch are unpinned too', async (t) => {
  for (const entryData of ['owned', 'borrowed'] as const) {
    const spec = machine(new ThrowingList({ failAt: 3 }), { entryData })
    const stage = await open(t, spec, { overwriteBorrowed: false })
    await stage.apply(commands(1, ['a', 'b']))
    const skipped = pinnedCommands(1, ['a', 'b'])
    await stage.apply(skipped)
    t.notOk(pinned(skipped.memory))
    const failing = pinnedCommands(3, ['c'])
    stage.tell([failing])
    await stage.fsmFailure()
    t.notOk(pinned(failing.memory), entryData)
  }
})

/** Keeps what it was given, without copying it. */
class Keeper extends List {
  readonly kept: Uint8Array[] = []

  override apply(entry: Entry): number {
    return this.kept.push(entry.command)
  }

  get texts(): string[] {
    return this.kept.map((bytes) => Buffer.from(bytes).toString('latin1'))
  }
}

t.test('owned bytes are the machine’s own for ever', async (t) => {
  const keeper = new Keeper()
  const stage = await open(t, machine(keeper))
  const batch = pinnedCommands(1, ['aa', 'bb'])
  await stage.apply(batch)
  new Uint8Array(batch.memory, batch.offset).fill(0)
  t.strictSame(keeper.texts, ['aa', 'bb'])
  t.type(keeper.kept[0]?.buffer, ArrayBuffer)
})

t.test('borrowed bytes are overwritten after apply where that can be seen', async (t) => {
  const keeper = new Keeper()
  const stage = await open(t, machine(keeper, { entryData: 'borrowed' }))
  const batch = pinnedCommands(1, ['aa', 'bb'])
  const before = Buffer.from(new Uint8Array(batch.memory, batch.offset, batch.length))
  await stage.apply(batch)
  t.strictSame(keeper.texts, ['\xdd\xdd', '\xdd\xdd'])
  const after = Buffer.from(new Uint8Array(batch.memory, batch.offset, batch.length))
  t.strictSame(after, before, 'S7: the shared batch itself is never rewritten')
})

t.test('borrowed bytes lie in the batch itself elsewhere', async (t) => {
  const keeper = new Keeper()
  const spec = machine(keeper, { entryData: 'borrowed' })
  const stage = await open(t, spec, { overwriteBorrowed: false })
  const batch = pinnedCommands(1, ['aa'])
  await stage.apply(batch)
  t.equal(keeper.kept[0]?.buffer, batch.memory)
})
