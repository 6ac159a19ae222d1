import t from 'tap'
import {
  BatchBuilder,
  BatchError,
  decodeEntries,
  ENTRY_BARRIER,
  ENTRY_COMMAND,
  ENTRY_CONFIGURATION,
  ENTRY_NOOP,
  encodeBatch,
  readHeader,
  sealBatch,
  verifyBatch,
} from '../../lib/log/batch.js'
import { Arena, batchBytes, pinned, unpin } from '../../lib/log/slab.js'
import { Prng } from '../../lib/runtime/prng.js'

const HEAD = { firstIndex: 7, term: 3, prevTerm: 2, time: 1_700_000_000_123.9 }

const ofSession = { kind: 'session', clientId: 2 ** 40, sequence: 9, acknowledged: 7 } as const

const withKey = {
  kind: 'key',
  key: '00112233445566778899aabbccddeeff',
  request: 'ffeeddccbbaa99887766554433221100',
  timeoutMs: 600_000,
  maxKeys: 1000,
  maxResultBytes: 2 ** 20,
} as const

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

t.test('entries come back as they were added, with the batch’s place and time', async (t) => {
  const arena = new Arena({ slabBytes: 64 * 1024, maxIdleSlabs: 1 })
  const builder = new BatchBuilder(arena)
  builder.add(ENTRY_COMMAND, text('one'))
  builder.add(ENTRY_COMMAND, new Uint8Array(0), text('extensions'))
  builder.add(ENTRY_COMMAND, text('three'), undefined, ofSession)
  builder.add(ENTRY_COMMAND, text('four'), undefined, withKey)
  builder.add(ENTRY_BARRIER, new Uint8Array(0))
  t.equal(builder.count, 5)
  const bytesBefore = builder.bytes
  const ref = sealBatch(builder.finish(), HEAD)
  t.equal(ref.length, bytesBefore)
  t.equal(builder.count, 0)
  t.match(ref, { firstIndex: 7, count: 5, term: 3, prevTerm: 2, pinned: true })
  t.match(verifyBatch(batchBytes(ref)), { lastIndex: 11, time: 1_700_000_000_123 })
  for (const copy of [false, true]) {
    const [one, two, three, keyed, last] = decodeEntries(batchBytes(ref), { copy })
    t.match(one, { index: 7, term: 3, time: 1_700_000_000_123, type: ENTRY_COMMAND })
    t.same(Buffer.from(one?.data ?? []).toString(), 'one')
    t.equal(one?.extensions, undefined)
    t.same(Buffer.from(two?.extensions ?? []).toString(), 'extensions')
    t.same(three?.identity, ofSession)
    t.same(keyed?.identity, withKey)
    t.same(Buffer.from(keyed?.data ?? []).toString(), 'four')
    t.match(last, { index: 11, type: ENTRY_BARRIER })
    t.equal(one?.data.buffer instanceof SharedArrayBuffer, !copy)
  }
})

t.test('a part of a batch is decoded by index', async (t) => {
  const entries = ['a', 'b', 'c', 'd'].map((value) => ({ type: ENTRY_COMMAND, data: text(value) }))
  const bytes = batchBytes(encodeBatch(entries, HEAD))
  t.same(
    decodeEntries(bytes, { from: 8, to: 9 }).map(({ index }) => index),
    [8, 9],
  )
  t.same(
    decodeEntries(bytes, { from: 1, to: 7 }).map(({ index }) => index),
    [7],
  )
  t.same(decodeEntries(bytes, { from: 11 }), [])
})

t.test('copied entries are independent of the batch, small and large', async (t) => {
  const sizes = [0, 1, 300, 2048, 2049, 10_000, 5, 8000]
  const entries = sizes.map((size) => ({
    type: ENTRY_COMMAND,
    data: new Uint8Array(size).fill(size),
  }))
  const bytes = batchBytes(encodeBatch(entries, HEAD))
  const decoded = decodeEntries(bytes, { copy: true })
  bytes.fill(0xff)
  for (const [position, { data }] of entries.entries()) {
    t.same(decoded[position]?.data, data)
    t.ok((decoded[position]?.data.buffer.byteLength ?? 0) <= Math.max(8192, data.length))
  }
})

t.test('a batch that outgrows its place is moved whole, and its old place is free', async (t) => {
  const arena = new Arena({ slabBytes: 8 * 1024, maxIdleSlabs: 1 })
  const builder = new BatchBuilder(arena, 128)
  const data = Array.from({ length: 200 }, (_, n) => new Uint8Array(n * 3).fill(n))
  for (const bytes of data) builder.add(ENTRY_COMMAND, bytes)
  const ref = sealBatch(builder.finish(), HEAD)
  const decoded = decodeEntries(batchBytes(ref))
  t.same(
    decoded.map((entry) => new Uint8Array(entry.data)),
    data,
  )
  unpin(ref, 0)
  t.notOk(pinned(ref.memory))
})

t.test('discard forgets the entries and lets the memory go', async (t) => {
  const arena = new Arena({ slabBytes: 8 * 1024, maxIdleSlabs: 1 })
  const builder = new BatchBuilder(arena)
  const { memory } = arena.allocate(8)
  builder.add(ENTRY_COMMAND, text('x'))
  builder.discard()
  t.equal(builder.count, 0)
  t.ok(pinned(memory), 'the other allocation is still held')
  t.throws(() => builder.finish(), { code: 'RAFT_INVARIANT' })
})

t.test('numbers past 2^53-1 are refused in both directions', async (t) => {
  const entries = [{ type: ENTRY_NOOP, data: new Uint8Array(0) }]
  t.throws(() => encodeBatch(entries, { ...HEAD, firstIndex: 2 ** 53 }), { code: 'RAFT_INVARIANT' })
  t.throws(() => encodeBatch(entries, { ...HEAD, term: -1 }), { code: 'RAFT_INVARIANT' })
  const last = batchBytes(encodeBatch(entries, { ...HEAD, firstIndex: Number.MAX_SAFE_INTEGER }))
  t.equal(readHeader(last).lastIndex, Number.MAX_SAFE_INTEGER)
  const two = [...entries, ...entries]
  const beyond = batchBytes(encodeBatch(two, { ...HEAD, firstIndex: Number.MAX_SAFE_INTEGER }))
  t.throws(() => readHeader(beyond), { code: 'RAFT_CORRUPT', fault: 'range' })
})

t.test('extensions past 64 KiB are refused', async (t) => {
  const entry = { type: ENTRY_COMMAND, data: text('x'), extensions: new Uint8Array(65_536) }
  t.throws(() => encodeBatch([entry], HEAD), { code: 'RAFT_INVARIANT' })
})

t.test('what is wrong with foreign or damaged bytes is named', async (t) => {
  const entries = [{ type: ENTRY_CONFIGURATION, data: text('abcdef') }]
  const good = batchBytes(encodeBatch(entries, HEAD))
  const fault = (change: (bytes: Uint8Array) => Uint8Array | undefined): string => {
    const bytes = new Uint8Array(good)
    try {
      verifyBatch(change(bytes) ?? bytes)
      return 'none'
    } catch (error) {
      return error instanceof BatchError ? error.fault : String(error)
    }
  }
  t.equal(
    fault(() => undefined),
    'none',
  )
  t.equal(
    fault((bytes) => bytes.subarray(0, 63)),
    'length',
  )
  t.equal(
    fault((bytes) => bytes.subarray(0, -1)),
    'length',
  )
  t.equal(
    fault((bytes) => Buffer.concat([bytes, Buffer.of(0)])),
    'length',
  )
  t.equal(
    fault((bytes) => bytes.fill(0)),
    'magic',
  )
  t.equal(
    fault((bytes) => bytes.fill(9, 20, 21)),
    'header',
  )
  t.equal(
    fault((bytes) => bytes.fill(9, 55, 56)),
    'header',
  )
  t.equal(
    fault((bytes) => bytes.fill(9, 70, 71)),
    'body',
  )
})

t.test('no mutation of a batch crashes or hangs the decoder (seeded)', async (t) => {
  const random = new Prng(20)
  const entries = Array.from({ length: 20 }, (_, n) => ({
    type: ENTRY_COMMAND,
    data: new Uint8Array(n * 5).fill(n),
    ...(n % 3 === 0 ? { extensions: text(`ext${n}`) } : {}),
    ...(n % 4 === 0 ? { identity: ofSession } : n % 4 === 1 ? { identity: withKey } : {}),
  }))
  const good = batchBytes(encodeBatch(entries, HEAD))
  const outcomes = new Map<string, number>()
  for (let round = 0; round < 5_000; round++) {
    const outcome = attempt(mutate(good, () => random.random()))
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  const known = ['good', 'length', 'magic', 'version', 'header', 'body', 'entries', 'range']
  t.same(
    [...outcomes.keys()].filter((outcome) => !known.includes(outcome)),
    [],
  )
  t.ok((outcomes.get('entries') ?? 0) > 30, 'the walk over entries was reached')
})

/** Changes some bytes; half of the time only in the body, where the decoder checks lengths alone. */
function mutate(good: Uint8Array, random: () => number): Uint8Array {
  const bytes = new Uint8Array(good)
  const first = random() < 0.5 ? 64 : 0
  const changes = 1 + Math.floor(random() * 4)
  for (let change = 0; change < changes; change++) {
    const position = first + Math.floor(random() * (bytes.length - first))
    bytes[position] = Math.floor(random() * 256)
  }
  return random() < 0.1 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes
}

function attempt(bytes: Uint8Array): string {
  try {
    decodeEntries(bytes, { copy: true })
    verifyBatch(bytes)
    return 'good'
  } catch (error) {
    return error instanceof BatchError ? error.fault : String(error)
  }
}
