import t, { type Test } from 'tap'
import type { ActorHandle } from '../../lib/runtime/actor.js'
import { SimActorSystem } from '../../lib/runtime/sim-host.js'
import { SimScheduler } from '../../lib/runtime/sim-scheduler.js'
import { type RestartPolicy, Supervisor } from '../../lib/runtime/supervisor.js'
import { createActor, type ProbeInit, type ProbeMessage } from '../fixtures/actors/probe-actor.js'
import { onEveryHost, PROBE_MODULE, placementOn, Stage } from './support/stage.js'

type Probes = Supervisor<ProbeMessage>

interface Watched {
  readonly supervisor: Probes
  readonly log: string[]
}

/** A supervised probe, linked at each start, and what its supervisor was told. */
function watch(
  stage: Stage,
  restarts: Partial<RestartPolicy>,
  init: (incarnation: number) => ProbeInit = () => ({}),
): Watched {
  const log: string[] = []
  const supervisor: Probes = new Supervisor<ProbeMessage>({
    clock: stage.system,
    restarts: { jitter: 0, ...restarts },
    spawn: (incarnation) =>
      stage.system.spawn({
        name: 'a',
        module: PROBE_MODULE,
        create: createActor,
        init: init(incarnation),
        placement: placementOn(stage.kind),
      }),
    onStart: (_handle, incarnation) => log.push(`start ${incarnation}`),
    onFailure: (_error, incarnation, backoffMs) => log.push(`failed ${incarnation} ${backoffMs}`),
    onEscalate: (error) => log.push(`escalate ${error.name}`),
  })
  return { supervisor, log }
}

function fail(supervisor: Probes): void {
  const handle: ActorHandle<ProbeMessage> | null = supervisor.handle
  handle?.ref.tell({ kind: 'throw' })
}

onEveryHost(t, 'a failed actor is replaced, a stopped one is not', async (t, stage) => {
  const { supervisor, log } = watch(stage, { minBackoffMs: 2 })
  const first = await stage.settle(supervisor.start())
  fail(supervisor)
  await stage.becomes(() => log.length === 3)
  t.strictSame(log, ['start 1', 'failed 1 2', 'start 2'])
  t.not(supervisor.handle, first)
  await stage.settle(supervisor.stop())
  t.equal(supervisor.handle, null)
  t.strictSame(log.length, 3)
})

async function inVirtualTime(t: Test): Promise<{ stage: Stage; scheduler: SimScheduler }> {
  const stage = await Stage.open(t, 'sim')
  const { scheduler } = stage
  if (scheduler === null) throw new Error('a simulated stage has a scheduler')
  return { stage, scheduler }
}

t.test('waits double up to their limit, then the failure is escalated', async (t) => {
  const { stage, scheduler } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, { maxRestarts: 4, minBackoffMs: 10, maxBackoffMs: 35 })
  await supervisor.start()
  for (let i = 0; i < 5; i++) {
    fail(supervisor)
    await scheduler.run({ forMs: 100 })
  }
  t.strictSame(
    log.filter((line) => !line.startsWith('start')),
    [
      'failed 1 10',
      'failed 2 20',
      'failed 3 35',
      'failed 4 35',
      'failed 5 null',
      'escalate ProbeError',
    ],
  )
  t.equal(supervisor.handle, null)
})

t.test('failures that are old enough are forgotten', async (t) => {
  const { stage, scheduler } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, { maxRestarts: 1, windowMs: 1000, minBackoffMs: 10 })
  await supervisor.start()
  for (let i = 0; i < 5; i++) {
    fail(supervisor)
    await scheduler.run({ forMs: 1500 })
  }
  t.notOk(log.includes('escalate ProbeError'))
  t.equal(supervisor.incarnation, 6)
})

t.test('a restart that cannot start counts as a failure', async (t) => {
  const { stage, scheduler } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, { maxRestarts: 2, minBackoffMs: 1 }, (incarnation) => ({
    failAtStart: incarnation > 1,
  }))
  await supervisor.start()
  fail(supervisor)
  await scheduler.run({ forMs: 1000 })
  t.strictSame(log, ['start 1', 'failed 1 1', 'failed 2 2', 'failed 3 null', 'escalate ProbeError'])
})

t.test('the first start is not retried', async (t) => {
  const { stage } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, {}, () => ({ failAtStart: true }))
  await t.rejects(supervisor.start(), { code: 'PROBE' })
  t.strictSame(log, [])
})

t.test('stopped while it waits to restart, nothing is restarted', async (t) => {
  const { stage, scheduler } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, { minBackoffMs: 100 })
  await supervisor.start()
  fail(supervisor)
  await scheduler.run({ forMs: 50 })
  await supervisor.stop()
  await scheduler.run({ forMs: 500 })
  t.strictSame(log, ['start 1', 'failed 1 100'])
})

t.test('begun soon, a first failure is one like any other', async (t) => {
  const { stage, scheduler } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, { minBackoffMs: 10 }, (incarnation) => ({
    failAtStart: incarnation === 1,
  }))
  supervisor.startSoon()
  await scheduler.run({ forMs: 100 })
  t.strictSame(log, ['failed 1 10', 'start 2'])
})

t.test('released, it restarts nothing and leaves what runs alone', async (t) => {
  const { stage, scheduler } = await inVirtualTime(t)
  const { supervisor, log } = watch(stage, { minBackoffMs: 10 })
  const handle = await supervisor.start()
  supervisor.release()
  t.equal(supervisor.handle, handle)
  fail(supervisor)
  await scheduler.run({ forMs: 100 })
  t.strictSame(log, ['start 1'])
  t.equal(supervisor.handle, null)
  t.equal(supervisor.last, handle)
})

t.test('a process that crashed restarts nothing', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler)
  const failed: string[] = []
  const supervisor = new Supervisor<ProbeMessage>({
    clock: system,
    spawn: () =>
      system.spawn({
        name: 'a',
        module: PROBE_MODULE,
        create: createActor,
        init: {},
        placement: 'thread',
      }),
    onFailure: (error) => failed.push(error.name),
    onEscalate: (error) => failed.push(error.name),
  })
  await supervisor.start()
  fail(supervisor)
  await scheduler.run({ until: () => failed.length === 1 })
  system.crash()
  await scheduler.run()
  t.equal(supervisor.incarnation, 1)
  t.strictSame(failed, ['ProbeError'])
})
