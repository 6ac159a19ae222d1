import { getHeapStatistics } from 'node:v8'
import t from 'tap'
import type { ActorLogger, ActorSpec } from '../../lib/runtime/actor.js'
import { createActorSystem } from '../../lib/runtime/actor-system.js'
import { createActor, type ProbeInit } from '../fixtures/actors/probe-actor.js'
import { PROBE_MODULE, Stage } from './support/stage.js'

interface Line {
  readonly level: string
  readonly fields: { readonly actor?: string; readonly error?: unknown; readonly dropped?: number }
  readonly message: string
}

function recorder(): { readonly lines: Line[]; readonly logger: ActorLogger } {
  const lines: Line[] = []
  const write =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message })
    }
  return {
    lines,
    logger: {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    },
  }
}

for (const kind of ['throwLater', 'exitProcess'] as const) {
  t.test(`${kind} outside any turn ends the actor as failed`, async (t) => {
    const stage = await Stage.open(t, 'thread')
    const probe = await stage.spawn('a')
    probe.ref.tell({ kind })
    const exit = await probe.exited
    if (kind === 'throwLater') {
      t.match(exit, { kind: 'failed', error: { code: 'PROBE', details: { limit: 7 } } })
    } else {
      t.match(exit, {
        kind: 'failed',
        error: { code: 'ACTOR_THREAD_EXIT', details: { exitCode: 3 } },
      })
    }
  })
}

t.test('an uncaught error before READY rejects the spawn', async (t) => {
  const stage = await Stage.open(t, 'thread')
  await t.rejects(stage.spawn('a', { failBeforeReady: true }), { code: 'PROBE' })
})

t.test('a module that cannot be loaded rejects the spawn with the loader’s error', async (t) => {
  const stage = await Stage.open(t, 'thread')
  const missing = new URL('./no-such-module.js', import.meta.url)
  await t.rejects(stage.spawn('a', {}, { module: missing }), { code: 'ERR_MODULE_NOT_FOUND' })
  const other = new URL('./support/stage.js', import.meta.url)
  await t.rejects(stage.spawn('a', {}, { module: other }), /does not export createActor/)
})

t.test('an init that cannot be cloned rejects the spawn and leaves nothing', async (t) => {
  const stage = await Stage.open(t, 'thread')
  await t.rejects(stage.spawn('a', { occupy: () => {} }), { name: 'DataCloneError' })
  await stage.spawn('a')
})

t.test('a message that cannot be cloned throws and takes no room', async (t) => {
  const stage = await Stage.open(t, 'thread')
  const probe = await stage.spawn('a')
  const unclonable = { kind: 'echo', value: () => {} } as const
  t.throws(() => probe.ref.tell(unclonable, 10), { name: 'DataCloneError' })
  t.throws(() => probe.ref.control(unclonable), { name: 'DataCloneError' })
  await t.rejects(probe.ref.ask(unclonable), { name: 'DataCloneError' })
  t.strictSame(probe.ref.backlog(), { messages: 0, bytes: 0 })
  await t.rejects(probe.ref.ask({ kind: 'unclonable' }), { name: 'DataCloneError' })
})

t.test('a thread that its actor left open is terminated after the stop', async (t) => {
  const { lines, logger } = recorder()
  const stage = await Stage.open(t, 'thread', { logger })
  const probe = await stage.spawn('a', { leaveOpen: true })
  await probe.stop()
  t.strictSame(await probe.exited, { kind: 'stopped' })
  t.match(lines, [{ level: 'warn', fields: { actor: 'a' }, message: /left something open/ }])
})

t.test('log records reach the logger, errors whole', async (t) => {
  const { lines, logger } = recorder()
  const stage = await Stage.open(t, 'thread', { logger })
  const probe = await stage.spawn('a')
  probe.ref.tell({ kind: 'log', times: 2 })
  probe.ref.tell({ kind: 'logUnclonable' })
  await probe.stop()
  t.match(lines, [
    { level: 'info', fields: { actor: 'a', i: 0, error: { code: 'PROBE' } }, message: 'a record' },
    { level: 'info', fields: { actor: 'a', i: 1 }, message: 'a record' },
    { level: 'warn', fields: { actor: 'a', unclonable: 'callback' }, message: 'a record' },
  ])
  t.ok(lines[0]?.fields.error instanceof Error)
})

t.test('past its bound the log lane drops records and says how many', async (t) => {
  const { lines, logger } = recorder()
  const stage = await Stage.open(t, 'thread', { logger })
  const probe = await stage.spawn('a')
  const gate = new Int32Array(new SharedArrayBuffer(4))
  probe.ref.tell({ kind: 'log', times: 5000 })
  // This thread writes nothing before the actor's turn is over, so the lane fills up.
  while (probe.stats().dataMessages === 0) Atomics.wait(gate, 0, 0, 5)
  await probe.ref.ask({ kind: 'echo', value: 1 })
  probe.ref.tell({ kind: 'log', times: 1 })
  await probe.stop()
  const dropped = lines.reduce((sum, line) => sum + (line.fields.dropped ?? 0), 0)
  const written = lines.filter((line) => line.message === 'a record').length
  t.ok(dropped > 0)
  t.equal(written + dropped, 5001)
})

t.test('a logger’s own level keeps records from crossing', async (t) => {
  const { lines, logger } = recorder()
  const stage = await Stage.open(t, 'thread', { logger: Object.assign(logger, { level: 'warn' }) })
  const probe = await stage.spawn('a')
  probe.ref.tell({ kind: 'log', times: 3 })
  await probe.stop()
  t.strictSame(lines, [])
})

t.test('resource limits and arguments reach the thread', async (t) => {
  const stage = await Stage.open(t, 'thread')
  const module = new URL('../fixtures/actors/thread-facts-actor.js', import.meta.url)
  const probe = await stage.spawn(
    'a',
    {},
    {
      module,
      execArgv: ['--conditions=troupe-test'],
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    },
  )
  const facts = await probe.ref.ask<{ heapMb: number; execArgv: string[]; name: string }>({
    kind: 'echo',
    value: null,
  })
  t.ok(facts.heapMb < getHeapStatistics().heap_size_limit / 2 ** 20)
  t.strictSame(facts.execArgv, ['--conditions=troupe-test'])
})

t.test('now() is one clock for all threads', async (t) => {
  const stage = await Stage.open(t, 'thread')
  const module = new URL('../fixtures/actors/thread-facts-actor.js', import.meta.url)
  const probe = await stage.spawn('a', {}, { module })
  for (let i = 0; i < 20; i++) {
    const before = stage.system.now()
    const { now } = await probe.ref.ask<{ now: number }>({ kind: 'echo', value: null })
    const after = stage.system.now()
    t.ok(before <= now + 0.01 && now <= after + 0.01, 'between the question and the answer')
  }
})

/** Worker threads, ports and timers that keep this process alive. */
function resources(kinds: RegExp): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kinds.test(kind))
}

t.test('after close no worker, port or timer is left', async (t) => {
  const timers = resources(/Timeout|Immediate/).length
  const system = createActorSystem()
  const spec = (name: string, placement: ActorSpec['placement']) => ({
    name,
    placement,
    module: PROBE_MODULE,
    create: createActor,
    init: {} satisfies ProbeInit,
  })
  const a = await system.spawn(spec('a', 'thread'))
  const b = await system.spawn(spec('b', 'thread'))
  const c = await system.spawn(spec('c', 'inline'))
  const d = await system.spawn(spec('d', { thread: 'shared' }))
  const e = await system.spawn(spec('e', { thread: 'shared' }))
  const links = [
    [a, b],
    [b, c],
    [c, a],
    [c, b],
    [d, e],
    [e, a],
    [a, d],
  ] as const
  for (const [from, to] of [...links, ...links]) system.link(from, to.name, to)
  c.ref.tell({ kind: 'timer', ms: 60_000, text: '' })
  c.ref.tell({ kind: 'askOver', link: 'a', message: { kind: 'echo', value: 1 } })
  await a.ref.ask({ kind: 'echo', value: 1 })
  await b.kill()
  await system.close()
  t.equal(resources(/Timeout|Immediate/).length, timers)
  t.strictSame(resources(/Worker/), [])
  // A port closes some turns of the event loop after `close` was called; a leaked one never does.
  while (resources(/MessagePort/).length > 0) await new Promise((resolve) => setImmediate(resolve))
})
