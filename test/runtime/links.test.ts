import t from 'tap'
import type { ActorHandle } from '../../lib/runtime/actor.js'
import type { ProbeMessage } from '../fixtures/actors/probe-actor.js'
import { HOSTS, onEveryHost, type Probe, Stage } from './support/stage.js'

const PLACEMENTS = ['inline', 'thread'] as const

async function exchange(stage: Stage, a: Probe, b: Probe): Promise<void> {
  stage.system.link(a, 'peer', b)
  stage.system.link(b, 'peer', a)
  const send = (text: string): ProbeMessage => ({
    kind: 'send',
    link: 'peer',
    lane: 'tell',
    message: { kind: 'note', text },
  })
  a.ref.tell(send('from a'))
  b.ref.tell(send('from b'))
  await stage.noted('b', 'from a')
  await stage.noted('a', 'from b')
}

for (const from of PLACEMENTS) {
  for (const to of PLACEMENTS) {
    t.test(`${from} and ${to} actors talk directly`, async (t) => {
      const stage = await Stage.open(t, 'inline')
      const a = await stage.spawn('a', {}, { placement: from })
      const b = await stage.spawn('b', {}, { placement: to })
      await exchange(stage, a, b)
      a.ref.tell({ kind: 'askOver', link: 'peer', message: { kind: 'echo', value: 1 } })
      await stage.noted('a', 'answer 1')
      await b.stop()
      await stage.noted('a', 'unlinked peer')
      t.strictSame(stage.journal('b').slice(-1), ['stop'])
    })
  }
}

onEveryHost(t, 'a link is announced before any message sent after it', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b')
  for (let i = 0; i < 20; i++) a.ref.tell({ kind: 'note', text: `before ${i}` })
  stage.system.link(a, 'b', b)
  a.ref.tell({ kind: 'send', link: 'b', lane: 'tell', message: { kind: 'note', text: 'hello' } })
  await stage.noted('b', 'hello')
  t.ok(stage.journal('a').includes('linked b'))
})

onEveryHost(t, 'a new link under an old name replaces it', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b')
  const c = await stage.spawn('c')
  const send = (text: string): ProbeMessage => ({
    kind: 'send',
    link: 'peer',
    lane: 'tell',
    message: { kind: 'note', text },
  })
  stage.system.link(a, 'peer', b)
  a.ref.control(send('for b'))
  await stage.noted('b', 'for b')
  stage.system.link(a, 'peer', c)
  a.ref.control(send('for c'))
  await stage.noted('c', 'for c')
  await stage.settle(b.stop())
  a.ref.tell(send('again for c'))
  await stage.noted('c', 'again for c')
  t.notOk(stage.journal('a').includes('unlinked peer'), 'the replaced link is nobody’s loss')
})

onEveryHost(t, 'a message to an actor that has exited is a dead letter', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b')
  stage.system.link(a, 'b', b)
  await stage.noted('a', 'linked b')
  await stage.settle(b.stop())
  await stage.noted('a', 'unlinked b')
  const before = stage.system.deadLetters().count
  const seen: string[] = []
  stage.system.onDeadLetter((to, kind) => seen.push(`${to} ${kind}`))
  a.ref.tell({
    kind: 'send',
    link: 'b',
    lane: 'tell',
    message: { kind: 'note', text: '' },
    times: 3,
  })
  await stage.noted('a', 'refused 3')
  await stage.until(() => stage.system.deadLetters().count === before + 3)
  t.strictSame(seen, ['b note', 'b note', 'b note'])
})

onEveryHost(
  t,
  'a link to an actor that has exited is announced and taken back',
  async (t, stage) => {
    const a = await stage.spawn('a')
    const b = await stage.spawn('b')
    await stage.settle(b.stop())
    stage.system.link(a, 'b', b)
    await stage.noted('a', 'unlinked b')
    t.strictSame(stage.journal('a'), ['linked b', 'unlinked b'])
  },
)

for (const host of HOSTS) {
  t.test(`${host}: linking from an actor that has exited does nothing`, async (t) => {
    const stage = await Stage.open(t, host)
    const a = await stage.spawn('a')
    const b = await stage.spawn('b')
    await stage.settle(a.stop())
    stage.system.link(a as ActorHandle, 'b', b)
    b.ref.tell({ kind: 'note', text: 'well' })
    await stage.noted('b', 'well')
    t.strictSame(stage.journal('a'), ['stop'])
  })
}
