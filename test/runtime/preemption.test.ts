import t from 'tap'
import type { ActorContext, ActorHandle, ActorRef, Behavior } from '../../lib/runtime/actor.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { SimActorSystem } from '../../lib/runtime/sim-host.js'
import { SimScheduler } from '../../lib/runtime/sim-scheduler.js'

function spawn(
  system: SimActorSystem,
  name: string,
  create: (context: ActorContext) => Behavior,
): Promise<ActorHandle> {
  const module = new URL(import.meta.url)
  const start = (_init: null, context: ActorContext): Behavior => create(context)
  return system.spawn({ name, module, create: start, init: null, placement: 'thread' })
}

/** Calls each other's words out of date: one writes two equal words, the other reads both. */
async function race(everyAccesses: number | null) {
  const scheduler = new SimScheduler({
    seed: 5,
    ...(everyAccesses === null ? {} : { preemption: { everyAccesses, maxMs: 5 } }),
  })
  const system = new SimActorSystem(scheduler)
  const words = new SharedWords(SharedWords.allocate(2))
  const seen = { torn: 0, whole: 0, overlaps: 0, timers: 0 }
  const writer = (context: ActorContext): Behavior => {
    let inside = false
    const write = (): void => {
      if (inside) seen.overlaps++
      inside = true
      const next = words.load(0) + 1
      words.store(0, next)
      words.store(1, next)
      inside = false
      context.after(context.random(), write)
    }
    write()
    // Its timers and messages wait for a call that is held up.
    const tick = (): void => {
      if (inside) seen.overlaps++
      seen.timers++
      context.after(0.1, tick)
    }
    tick()
    return { receive: () => void (inside && seen.overlaps++) }
  }
  const reader = (context: ActorContext): Behavior => {
    const read = (): void => {
      if (words.load(0) === words.load(1)) seen.whole++
      else seen.torn++
      context.after(context.random(), read)
    }
    read()
    let peer: ActorRef | null = null
    const tell = (): void => {
      peer?.tell({ kind: 'hello' })
      context.after(0.2, tell)
    }
    return {
      linked: (_name, ref) => {
        peer = ref
        tell()
      },
      receive: () => {},
    }
  }
  const one = await spawn(system, 'writer', writer)
  system.link(await spawn(system, 'reader', reader), 'peer', one)
  await scheduler.run({ forMs: 500 })
  return { ...seen, preemptions: scheduler.preemptions }
}

t.test('S8: other actors run between two accesses of a call that is held up', async (t) => {
  const { torn, whole, overlaps, timers, preemptions } = await race(3)
  t.ok(torn > 0 && whole > 0, `${torn} torn, ${whole} whole`)
  t.equal(overlaps, 0, 'and never the actor itself')
  t.ok(preemptions > 100)
  t.ok(timers > 500, 'which goes on afterwards')
})

t.test('without it every call is one step', async (t) => {
  const { torn, preemptions } = await race(null)
  t.equal(torn, 0)
  t.equal(preemptions, 0)
})

t.test('S8: who is held up is drawn from the seed', async (t) => {
  t.strictSame(await race(3), await race(3))
})
