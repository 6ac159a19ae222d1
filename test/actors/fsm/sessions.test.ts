import t, { type Test } from 'tap'
import { jsonCodec } from '../../../lib/fsm/codecs.js'
import {
  ENTRY_COMMAND,
  ENTRY_SESSION_OPEN,
  type EntryIdentity,
  encodeBatch,
  type NewEntry,
} from '../../../lib/log/batch.js'
import { encodeSessionOpening } from '../../../lib/log/session-codec.js'
import { Prng } from '../../../lib/runtime/prng.js'
import { MemorySnapshots } from '../../../lib/snapshot/memory-store.js'
import { BatchingList } from '../../fixtures/machines/batching.js'
import { Counter } from '../../fixtures/machines/counter.js'
import { DurableList } from '../../fixtures/machines/durable.js'
import { List } from '../../fixtures/machines/list.js'
import { machine, Stage, type StageOptions } from './support/stage.js'

async function stageOf(t: Test, list: object, options: StageOptions = {}): Promise<Stage> {
  const stage = await Stage.open(machine(list as never, { codec: undefined }), options)
  t.teardown(() => stage.close())
  return stage
}

const limits = { nonce: 100, timeoutMs: 1000, maxSessions: 10, maxResultBytes: 1000 }

const opening: NewEntry = {
  type: ENTRY_SESSION_OPEN,
  data: encodeSessionOpening(limits),
}
/** The id that `opening` gets as the first entry of the log. */
const CLIENT = 101

const plain = (text: string): NewEntry => ({ type: ENTRY_COMMAND, data: Buffer.from(text) })

const ofSession = (sequence: number, text: string, acknowledged = 0): NewEntry => {
  const identity = { kind: 'session', clientId: CLIENT, sequence, acknowledged } as const
  return { ...plain(text), identity }
}

const hex = (text: string): string => Buffer.from(text.padEnd(16)).toString('hex')

const withKey = (key: string, text: string): NewEntry => {
  const kept = { timeoutMs: 1000, maxKeys: 10, maxResultBytes: 1000 }
  const identity: EntryIdentity = { kind: 'key', key: hex(key), request: hex(text), ...kept }
  return { ...plain(text), identity }
}

/** A batch from an index on; time passes a millisecond an entry. */
const batch = (firstIndex: number, ...entries: readonly NewEntry[]) =>
  encodeBatch(entries, { firstIndex, term: 1, prevTerm: 1, time: 1000 + firstIndex })

const texts = (list: List): string => list.items.map(({ text }) => text).join('')

t.test(
  'a repeated command is not applied, and answered with its first result and place',
  async (t) => {
    for (const list of [new List(), new BatchingList({})]) {
      const stage = await stageOf(t, list)
      const { results } = await stage.apply(
        batch(1, opening, ofSession(1, 'a'), plain('b'), ofSession(1, 'a'), withKey('k', 'c')),
        batch(6, withKey('k', 'c'), withKey('k', 'other'), ofSession(2, 'd')),
      )
      t.match(results, {
        firstIndex: 1,
        values: [CLIENT, 1, 2, 1, 3, 3, undefined, 4],
        errors: [{ index: 7, error: { code: 'RAFT_IDEMPOTENCY_KEY_REUSED' } }],
        repeats: [
          { index: 4, firstIndex: 2, firstTerm: 1 },
          { index: 6, firstIndex: 5, firstTerm: 1 },
        ],
      })
      t.equal(texts(list), 'abcd')
    }
  },
)

t.test('the machine’s refusal is repeated as it was', async (t) => {
  const counter = new Counter()
  const stage = await Stage.open(machine(counter, { codec: jsonCodec() }))
  t.teardown(() => stage.close())
  const refused = ofSession(1, JSON.stringify({ add: -5 }))
  const first = await stage.apply(batch(1, opening, refused))
  const again = await stage.apply(batch(3, refused))
  const [was] = first.results?.errors ?? []
  const [is] = again.results?.errors ?? []
  t.equal(was?.error.name, 'CommandError')
  t.match(is?.error, { name: 'CommandError', code: was?.error.code, message: was?.error.message })
  t.strictSame(again.results?.repeats, [{ index: 3, firstIndex: 2, firstTerm: 1 }])
})

t.test('a command of a session that is not open is refused and not applied', async (t) => {
  const list = new List()
  const stage = await stageOf(t, list)
  const { results } = await stage.apply(batch(1, ofSession(1, 'a'), plain('b')))
  t.match(results, {
    values: [undefined, 1],
    errors: [{ index: 1, error: { code: 'RAFT_SESSION_EXPIRED' } }],
  })
  t.equal(texts(list), 'b')
})

t.test('sessions and keys come back with the snapshot', async (t) => {
  const disk = new MemorySnapshots()
  const first = await stageOf(t, new List(), { disk })
  await first.apply(batch(1, opening, ofSession(1, 'a'), withKey('k', 'b')))
  await first.takeSnapshot()
  const list = new List()
  const stage = await stageOf(t, list, { disk })
  await stage.restore(3, 1)
  t.equal(texts(list), 'ab', 'the machine reads only what is its own')
  const { results } = await stage.apply(
    batch(4, ofSession(1, 'a'), withKey('k', 'b'), ofSession(2, 'c')),
  )
  t.match(results, { values: [1, 2, 3], repeats: [{ firstIndex: 2 }, { firstIndex: 3 }] })
  t.equal(texts(list), 'abc')
})

t.test('a snapshot without sessions holds the machine’s bytes and nothing else', async (t) => {
  const stage = await stageOf(t, new List())
  await stage.apply(batch(1, plain('a')))
  const { bytes } = await stage.takeSnapshot()
  const [held] = stage.disk.held.values()
  t.equal(bytes, held?.bytes.length)
  t.match(Buffer.from(held?.bytes ?? []).toString(), /^\{"index":1/)
})

t.test('a machine that keeps its own state: once, over restarts with a snapshot', async (t) => {
  const path = `${t.testdir({})}/list.json`
  const disk = new MemorySnapshots()
  const log = [
    batch(1, opening, ofSession(1, 'a'), withKey('k', 'b')),
    batch(4, ofSession(2, 'c'), withKey('l', 'd')),
  ] as const
  const first = await stageOf(t, new DurableList(path), { disk })
  await first.apply(log[0])
  await first.takeSnapshot()
  await first.apply(log[1])
  const list = Object.assign(new DurableList(path), {
    restore: () => Promise.reject(new Error('not needed')),
  })
  const stage = await stageOf(t, list, { disk })
  await stage.restore(3, 1)
  t.match(await stage.failToSnapshot(), { code: 'RAFT_NOTHING_TO_SNAPSHOT' })
  stage.tell([log[1]])
  t.equal((await stage.replies.take('applied')).results, null)
  const { results } = await stage.apply(
    batch(6, ofSession(1, 'a'), withKey('k', 'b'), ofSession(2, 'c'), withKey('l', 'd')),
  )
  t.match(results, {
    values: [1, 2, undefined, undefined],
    errors: [
      { index: 8, error: { code: 'RAFT_RESULT_LOST' } },
      { index: 9, error: { code: 'RAFT_RESULT_LOST' } },
    ],
  })
  t.equal(texts(list), 'abcd', 'applied before, and known to be')
  await stage.takeSnapshot()
})

t.test(
  'a machine that keeps its own state is fed from the first entry without a snapshot',
  async (t) => {
    const path = `${t.testdir({})}/list.json`
    const log = batch(1, opening, ofSession(1, 'a'))
    await (await stageOf(t, new DurableList(path))).apply(log)
    const stage = await stageOf(t, new DurableList(path))
    stage.tell([batch(3, plain('b'))])
    t.match(await stage.fsmFailure(), { code: 'RAFT_INVARIANT' }, 'it would know no sessions')
  },
)

/** Entries of every kind, many of them repetitions. */
function history(random: Prng, count: number): NewEntry[] {
  const pick = (n: number) => Math.floor(random.random() * n)
  const entries: NewEntry[] = [opening]
  while (entries.length < count) {
    const text = `${pick(9)}`
    const sequence = 1 + pick(20)
    const kinds = [plain(text), ofSession(sequence, text, pick(8)), withKey(text, text), opening]
    entries.push(kinds[pick(20) === 0 ? 3 : pick(3)] as NewEntry)
  }
  return entries
}

/** The entries in batches of random size, each told in messages of random size. */
async function feed(stage: Stage, entries: readonly NewEntry[], random: Prng): Promise<void> {
  const pick = (n: number) => 1 + Math.floor(random.random() * n)
  const batches = []
  for (let at = 0; at < entries.length; ) {
    const part = entries.slice(at, at + pick(6))
    // The same time on all replicas, wherever this one's batches end.
    const head = { firstIndex: at + 1, term: 1, prevTerm: 1, time: 1000 }
    batches.push(encodeBatch(part, head))
    at += part.length
  }
  while (batches.length > 0) {
    stage.tell(batches.splice(0, pick(4)))
    await stage.replies.take('applied')
  }
}

t.test('replicas agree to the byte, wherever batches and runs end (seeded)', async (t) => {
  for (let seed = 1; seed <= 15; seed++) {
    const entries = history(new Prng(seed), 120)
    const states: string[] = []
    for (const [n, list] of [new List(), new BatchingList({}), new BatchingList({})].entries()) {
      const stage = await stageOf(t, list, { maxApplyEntries: 3 + 10 * n })
      await feed(stage, entries, new Prng(seed * 10 + n))
      await stage.takeSnapshot()
      const [held] = stage.disk.held.values()
      states.push(Buffer.from(held?.bytes ?? []).toString('hex'))
      await stage.close()
    }
    if (new Set(states).size !== 1) t.fail(`seed ${seed}: the replicas differ`)
  }
})
