import t from 'tap'
import type { ActorHandle } from '../../lib/runtime/actor.js'
import { type Probe, Stage } from './support/stage.js'

const FACTS = { module: new URL('../fixtures/actors/thread-facts-actor.js', import.meta.url) }

async function threadOf(actor: ActorHandle): Promise<number> {
  const { threadId } = await actor.ref.ask<{ threadId: number }>({ kind: 'echo' })
  return threadId
}

async function isAlive(probe: Probe): Promise<boolean> {
  return (await probe.ref.ask({ kind: 'echo', value: 1 })) === 1
}

t.test('actors that name the same thread share it; others do not', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const a = await threadOf(await stage.spawn('a', {}, FACTS))
  const b = await threadOf(await stage.spawn('b', {}, FACTS))
  const other = { ...FACTS, placement: { thread: 'other' } }
  const c = await threadOf(await stage.spawn('c', {}, other))
  const d = await threadOf(await stage.spawn('d', {}, { ...FACTS, placement: 'thread' }))
  t.equal(a, b)
  t.equal(new Set([a, c, d]).size, 3)
})

t.test('what passes between them is not cloned', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const a = await stage.spawn('a')
  const [near, far] = [
    await stage.spawn('near'),
    await stage.spawn('far', {}, { placement: 'thread' }),
  ]
  stage.system.link(a, 'near', near)
  stage.system.link(a, 'far', far)
  a.ref.tell({ kind: 'askOver', link: 'far', message: { kind: 'unclonable' } })
  await stage.until(() => stage.journal('a').some((text) => text.startsWith('error')))
  a.ref.tell({ kind: 'askOver', link: 'near', message: { kind: 'unclonable' } })
  await stage.noted('a', 'answer undefined')
  t.match(stage.journal('a').slice(-2), [/^error /, 'answer undefined'])
})

t.test('one that fails leaves the others and the thread alone', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const thread = await threadOf(await stage.spawn('facts', {}, FACTS))
  const [a, b] = [await stage.spawn('a'), await stage.spawn('b')]
  stage.system.link(b, 'a', a)
  a.ref.tell({ kind: 'throw' })
  t.match(await a.exited, { kind: 'failed', error: { code: 'PROBE' } })
  await stage.noted('b', 'unlinked a')
  t.ok(await isAlive(b))
  const successor = await stage.spawn('a', {}, FACTS)
  t.equal(await threadOf(successor), thread)
})

t.test('an error that none of them caught fails all', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const [a, b] = [await stage.spawn('a'), await stage.spawn('b')]
  a.ref.tell({ kind: 'throwLater' })
  for (const probe of [a, b]) {
    t.match(await probe.exited, { kind: 'failed', error: { code: 'PROBE' } })
  }
  t.ok(await isAlive(await stage.spawn('a')), 'the next one has a new thread')
})

t.test('the exit of the thread is the exit of all', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const [a, b] = [await stage.spawn('a'), await stage.spawn('b')]
  b.ref.tell({ kind: 'exitProcess' })
  for (const probe of [a, b]) {
    t.match(await probe.exited, { kind: 'failed', error: { code: 'ACTOR_THREAD_EXIT' } })
  }
})

t.test('a kill ends one of them', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const [a, b] = [await stage.spawn('a'), await stage.spawn('b')]
  await a.kill()
  t.match(await a.exited, { kind: 'failed', error: { code: 'ACTOR_KILLED' } })
  t.ok(await isAlive(b))
})

t.test('one that hangs takes the others with it when it is killed', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const [a, b] = [await stage.spawn('a'), await stage.spawn('b')]
  a.ref.tell({ kind: 'timerThenBlock', ms: 3_600_000, blockMs: 3_600_000 })
  await stage.noted('a', 'blocking')
  await a.kill()
  t.match(await a.exited, { kind: 'failed', error: { code: 'ACTOR_KILLED' } })
  t.match(await b.exited, { kind: 'failed', error: { code: 'ACTOR_THREAD_EXIT' } })
})

t.test('one whose stop never ends is killed alone', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const [a, b] = [await stage.spawn('a', { hangAtStop: true }), await stage.spawn('b')]
  await a.stop(20)
  t.match(await a.exited, { kind: 'failed', error: { code: 'ACTOR_KILLED' } })
  t.ok(await isAlive(b))
})

t.test('an init that cannot be cloned keeps one of them out', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const a = await stage.spawn('a')
  await t.rejects(stage.spawn('b', { occupy: () => {} }), { name: 'DataCloneError' })
  t.ok(await isAlive(a))
  t.ok(await isAlive(await stage.spawn('b')))
})

t.test('a link to one that has exited leads nowhere', async (t) => {
  const stage = await Stage.open(t, 'shared')
  const [a, b] = [await stage.spawn('a'), await stage.spawn('b')]
  b.ref.tell({ kind: 'failContext' })
  // The thread knows of the exit before this one does.
  stage.system.link(a, 'b', b)
  await b.exited
  await stage.noted('a', 'unlinked b')
  t.ok(stage.journal('a').includes('linked b'))
  t.ok(await isAlive(a))
})
