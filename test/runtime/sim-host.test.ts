import t from 'tap'
import type {
  ActorContext,
  ActorHandle,
  ActorRef,
  Behavior,
  Message,
} from '../../lib/runtime/actor.js'
import { SimActorSystem, type SimSystemOptions } from '../../lib/runtime/sim-host.js'
import { SimScheduler } from '../../lib/runtime/sim-scheduler.js'

/** An actor given as functions. */
function spawn(
  system: SimActorSystem,
  name: string,
  create: (context: ActorContext) => Behavior,
): Promise<ActorHandle> {
  return system.spawn({
    name,
    module: new URL(import.meta.url),
    create: (_init: null, context) => create(context),
    init: null,
    placement: 'thread',
  })
}

const NO_DELAY: SimSystemOptions = { deliveryDelayMs: () => 0 }

/** Four pairs that play ping-pong with timers and asks, and the trace of it. */
async function play(seed: number, events: number): Promise<string> {
  const lines: string[] = []
  const scheduler = new SimScheduler({ seed })
  const system = new SimActorSystem(scheduler, {
    onEvent: ({ time, system, actor, what, message }) =>
      lines.push(`${time} ${system} ${actor} ${what} ${message?.kind ?? ''}`),
  })
  const player = (context: ActorContext): Behavior => {
    let peer: ActorRef | null = null
    const serve = (): void => {
      peer?.tell({ kind: 'ping' })
      if (context.random() < 0.3) peer?.ask({ kind: 'question' }).then(() => {})
      context.after(context.random() * 5, serve)
    }
    return {
      linked: (_name, ref) => {
        peer = ref
        serve()
      },
      receive: async () => {
        await null
        scheduler.occupy(context.random())
        peer?.control({ kind: 'pong' })
      },
      answer: async () => context.now(),
    }
  }
  for (let pair = 0; pair < 4; pair++) {
    const a = await spawn(system, `a${pair}`, player)
    const b = await spawn(system, `b${pair}`, player)
    system.link(a, 'peer', b)
    system.link(b, 'peer', a)
  }
  await scheduler.run({ maxEvents: events })
  return lines.join('\n')
}

t.test('equal seeds give equal traces, different seeds do not', async (t) => {
  const first = await play(7, 3000)
  const second = await play(7, 3000)
  const other = await play(8, 3000)
  t.ok(first.split('\n').length > 3000)
  t.ok(first === second, 'byte for byte')
  t.not(first, other)
})

t.test('a run passes no real time', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler)
  let fired = false
  await spawn(system, 'a', (context) => {
    context.after(10 * 365 * 24 * 3_600_000, () => {
      fired = true
    })
    return { receive: () => {} }
  })
  await scheduler.run()
  t.ok(fired)
})

/** What an actor does with a message at which of its own times. */
interface Seen {
  readonly kind: string
  readonly at: number
}

/** Notes when it takes what; a `work` message occupies it for 10 ms between two sends. */
function worker(scheduler: SimScheduler, seen: Seen[]) {
  return (context: ActorContext): Behavior => {
    let peer: ActorRef | null = null
    return {
      linked: (_name, ref) => {
        peer = ref
      },
      receive: ({ kind }: Message) => {
        seen.push({ kind, at: context.now() })
        if (kind !== 'work') return
        peer?.tell({ kind: 'before' })
        scheduler.occupy(10)
        peer?.tell({ kind: 'after' })
        context.after(5, () => seen.push({ kind: 'timer', at: context.now() }))
      },
      afterTurn: () => {
        if (seen.at(-1)?.kind === 'work') seen.push({ kind: 'turn ends', at: context.now() })
      },
    }
  }
}

t.test('occupy: later sends leave later, and the next message is taken only then', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler, NO_DELAY)
  const seen: Seen[] = []
  const peerSeen: Seen[] = []
  const a = await spawn(system, 'a', worker(scheduler, seen))
  const b = await spawn(system, 'b', worker(scheduler, peerSeen))
  system.link(a, 'peer', b)
  a.ref.tell({ kind: 'work' })
  a.ref.tell({ kind: 'data' })
  scheduler.after(3, () => a.ref.control({ kind: 'control' }))
  await scheduler.run()
  t.strictSame(peerSeen, [
    { kind: 'before', at: 0 },
    { kind: 'after', at: 10 },
  ])
  t.strictSame(seen, [
    { kind: 'work', at: 0 },
    { kind: 'turn ends', at: 10 },
    { kind: 'control', at: 10 },
    { kind: 'data', at: 10 },
    { kind: 'timer', at: 15 },
  ])
})

t.test('occupy: timers and turns wait until the actor is free', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler, NO_DELAY)
  const seen: Seen[] = []
  const a = await spawn(system, 'a', (context) => {
    const note = (kind: string) => () => seen.push({ kind, at: context.now() })
    scheduler.after(4, () => context.turn(note('turn')))
    return {
      receive: () => {
        context.after(2, note('timer'))
        scheduler.occupy(10)
        context.after(2, note('late timer'))
      },
    }
  })
  a.ref.tell({ kind: 'work' })
  await scheduler.run()
  t.strictSame(seen, [
    { kind: 'timer', at: 10 },
    { kind: 'turn', at: 10 },
    { kind: 'late timer', at: 12 },
  ])
})

t.test('occupy: counts after an await as well, and while an actor is created', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler, NO_DELAY)
  const seen: Seen[] = []
  const a = await spawn(system, 'a', (context) => {
    scheduler.occupy(7)
    return {
      receive: async ({ kind }) => {
        seen.push({ kind, at: context.now() })
        await null
        scheduler.occupy(5)
        await null
        seen.push({ kind: `${kind} done`, at: context.now() })
      },
    }
  })
  a.ref.tell({ kind: 'one' })
  a.ref.tell({ kind: 'two' })
  await scheduler.run()
  t.strictSame(
    seen.map(({ kind, at }) => `${kind} ${at}`),
    ['one 7', 'one done 12', 'two 12', 'two done 17'],
  )
})

t.test('a stalled actor takes nothing, then control before timers before data (S11)', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler)
  const seen: Seen[] = []
  const a = await spawn(system, 'a', (context) => {
    context.after(20, () => seen.push({ kind: 'timer', at: context.now() }))
    return { receive: ({ kind }) => void seen.push({ kind, at: context.now() }) }
  })
  system.stall(a, 50)
  a.ref.tell({ kind: 'data' })
  scheduler.after(30, () => a.ref.control({ kind: 'control' }))
  await scheduler.run()
  t.strictSame(seen, [
    { kind: 'control', at: 50 },
    { kind: 'timer', at: 50 },
    { kind: 'data', at: 50 },
  ])
})

t.test('a paused process runs nothing until it is resumed', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler, NO_DELAY)
  const seen: Seen[] = []
  const a = await spawn(system, 'a', (context) => ({
    receive: ({ kind }) => void seen.push({ kind, at: context.now() }),
  }))
  system.pause()
  a.ref.tell({ kind: 'data' })
  await scheduler.run({ forMs: 100 })
  t.strictSame(seen, [])
  system.resume()
  system.pause(a)
  a.ref.control({ kind: 'control' })
  await scheduler.run({ forMs: 100 })
  t.strictSame(seen, [])
  system.resume(a)
  await scheduler.run()
  t.strictSame(seen, [
    { kind: 'control', at: 200 },
    { kind: 'data', at: 200 },
  ])
})

t.test('after a crash nothing runs, nothing is delivered, no one is told', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  const system = new SimActorSystem(scheduler)
  const other = new SimActorSystem(scheduler, { name: 'other' })
  const seen: string[] = []
  const create = (context: ActorContext): Behavior => {
    context.after(5, () => seen.push('timer'))
    return { receive: ({ kind }) => void seen.push(kind), stop: () => void seen.push('stop') }
  }
  const a = await spawn(system, 'a', create)
  const b = await spawn(other, 'a', create)
  a.onExit(() => seen.push('exit'))
  system.after(5, () => seen.push('timer of the process'))
  a.ref.tell({ kind: 'under way' })
  system.crash()
  t.notOk(a.ref.tell({ kind: 'after the crash' }))
  b.ref.tell({ kind: 'alive' })
  await scheduler.run()
  t.strictSame(seen, ['alive', 'timer'], 'only the other process goes on')
  t.equal(system.deadLetters().count, 0)
})

t.test('no message overtakes another of its lane, whatever the delays', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const scheduler = new SimScheduler({ seed })
    const system = new SimActorSystem(scheduler, { deliveryDelayMs: (prng) => prng.random() * 10 })
    const seen: string[] = []
    const a = await spawn(system, 'a', () => ({ receive: ({ kind }) => void seen.push(kind) }))
    for (let i = 0; i < 20; i++) {
      a.ref.tell({ kind: `data ${i}` })
      a.ref.control({ kind: `control ${i}` })
    }
    await scheduler.run()
    for (const lane of ['data', 'control']) {
      const ofLane = seen.filter((kind) => kind.startsWith(lane))
      t.strictSame(
        ofLane,
        Array.from({ length: 20 }, (_, i) => `${lane} ${i}`),
      )
    }
  }
})

t.test('a machine’s clock may run fast, and its wall clock may be wrong', async (t) => {
  const scheduler = new SimScheduler({ seed: 1, epochMs: 1_000_000 })
  const system = new SimActorSystem(scheduler, {
    clockRate: 2,
    clockOriginMs: 500,
    wallClockErrorMs: -300,
  })
  let fired = 0
  await spawn(system, 'a', (context) => {
    t.equal(context.now(), 500)
    t.equal(context.wallClock(), 999_700)
    context.after(100, () => {
      fired = context.now()
    })
    return { receive: () => {} }
  })
  await scheduler.run()
  t.equal(fired, 600)
  t.equal(scheduler.now(), 50)
})

t.test('run keeps to its limits', async (t) => {
  const scheduler = new SimScheduler({ seed: 1 })
  let ticks = 0
  const tick = (): void => {
    ticks++
    scheduler.after(10, tick)
  }
  tick()
  t.equal(await scheduler.run({ forMs: 35 }), 3)
  t.equal(scheduler.now(), 35)
  t.equal(await scheduler.run({ untilMs: 60 }), 3)
  t.equal(await scheduler.run({ maxEvents: 4 }), 4)
  await scheduler.run({ until: () => ticks === 20 })
  t.equal(ticks, 20)
  t.equal(await scheduler.step(), true)
  t.equal(ticks, 21)
})
