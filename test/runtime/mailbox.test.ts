import t from 'tap'
import { MailboxWords } from '../../lib/runtime/mailbox-words.js'
import type { ProbeMessage } from '../fixtures/actors/probe-actor.js'
import { onEveryHost } from './support/stage.js'

const NOTE: ProbeMessage = { kind: 'note', text: 'data' }

onEveryHost(t, 'data past the bound in messages is refused, control is not', async (t, stage) => {
  const probe = await stage.spawn('a', {}, { mailbox: { maxMessages: 3 } })
  probe.ref.control({ kind: 'hold' })
  await stage.noted('a', 'holding')
  const told = [1, 2, 3, 4].map(() => probe.ref.tell(NOTE))
  t.strictSame(told, [true, true, true, false])
  t.strictSame(probe.ref.backlog(), { messages: 3, bytes: 0 })
  t.ok(probe.ref.control(NOTE))
  t.match(stage.system.deadLetters(), { count: 1, last: ['note'] })
  stage.open()
  await stage.until(() => stage.journal('a').length === 6)
  await stage.becomes(() => probe.ref.backlog().messages === 0)
  t.ok(probe.ref.tell(NOTE), 'there is room again')
})

onEveryHost(t, 'data past the bound in bytes is refused', async (t, stage) => {
  const probe = await stage.spawn('a', {}, { mailbox: { maxBytes: 100 } })
  probe.ref.control({ kind: 'hold' })
  await stage.noted('a', 'holding')
  t.ok(probe.ref.tell(NOTE, 60))
  t.notOk(probe.ref.tell(NOTE, 41))
  t.ok(probe.ref.tell(NOTE, 40))
  t.ok(probe.ref.tell(NOTE), 'no weight, no bytes')
  t.strictSame(probe.ref.backlog(), { messages: 3, bytes: 100 })
  stage.open()
  await stage.until(() => stage.journal('a').length === 5)
  await stage.becomes(() => probe.ref.backlog().bytes === 0)
  t.ok(probe.ref.tell(NOTE, 1000), 'heavier than the bound, but nothing else waits')
})

onEveryHost(t, 'a sender on another actor sees the same credit', async (t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b', {}, { mailbox: { maxMessages: 5 } })
  stage.system.link(a, 'b', b)
  b.ref.control({ kind: 'hold' })
  await stage.noted('b', 'holding')
  b.ref.tell(NOTE, 7)
  a.ref.tell({ kind: 'send', link: 'b', lane: 'tell', message: NOTE, times: 6, bytes: 10 })
  a.ref.tell({ kind: 'backlog', link: 'b' })
  await stage.noted('a', 'backlog 5 47')
  t.ok(stage.journal('a').includes('refused 2'))
  await stage.until(() => stage.system.deadLetters().count === 2)
  stage.open()
})

t.test('bounds that cannot be kept are refused at once', async (t) => {
  const memory = new SharedArrayBuffer(MailboxWords.BYTES)
  for (const limits of [{ maxMessages: 0 }, { maxBytes: 1.5 }, { maxBytes: 2 ** 31 }]) {
    t.throws(() => MailboxWords.create(memory, limits), { code: 'ACTOR_USAGE' })
  }
})

t.test('the counts stay right when their words wrap', async (t) => {
  const memory = new SharedArrayBuffer(MailboxWords.BYTES)
  const words = MailboxWords.create(memory, { maxMessages: 2, maxBytes: 10 })
  const raw = new Int32Array(memory)
  for (const word of [0, 1, 32, 33]) raw[word] = 2 ** 31 - 2
  for (let round = 0; round < 4; round++) {
    t.ok(words.reserve(4) && words.reserve(6))
    t.notOk(words.reserve(0))
    t.strictSame([words.messages, words.bytes], [2, 10])
    words.taken(2, 10)
    t.strictSame([words.messages, words.bytes], [0, 0])
  }
})
