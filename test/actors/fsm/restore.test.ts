import t, { type Test } from 'tap'
import { jsonCodec } from '../../../lib/fsm/codecs.js'
import { MemorySnapshots } from '../../../lib/snapshot/memory-store.js'
import { Counter } from '../../fixtures/machines/counter.js'
import { DurableList } from '../../fixtures/machines/durable.js'
import { List } from '../../fixtures/machines/list.js'
import { bareActor } from './support/bare-actor.js'
import { commands, noop } from './support/batches.js'
import { configuration, machine, Stage, type StageOptions } from './support/stage.js'

async function open(t: Test, list: List, options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.open(machine(list), options)
  t.teardown(() => stage.close())
  return stage
}

/** A disk with a snapshot of the entries a, b, c at index 3, term 1. */
async function diskWithSnapshot(t: Test): Promise<MemorySnapshots> {
  const disk = new MemorySnapshots()
  const stage = await open(t, new List(), { disk })
  await stage.apply(commands(1, ['a', 'b', 'c']))
  await stage.takeSnapshot()
  return disk
}

const texts = (list: List): string => list.items.map((item) => item.text).join('')

t.test('a restored machine goes on behind the snapshot', async (t) => {
  const list = new List()
  const stage = await open(t, list, { disk: await diskWithSnapshot(t) })
  stage.fsm.ref.tell({ kind: 'restore', index: 3, term: 1 })
  stage.tell([commands(2, ['b', 'c', 'd'])], 4)
  t.match(await stage.replies.take('restored'), { index: 3, term: 1 })
  const { results } = await stage.replies.take('applied')
  t.strictSame(results, { firstIndex: 4, values: [4], errors: [] })
  t.equal(texts(list), 'abcd')
})

t.test('a restore takes its place among the applies, and replaces the state', async (t) => {
  const disk = await diskWithSnapshot(t)
  const list = new List()
  const stage = await open(t, list, { disk })
  stage.tell([commands(1, ['x'])])
  stage.fsm.ref.tell({ kind: 'restore', index: 3, term: 1 })
  stage.tell([noop(4, 2)])
  await stage.replies.take('applied')
  await stage.replies.take('restored')
  await stage.replies.take('applied')
  t.equal(texts(list), 'abc')
})

t.test(
  'a restored machine learns of the configuration that its snapshot covers (S13)',
  async (t) => {
    const heard: unknown[] = []
    const list = Object.assign(new List(), {
      configurationChanged(index: number, servers: readonly unknown[]) {
        heard.push([index, list.items.length, servers])
      },
    })
    const stage = await open(t, list, { disk: await diskWithSnapshot(t) })
    await stage.restore(3, 1)
    t.strictSame(heard, [[1, 3, configuration.configuration.servers]])
  },
)

t.test('a restored snapshot is not taken again', async (t) => {
  const stage = await open(t, new List(), { disk: await diskWithSnapshot(t) })
  await stage.restore(3, 1)
  t.match(await stage.failToSnapshot(), { code: 'RAFT_NOTHING_TO_SNAPSHOT' })
  await stage.apply(noop(4, 2))
  t.match(await stage.takeSnapshot(), { index: 4, term: 2 })
})

t.test('a snapshot that was restored from may be pruned', async (t) => {
  const stage = await open(t, new List(), { disk: await diskWithSnapshot(t), retain: 1 })
  await stage.restore(3, 1)
  await stage.apply(commands(4, ['d']))
  await stage.takeSnapshot()
  t.strictSame([...stage.disk.held.keys()], ['1-4'])
})

t.test('a state of several chunks comes back byte for byte', async (t) => {
  const parts: Uint8Array[] = []
  const body = Buffer.from(Array.from({ length: 2_500_001 }, (_, i) => (i * 31) & 0xff))
  const big = Object.assign(new List(), {
    snapshot: () => ({
      persist: (sink: { write(b: Uint8Array): Promise<void> }) => sink.write(body),
    }),
    async restore(source: AsyncIterable<Uint8Array>) {
      for await (const part of source) parts.push(part)
    },
  })
  const stage = await open(t, big)
  await stage.apply(commands(1, ['a']))
  await stage.takeSnapshot()
  await stage.startFsmAgain(machine(big))
  await stage.restore(1, 1)
  t.ok(Buffer.concat(parts).equals(body))
  t.ok(parts.length > 1 && parts.every((part) => part.buffer instanceof ArrayBuffer))
})

t.test('an empty state is a state', async (t) => {
  const stage = await open(t, new List())
  await stage.apply(noop(1, 1))
  t.match(await stage.takeSnapshot(), { bytes: 0 })
  const copy = new List()
  copy.items = [{ index: 9, term: 9, time: 9, text: 'old' }]
  await stage.startFsmAgain(machine(copy))
  await stage.restore(1, 1)
  t.strictSame(copy.items, [])
})

t.test('a machine that fails to restore fails the actor, typed (R-32)', async (t) => {
  const list = Object.assign(new List(), { restore: () => Promise.reject(new Error('no room')) })
  const stage = await open(t, list, { disk: await diskWithSnapshot(t) })
  stage.fsm.ref.tell({ kind: 'restore', index: 3, term: 1 })
  t.match(await stage.fsmFailure(), {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: /snapshot at index 3 of term 1: no room/,
    details: { index: 3, stage: 'restore' },
  })
})

t.test('a damaged snapshot is never half restored', async (t) => {
  const disk = await diskWithSnapshot(t)
  for (const held of disk.held.values()) held.bytes[5] = 0
  const list = new List()
  const stage = await open(t, list, { disk })
  stage.fsm.ref.tell({ kind: 'restore', index: 3, term: 1 })
  t.match(await stage.fsmFailure(), { details: { index: 3 }, cause: { code: 'RAFT_CORRUPT' } })
  t.strictSame(list.items, [])
})

t.test('a machine that ignores a broken stream does not pass for restored', async (t) => {
  const list = Object.assign(new List(), {
    async restore(source: AsyncIterable<Uint8Array>) {
      try {
        for await (const _part of source);
      } catch {}
    },
  })
  const stage = await open(t, list, { disk: await diskWithSnapshot(t) })
  stage.disk.fault = (operation) => {
    if (operation === 'read') throw new Error('planted')
  }
  stage.fsm.ref.tell({ kind: 'restore', index: 3, term: 1 })
  t.match(await stage.fsmFailure(), { details: { index: 3 }, cause: { message: 'planted' } })
})

t.test('without a snapshot actor the index has not failed', async (t) => {
  const stage = await open(t, new List())
  await stage.snapshots.stop()
  stage.fsm.ref.tell({ kind: 'restore', index: 3, term: 1 })
  const { details } = await stage.fsmFailure()
  t.strictSame(details, { snapshotIndex: 3, term: 1, stage: 'restore' })
})

t.test('a machine that keeps its own state says how far it is', async (t) => {
  const ask = (stage: Stage) => stage.fsm.ref.ask({ kind: 'lastApplied' })
  t.strictSame(await ask(await open(t, new List())), { lastApplied: null })
  const path = `${t.testdir({})}/list.json`
  const stage = await open(t, new DurableList(path))
  t.strictSame(await ask(stage), { lastApplied: 0 })
  await stage.apply(commands(1, ['a', 'b']))
  t.strictSame(await ask(stage), { lastApplied: 2 })
  await stage.startFsmAgain(machine(new DurableList(path)))
  t.strictSame(await ask(stage), { lastApplied: 2 })
})

t.test('the consensus actor is told at once from where a new machine is to be fed', async (t) => {
  t.strictSame(bareActor(machine(new List())).replies, [
    { kind: 'fsmReady', life: 1, lastApplied: 0 },
  ])
  const list = Object.assign(new List(), { lastApplied: () => 7 })
  const told = [{ kind: 'fsmReady', life: 1, lastApplied: 0 }] as const
  t.strictSame(bareActor(machine(list)).replies, told, 'its sessions are in the log')
})

t.test('a machine that is past the snapshot skips it and what it holds (S14)', async (t) => {
  const disk = await diskWithSnapshot(t)
  const path = `${t.testdir({})}/list.json`
  const first = await open(t, new DurableList(path))
  await first.apply(commands(1, ['a', 'b', 'c', 'd', 'e'], 2))
  const list = Object.assign(new DurableList(path), {
    restore: () => Promise.reject(new Error('not needed')),
  })
  const stage = await open(t, list, { disk })
  await stage.restore(3, 1)
  const { results } = await stage.apply(commands(4, ['d', 'e', 'f'], 2))
  t.strictSame(results, { firstIndex: 6, values: [6], errors: [] })
  t.equal(texts(list), 'abcdef')
})

t.test('a machine that is behind the snapshot is restored', async (t) => {
  const disk = await diskWithSnapshot(t)
  const path = `${t.testdir({})}/list.json`
  const list = new DurableList(path)
  const stage = await open(t, list, { disk })
  await stage.apply(commands(1, ['a', 'b']))
  await stage.restore(3, 1)
  t.equal(texts(list), 'abc')
})

t.test('a machine of its own state learns its last term from the log', async (t) => {
  const path = `${t.testdir({})}/list.json`
  const first = await open(t, new DurableList(path))
  await first.apply(commands(1, ['a', 'b'], 7))
  const stage = await open(t, new DurableList(path))
  t.match(await stage.failToSnapshot(), { code: 'RAFT_NOTHING_TO_SNAPSHOT' })
  await stage.apply(commands(1, ['a', 'b'], 7))
  t.match(await stage.takeSnapshot(), { index: 2, term: 7 })
})

t.test('a lastApplied that is no index keeps the actor from starting', async (t) => {
  const list = Object.assign(new List(), { lastApplied: () => -1 })
  await t.rejects(Stage.open(machine(list)), {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: /returned -1/,
  })
})

t.test('a machine is closed when its actor stops, and its signal aborted', async (t) => {
  const calls: string[] = []
  const counter = Object.assign(new Counter(), { close: () => void calls.push('close') })
  const stage = await Stage.open(machine(counter, { codec: jsonCodec() }))
  await stage.close()
  t.strictSame(calls, ['close'])
})
