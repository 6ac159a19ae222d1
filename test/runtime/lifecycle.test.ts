import t from 'tap'
import type { ActorExit, Behavior } from '../../lib/runtime/actor.js'
import { onEveryHost, Stage } from './support/stage.js'

/** What a probe's failure must look like wherever it happened. */
const PROBE_FAILURE = {
  kind: 'failed',
  error: {
    name: 'ProbeError',
    code: 'PROBE',
    details: { limit: 7 },
    syscall: 'probe',
    message: 'the probe was told to fail',
    cause: { name: 'RangeError' },
  },
}

for (const kind of ['throw', 'throwInTurn', 'reject', 'failContext'] as const) {
  onEveryHost(t, `${kind}: the actor exits as failed, code and fields kept`, async (t, stage) => {
    const probe = await stage.spawn('a')
    let told: ActorExit | null = null
    probe.onExit((exit) => {
      told = exit
    })
    probe.ref.tell({ kind })
    const exit = await stage.settle(probe.exited)
    t.match(exit, PROBE_FAILURE)
    t.equal(told, exit, 'watchers are told the same')
    t.ok(exit.kind === 'failed' && exit.error instanceof Error)
    t.notOk(probe.ref.tell({ kind: 'note', text: '' }), 'nothing is taken any more')
    t.notOk(probe.ref.control({ kind: 'note', text: '' }))
    await stage.noted('a', 'stop')
  })
}

onEveryHost(
  t,
  'failed in an I/O callback while it is held, an actor does not wait',
  async (t, stage) => {
    const probe = await stage.spawn('a')
    probe.ref.tell({ kind: 'holdAndFail' })
    await stage.arrived()
    stage.open()
    t.match(await stage.settle(probe.exited), PROBE_FAILURE)
  },
)

onEveryHost(
  t,
  'an actor that cannot start rejects its spawn with its own error',
  async (t, stage) => {
    await t.rejects(stage.spawn('a', { failAtStart: true }), PROBE_FAILURE.error)
    const probe = await stage.spawn('a')
    probe.ref.tell({ kind: 'note', text: 'the name is free again' })
    await stage.noted('a', 'the name is free again')
  },
)

onEveryHost(t, 'a graceful stop takes what is in the mailbox first', async (t, stage) => {
  const probe = await stage.spawn('a')
  for (let i = 0; i < 20; i++) probe.ref.tell({ kind: 'note', text: `${i}` })
  const stopped = probe.stop()
  await stage.settle(stopped)
  t.strictSame(await stage.settle(probe.exited), { kind: 'stopped' })
  await stage.noted('a', 'stop')
  t.strictSame(stage.journal('a').slice(-2), ['19', 'stop'])
  t.equal(stage.system.deadLetters().count, 0)
})

onEveryHost(t, 'a stop waits for the promise of receive', async (t, stage) => {
  const probe = await stage.spawn('a')
  probe.ref.tell({ kind: 'hold' })
  await stage.noted('a', 'holding')
  probe.ref.tell({ kind: 'note', text: 'after' })
  const stopped = probe.stop()
  await stage.arrived()
  stage.open()
  await stage.settle(stopped)
  await stage.noted('a', 'stop')
  t.strictSame(stage.journal('a'), ['holding', 'released', 'after', 'stop'])
})

onEveryHost(t, 'an actor whose stop does not end is killed at the deadline', async (t, stage) => {
  const probe = await stage.spawn('a', { hangAtStop: true })
  await stage.settle(probe.stop(30))
  t.match(await stage.settle(probe.exited), { kind: 'failed', error: { code: 'ACTOR_KILLED' } })
})

onEveryHost(t, 'a killed actor runs nothing more; its mail is dead', async (t, stage) => {
  const probe = await stage.spawn('a')
  probe.ref.tell({ kind: 'hold' })
  await stage.noted('a', 'holding')
  await stage.becomes(() => probe.ref.backlog().messages === 0)
  for (let i = 0; i < 5; i++) probe.ref.tell({ kind: 'note', text: `${i}` })
  probe.ref.control({ kind: 'note', text: 'control' })
  await stage.settle(probe.kill())
  t.match(await stage.settle(probe.exited), { kind: 'failed', error: { code: 'ACTOR_KILLED' } })
  await stage.arrived()
  t.equal(stage.system.deadLetters().count, 6)
  // On a thread that goes on, its `stop` closes what it has open.
  const last = stage.kind === 'shared' ? ['stop'] : []
  t.strictSame(stage.journal('a'), ['holding', ...last])
})

onEveryHost(t, 'timers of an actor that stopped never fire', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b')
  a.ref.tell({ kind: 'timer', ms: 10, text: 'late' })
  b.ref.tell({ kind: 'timer', ms: 30, text: 'later' })
  await stage.settle(a.stop())
  await stage.noted('b', 'later')
  t.strictSame(stage.journal('a'), ['stop'])
})

onEveryHost(t, 'names are unique among those that run', async (t, stage) => {
  await stage.spawn('a')
  await t.rejects(stage.spawn('a'), { code: 'ACTOR_USAGE' })
})

onEveryHost(t, 'close stops everything, newest first, and ends the system', async (t, stage) => {
  const stopped: string[] = []
  for (const name of ['a', 'b', 'c']) {
    const probe = await stage.spawn(name)
    probe.onExit(() => stopped.push(name))
  }
  await stage.settle(stage.system.close())
  t.strictSame(stopped, ['c', 'b', 'a'])
  await t.rejects(stage.spawn('d'), { code: 'ACTOR_USAGE' })
})

t.test('a failed actor whose stop does not end is given up', async (t) => {
  const stage = await Stage.open(t, 'sim')
  const probe = await stage.spawn('a', { hangAtStop: true })
  probe.ref.tell({ kind: 'throw' })
  t.match(await stage.settle(probe.exited), PROBE_FAILURE)
})

t.test('inline: an actor stopped before it was ready fails its spawn', async (t) => {
  const stage = await Stage.open(t, 'inline')
  const spawned = stage.system.spawn({
    name: 'slow',
    module: new URL(import.meta.url),
    create: () => new Promise<Behavior>(() => {}),
    init: null,
    placement: 'inline',
  })
  const rejected = t.rejects(spawned, { code: 'ACTOR_KILLED' })
  await stage.system.close()
  await rejected
})
