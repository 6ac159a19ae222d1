import t from 'tap'
import type { LogMessage, LogReply } from '../../../actors/log/protocol.js'
import { MemoryDisk } from '../../../lib/log/memory-disk.js'
import { MemoryStore } from '../../../lib/log/memory-store.js'
import type { Store, StoreSpec } from '../../../lib/log/store.js'
import { memoryStore } from '../../../lib/log/stores.js'
import { Prng } from '../../../lib/runtime/prng.js'
import { hardState, LogHarness } from './support/log-harness.js'

/** Notes when each durable call begins and has returned, beside the replies of the log actor. */
function recording(events: string[], answers: 'at once' | 'by promise'): StoreSpec {
  const watch = (store: Store, name: 'flush' | 'set'): void => {
    const inner = store[name].bind(store) as (given?: never) => void | Promise<void>
    store[name] = (given?: unknown) => {
      events.push(`${name} called`)
      if (answers === 'at once') {
        inner(given as never)
        events.push(`${name} returned`)
        return undefined
      }
      return Promise.resolve()
        .then(() => inner(given as never))
        .then(() => void events.push(`${name} returned`))
    }
  }
  const create = (): Store => {
    const store = new MemoryStore(new MemoryDisk())
    watch(store, 'flush')
    watch(store, 'set')
    return store
  }
  return { module: 'recording', options: {}, create }
}

for (const answers of ['at once', 'by promise'] as const) {
  t.test(
    `the flush has returned before the acknowledgement leaves (answers ${answers})`,
    async (t) => {
      const events: string[] = []
      const log = await LogHarness.start(recording(events, answers))
      const push = log.replies.push.bind(log.replies)
      log.replies.push = (...replies: LogReply[]) => {
        events.push(...replies.map((reply) => reply.kind))
        return push(...replies)
      }
      events.length = 0
      await log.turn(hardState(1, 1))
      await log.turn(log.append(1, 1, 3, 1, 0), log.append(2, 4, 2), hardState(2, 2, 'n1'))
      t.same(events, [
        ...['set called', 'set returned', 'hardStateSaved'],
        ...['set called', 'set returned', 'hardStateSaved'],
        ...['flush called', 'flush returned', 'logFlushed'],
      ])
      t.same(log.failures, [])
    },
  )
}

t.test('messages wait while a store that answers by promise is at work', async (t) => {
  const events: string[] = []
  const log = await LogHarness.start(recording(events, 'by promise'))
  await log.turn(hardState(1, 1))
  events.length = 0
  await Promise.all([
    log.turn(log.append(1, 1, 1, 1, 0)),
    log.turn(log.append(2, 2, 1)),
    log.turn(log.append(3, 3, 1)),
  ])
  const flushes = events.filter((event) => event === 'flush called').length
  const order = events.every((event, n) => (n % 2 === 0) === (event === 'flush called'))
  t.ok(order, 'never two calls at once')
  t.ok(flushes <= 3)
  t.match(log.replies.at(-1), { kind: 'logFlushed', seq: 3 })
  await log.stop()
})

t.test('what was acknowledged is there after a crash that keeps any prefix (seeded)', async (t) => {
  for (let seed = 1; seed <= 60; seed++) t.equal(await crashRun(seed), '', `seed ${seed}`)
})

/** What a log actor has said to be durable. */
interface Said {
  term: number
  lastIndex: number
}

/** Six lives with crashes between them; returns what was lost, or nothing. */
async function crashRun(seed: number): Promise<string> {
  const random = new Prng(seed)
  const disk = new MemoryDisk()
  const said: Said = { term: 0, lastIndex: 0 }
  for (let life = 0; life < 6; life++) {
    disk.faults.writeBack = 'immediate'
    const log = await LogHarness.start(memoryStore({ disk }))
    const { log: found, hardState: saved } = await log.recovered()
    if (found.lastIndex < said.lastIndex) return `entries after ${found.lastIndex} in life ${life}`
    if (saved.term < said.term) return `term ${said.term} in life ${life}`
    disk.faults.writeBack = 'manual'
    await live(log, disk, random, said)
    disk.crash({ keep: random.integer(0, disk.unsettled), tear: random.chance(0.5) })
  }
  return ''
}

/** Random turns. The disk settles now and then; only then do the replies so far count. */
async function live(log: LogHarness, disk: MemoryDisk, random: Prng, said: Said): Promise<void> {
  const { log: found, hardState: saved } = await log.recovered()
  let { lastIndex, lastTerm } = found
  let { term } = saved
  const ends = new Map<number, number>()
  const terms = new Map<number, number>()
  for (let seq = 1; seq <= 20; seq += 3) {
    const messages: LogMessage[] = [hardState(seq, ++term)]
    terms.set(seq, term)
    for (const append of [seq + 1, seq + 2]) {
      const count = random.integer(1, 4)
      messages.push(log.append(append, lastIndex + 1, count, term, lastTerm))
      lastIndex += count
      lastTerm = term
      ends.set(append, lastIndex)
    }
    await log.turn(...messages)
    if (!random.chance(0.4)) continue
    disk.settle()
    for (const reply of log.take()) {
      if (reply.kind === 'logFlushed') said.lastIndex = ends.get(reply.seq) ?? 0
      if (reply.kind === 'hardStateSaved') said.term = terms.get(reply.seq) ?? 0
    }
  }
}
