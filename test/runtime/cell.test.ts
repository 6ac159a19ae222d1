import t from 'tap'
import type { ProbeMessage } from '../fixtures/actors/probe-actor.js'
import { onEveryHost } from './support/stage.js'

function note(text: string): ProbeMessage {
  return { kind: 'note', text }
}

onEveryHost(t, 'control messages overtake a backlog of data', async (t, stage) => {
  const probe = await stage.spawn('a')
  probe.ref.control({ kind: 'hold' })
  await stage.noted('a', 'holding')
  for (let i = 0; i < 50; i++) probe.ref.tell(note(`data ${i}`))
  probe.ref.control(note('control'))
  await stage.arrived()
  stage.open()
  await stage.noted('a', 'data 49')
  t.equal(stage.journal('a')[2], 'control', 'right after the message that held')
})

onEveryHost(t, 'control that arrives during a burst goes next', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b')
  stage.system.link(a, 'b', b)
  await stage.noted('a', 'linked b')
  b.ref.tell({ kind: 'timerThenBlock', ms: 1000, blockMs: 20 })
  for (let i = 0; i < 10; i++) b.ref.tell(note(`data ${i}`))
  await stage.noted('b', 'blocking')
  a.ref.tell({ kind: 'send', link: 'b', lane: 'control', message: note('control') })
  await stage.noted('b', 'data 9')
  await stage.noted('b', 'control')
  const at = stage.journal('b').indexOf('control')
  // A sender on the same thread runs only after the block; any other runs during it.
  const apart = stage.kind === 'thread' || stage.kind === 'sim'
  if (apart) t.equal(at, 1, 'before all the data')
  t.ok(at > 0)
})

onEveryHost(t, 'messages of one sender keep their order in each lane', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b', {}, { mailbox: { maxMessages: 2000 } })
  stage.system.link(a, 'b', b)
  a.ref.tell({ kind: 'send', link: 'b', lane: 'tell', message: note(''), times: 1000 })
  await stage.noted('b', '999')
  const data = Array.from({ length: 1000 }, (_, i) => `${i}`)
  t.strictSame(stage.journal('b'), data)
  a.ref.tell({ kind: 'send', link: 'b', lane: 'control', message: note(''), times: 100 })
  await stage.until(() => stage.journal('b').length === 1100)
  t.strictSame(stage.journal('b').slice(1000), data.slice(0, 100))
})

onEveryHost(
  t,
  'after a late wake-up control is taken before a due timer (S11)',
  async (t, stage) => {
    const a = await stage.spawn('a')
    const b = await stage.spawn('b')
    stage.system.link(a, 'b', b)
    await stage.noted('a', 'linked b')
    b.ref.tell({ kind: 'timerThenBlock', ms: 5, blockMs: 40 })
    // What an inline sender tells is there before the block ends only if it is told now.
    if (stage.kind === 'inline') b.ref.control(note('control'))
    await stage.noted('b', 'blocking')
    if (stage.kind !== 'inline') {
      a.ref.tell({ kind: 'send', link: 'b', lane: 'control', message: note('control') })
    }
    await stage.noted('b', 'timer')
    const journal = stage.journal('b')
    t.ok(journal.indexOf('control') !== -1, 'the message was taken')
    t.ok(journal.indexOf('control') < journal.indexOf('timer'), 'and before the timer')
  },
)

onEveryHost(t, 'while a promise of receive is pending nothing is taken', async (t, stage) => {
  const probe = await stage.spawn('a', { turns: true })
  await stage.noted('a', ')')
  const before = stage.journal('a').length
  probe.ref.tell({ kind: 'timer', ms: 1, text: 'timer' })
  probe.ref.tell({ kind: 'hold' })
  await stage.noted('a', 'holding')
  probe.ref.tell(note('data'))
  probe.ref.control(note('control'))
  await stage.arrived()
  stage.open()
  await stage.noted('a', 'data')
  await stage.noted('a', 'timer')
  const taken = stage.journal('a').slice(before)
  const released = taken.indexOf('released')
  t.equal(taken.indexOf('holding') + 1, released, 'nothing between the two')
  t.ok(taken.indexOf('control') > released)
  t.ok(taken.indexOf('control') < taken.indexOf('data'))
})

onEveryHost(t, 'a burst is one turn, nested turns belong to it', async (t, stage) => {
  const probe = await stage.spawn('a', { turns: true })
  probe.ref.control({ kind: 'hold' })
  await stage.noted('a', 'holding')
  probe.ref.tell(note('one'))
  probe.ref.tell({ kind: 'turn', text: 'nested' })
  probe.ref.tell(note('two'))
  await stage.arrived()
  stage.open()
  await stage.until(
    () => stage.journal('a').slice(-1)[0] === ')' && stage.journal('a').includes('two'),
  )
  const journal = stage.journal('a')
  const burst = journal.slice(journal.lastIndexOf('(', journal.indexOf('two')))
  t.strictSame(burst, ['(', 'holding', 'released', 'one', 'nested', 'two', ')'])
})

onEveryHost(t, 'a cancelled timer never fires', async (t, stage) => {
  const probe = await stage.spawn('a')
  probe.ref.tell({ kind: 'timer', ms: 1, text: 'cancelled', cancel: true })
  probe.ref.tell({ kind: 'timer', ms: 3, text: 'kept' })
  await stage.noted('a', 'kept')
  t.strictSame(stage.journal('a'), ['kept'])
})

onEveryHost(t, 'timers fire in the order of their delays', async (t, stage) => {
  const probe = await stage.spawn('a')
  for (const ms of [30, 10, 20, 0]) probe.ref.tell({ kind: 'timer', ms, text: `${ms}` })
  await stage.noted('a', '30')
  t.strictSame(stage.journal('a'), ['0', '10', '20', '30'])
})

onEveryHost(
  t,
  'an actor that never runs out of messages does not starve its timers',
  async (t, stage) => {
    const a = await stage.spawn('a')
    const b = await stage.spawn('b')
    for (const [from, to] of [
      [a, a],
      [a, b],
      [b, a],
    ] as const)
      stage.system.link(from, to.name, to)
    await stage.noted('b', 'linked a')
    a.ref.tell({ kind: 'timer', ms: 5, text: 'timer' })
    b.ref.tell({ kind: 'timer', ms: 5, text: 'timer' })
    a.ref.tell({ kind: 'spin', link: 'a' })
    b.ref.tell({ kind: 'spin', link: 'a' })
    await stage.noted('a', 'timer')
    await stage.noted('b', 'timer')
    t.ok(a.stats().dataMessages > 2)
  },
)

onEveryHost(t, 'a backlog longer than a burst is taken whole', async (t, stage) => {
  const probe = await stage.spawn('a', {}, { mailbox: { maxMessages: 5000 } })
  for (let i = 0; i < 3000; i++) probe.ref.tell(note(`${i}`))
  await stage.noted('a', '2999')
  t.equal(stage.journal('a').length, 3000)
  await stage.becomes(() => probe.stats().dataMessages === 3000)
  const stats = probe.stats()
  t.match(stats, { name: 'a', backlogMessages: 0, backlogBytes: 0, dataMessages: 3000 })
  t.ok(stats.turns >= 1 && stats.busyMs >= 0)
})

onEveryHost(t, 'time spent in turns is counted as busy', async (t, stage) => {
  const probe = await stage.spawn('a')
  const before = probe.stats()
  probe.ref.tell({ kind: 'block', ms: 30 })
  await stage.noted('a', 'blocked')
  await stage.becomes(() => probe.stats().turns > before.turns)
  t.ok(probe.stats().busyMs >= before.busyMs + 25)
})
