import t from 'tap'
import { SimActorSystem } from '../../../lib/runtime/sim-host.js'
import { SimScheduler } from '../../../lib/runtime/sim-scheduler.js'
import { List } from '../../fixtures/machines/list.js'
import { commands } from './support/batches.js'
import { machine, Stage } from './support/stage.js'

/** Applies, snapshots beside applies, and restores, all in virtual time. */
async function story(stage: Stage): Promise<List> {
  await stage.apply(commands(1, ['a', 'b']))
  stage.askSnapshot()
  stage.tell([commands(3, ['c'])])
  // The two lanes overtake each other as the seed has it, and so do the answers.
  const index = await snapshotIndex(stage)
  const copy = new List()
  await stage.startFsmAgain(machine(copy))
  await stage.restore(index, 1)
  await stage.apply(commands(3, ['c', 'd']))
  return copy
}

async function snapshotIndex(stage: Stage): Promise<number> {
  const kinds = new Map<string, number>()
  for (let answers = 0; answers < 2; answers++) {
    const reply = await stage.replies.takeAny()
    kinds.set(reply.kind, reply.kind === 'snapshotTaken' ? reply.index : 0)
  }
  return kinds.get('snapshotTaken') ?? 0
}

async function run(seed: number) {
  const trace: string[] = []
  const scheduler = new SimScheduler({ seed })
  const system = new SimActorSystem(scheduler, {
    onEvent: ({ time, actor, what, message }) => {
      trace.push(`${time} ${actor} ${what} ${message?.kind ?? ''}`)
    },
  })
  let list: List | null = null
  const told = Stage.open(machine(new List()), { system })
    .then(story)
    .then((copy) => {
      list = copy
    })
  for (let round = 0; round < 1000 && list === null; round++) {
    await scheduler.run({ forMs: 1 })
    // The story itself goes on outside the simulated world.
    scheduler.promisesDue()
  }
  await told
  return { list: list as List | null, trace }
}

t.test('the actors do their work in virtual time', async (t) => {
  const { list } = await run(1)
  t.equal(list?.items.map((item) => item.text).join(''), 'abcd')
})

t.test('equal seeds give equal traces, other seeds others', async (t) => {
  const [first, second, other] = [await run(7), await run(7), await run(8)]
  t.ok(first.trace.length > 20)
  t.strictSame(second.trace, first.trace)
  t.notSame(other.trace, first.trace)
})
