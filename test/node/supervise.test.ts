import t from 'tap'
import { supervise } from '../../lib/node/supervise.js'
import type { ActorExit, ActorHandle } from '../../lib/runtime/actor.js'
import type { Supervisor } from '../../lib/runtime/supervisor.js'
import { ManualContext } from '../transport/support/manual-context.js'

const config = { maxRestarts: 2, restartWindowMs: 10_000, restartMinMs: 100, restartMaxMs: 1000 }

/** Actors that start and fail when the test says so, and the supervisor of one of them. */
class Nursery {
  readonly clock = new ManualContext()
  readonly started: string[] = []
  readonly stopped: string[] = []
  readonly supervisor: Supervisor<never>
  gaveUp: string | null = null
  mayRestart = true
  #waiting: (() => void)[] = []
  #fail: ((exit: ActorExit) => void) | null = null
  #spawned = 0

  constructor() {
    this.supervisor = supervise<never>({
      name: 'probe',
      clock: {
        now: () => this.clock.now(),
        after: (delayMs, callback) => this.clock.after(delayMs, callback),
        random: () => 0,
      },
      config,
      spawn: () => this.#spawn(),
      started: (handle) => this.started.push(handle.name),
      mayRestart: () => this.mayRestart,
      gaveUp: (error) => {
        this.gaveUp = error.message
      },
    })
  }

  /** Everything that was spawned is ready. */
  async ready(): Promise<void> {
    for (const ready of this.#waiting.splice(0)) ready()
    await turn()
  }

  async fail(): Promise<void> {
    this.#fail?.({ kind: 'failed', error: new Error('planted') })
    await turn()
  }

  #spawn(): Promise<ActorHandle<never>> {
    const name = `probe.${++this.#spawned}`
    const handle = {
      name,
      onExit: (listener: (exit: ActorExit) => void) => {
        this.#fail = listener
      },
      stop: async () => {
        this.stopped.push(name)
      },
    }
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(handle as unknown as ActorHandle<never>))
    })
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function started(): Promise<Nursery> {
  const nursery = new Nursery()
  nursery.supervisor.startSoon()
  await nursery.ready()
  return nursery
}

t.test('an actor that fails is started again after a pause that doubles', async (t) => {
  const nursery = await started()
  for (const [pause, name] of [
    [100, 'probe.2'],
    [200, 'probe.3'],
  ] as const) {
    await nursery.fail()
    nursery.clock.advance(pause - 1)
    await nursery.ready()
    t.not(nursery.started.at(-1), name)
    nursery.clock.advance(1)
    await nursery.ready()
    t.equal(nursery.started.at(-1), name)
  }
  await nursery.fail()
  t.match(nursery.gaveUp, /probe actor failed and is not restarted: planted/)
})

t.test('a failure that is not worth a restart is given up at once', async (t) => {
  const nursery = await started()
  nursery.mayRestart = false
  await nursery.fail()
  t.match(nursery.gaveUp, /planted/)
})

t.test(
  'an actor that is ready after its supervisor was released is stopped, not linked',
  async (t) => {
    const nursery = new Nursery()
    nursery.supervisor.startSoon()
    nursery.supervisor.release()
    await nursery.ready()
    t.same(nursery.started, [])
    t.same(nursery.stopped, ['probe.1'])
    t.equal(nursery.gaveUp, null)
  },
)

t.test('no restart that was planned happens after the release', async (t) => {
  const nursery = await started()
  await nursery.fail()
  nursery.supervisor.release()
  nursery.clock.advance(1000)
  await nursery.ready()
  t.same(nursery.started, ['probe.1'])
})
