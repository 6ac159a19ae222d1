import t from 'tap'
import type { RaftEvent } from '../../lib/node/events.js'
import { EventHub } from '../../lib/node/events.js'

function overload(what: string): RaftEvent {
  return { kind: 'overload', what, node: 'n1', at: 5 }
}

function hub() {
  const errors: string[] = []
  const events = new EventHub('n1', (error, kind) => errors.push(`${kind}: ${error}`))
  return { events, errors }
}

t.test('a listener hears its kind until it is taken away', async (t) => {
  const { events } = hub()
  const heard: string[] = []
  const listener = ({ what }: { readonly what: string }) => heard.push(what)
  const off = events.on('overload', listener)
  const offAgain = events.on('overload', listener)
  const nobody = { address: null, previous: null }
  events.emit({ kind: 'leader', leader: 'n2', ...nobody, term: 3, node: 'n1', at: 5 })
  events.emit(overload('a'))
  off()
  events.emit(overload('b'))
  offAgain()
  events.emit(overload('c'))
  t.strictSame(heard, ['a', 'a', 'b'])
})

t.test('R-37: a listener that throws harms nobody', async (t) => {
  const { events, errors } = hub()
  const heard: string[] = []
  events.on('overload', () => {
    throw new Error('mine')
  })
  events.on('overload', ({ what }) => heard.push(what))
  events.emit(overload('a'))
  t.strictSame(heard, ['a'])
  t.strictSame(errors, ['overload: Error: mine'])
})

t.test('an iterator yields events as they come, and what came before it asked', async (t) => {
  const { events } = hub()
  const stream = events.stream()
  events.emit(overload('a'))
  t.match(await stream.next(), { done: false, value: { kind: 'overload', what: 'a', node: 'n1' } })
  const later = stream.next()
  events.emit(overload('b'))
  t.match(await later, { value: { what: 'b' } })
})

t.test('a slow reader loses the oldest and is told how many', async (t) => {
  const { events } = hub()
  const stream = events.stream({ buffer: 2 })
  for (const what of ['a', 'b', 'c', 'd', 'e']) events.emit(overload(what))
  t.match(await stream.next(), { value: { kind: 'dropped', count: 3 } })
  t.match(await stream.next(), { value: { what: 'd' } })
  t.match(await stream.next(), { value: { what: 'e' } })
})

t.test('a signal, a break and the end of the node end the iteration', async (t) => {
  const { events } = hub()
  const abort = new AbortController()
  const aborted = events.stream({ signal: abort.signal })
  const waiting = aborted.next()
  abort.abort()
  t.strictSame(await waiting, { done: true, value: undefined })

  const broken = events.stream()
  events.emit(overload('a'))
  for await (const event of broken) {
    t.match(event, { what: 'a' })
    break
  }
  t.match(await broken.next(), { done: true })

  const ended = events.stream()
  events.emit(overload('last'))
  events.close()
  t.match(await ended.next(), { value: { what: 'last' } }, 'what was there can still be read')
  t.match(await ended.next(), { done: true })
  t.match(await events.stream().next(), { done: true })
})
