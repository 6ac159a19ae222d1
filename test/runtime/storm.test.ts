import t from 'tap'
import type { ProbeMessage } from '../fixtures/actors/probe-actor.js'
import { onEveryHost } from './support/stage.js'

function sends(link: string, lane: 'tell' | 'control', text: string, times: number): ProbeMessage {
  return { kind: 'send', link, lane, message: { kind: 'note', text }, times }
}

onEveryHost(
  t,
  'many senders at once: nothing is lost, each lane keeps its order',
  async (t, stage) => {
    const sink = await stage.spawn('sink', {}, { mailbox: { maxMessages: 10_000 } })
    const names = ['a', 'b', 'c']
    for (const name of names) {
      const sender = await stage.spawn(name)
      stage.system.link(sender, 'sink', sink)
      for (let run = 0; run < 10; run++) {
        sender.ref.tell(sends('sink', 'tell', `${name} data ${run}.`, 50))
        sender.ref.tell(sends('sink', 'control', `${name} control ${run}.`, 10))
      }
    }
    await stage.until(() => stage.journal('sink').length === names.length * 10 * 60)
    for (const name of names) {
      for (const [lane, times] of [
        ['data', 50],
        ['control', 10],
      ] as const) {
        const got = stage.journal('sink').filter((text) => text.startsWith(`${name} ${lane}`))
        const sent = Array.from({ length: 10 * times }, (_, i) => {
          return `${name} ${lane} ${Math.floor(i / times)}.${i % times}`
        })
        t.strictSame(got, sent)
      }
    }
    t.equal(stage.system.deadLetters().count, 0)
  },
)

onEveryHost(
  t,
  'links made while their actor is busy are there before their use',
  async (t, stage) => {
    const a = await stage.spawn('a')
    const b = await stage.spawn('b')
    for (let i = 0; i < 200; i++) {
      const link = `peer ${i % 50}`
      stage.system.link(a, link, b)
      const message: ProbeMessage = { kind: 'note', text: `${i}` }
      a.ref.tell({ kind: 'send', link, lane: i % 2 === 0 ? 'tell' : 'control', message })
      // Lets the actor run between two of them, a different way each time.
      if (i % 7 === 0) await stage.settle(b.ref.ask({ kind: 'echo', value: null }))
    }
    await stage.until(() => stage.journal('b').length === 200)
    const order = [...stage.journal('b')].map(Number).sort((x, y) => x - y)
    t.strictSame(
      order,
      Array.from({ length: 200 }, (_, i) => i),
    )
  },
)
