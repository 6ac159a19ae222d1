import t from 'tap'
import { Prng } from '../../lib/runtime/prng.js'
import { TransportError } from '../../lib/transport/errors.js'
import { encodeFrameHead, FRAME_HEADER_BYTES, FrameParser } from '../../lib/transport/frame.js'
import { FrameType } from '../../lib/transport/frame-type.js'
import type { Frame } from '../../lib/transport/transport.js'

const limits = { maxHeadBytes: 1000, maxPayloadBytes: 5000 }

function bytesOf(frame: Frame): Buffer {
  return Buffer.concat([encodeFrameHead(frame), ...frame.payload])
}

function randomBytes(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.next() & 0xff)
}

/** Collects what a parser finds, with memory of its own for each payload. */
function collector() {
  const frames: { type: number; head: Uint8Array; payload: Uint8Array }[] = []
  const allocated: Uint8Array[] = []
  const parser = new FrameParser(limits, {
    allocate(_type, _head, length) {
      const memory = new Uint8Array(new SharedArrayBuffer(length))
      allocated.push(memory)
      return memory
    },
    frame: (type, head, payload) => void frames.push({ type, head, payload }),
  })
  return { frames, allocated, parser }
}

const frame: Frame = {
  type: FrameType.appendEntries,
  head: Uint8Array.from([1, 2, 3, 4, 5]),
  payload: [Uint8Array.from([6, 7]), Uint8Array.from([8, 9, 10])],
}

function codeOf(run: () => void): string | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof TransportError) return error.code
    throw error
  }
  return undefined
}

t.test('a frame split at every byte boundary arrives whole', async (t) => {
  const bytes = bytesOf(frame)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { frames, parser } = collector()
    parser.push(bytes.subarray(0, cut))
    parser.push(bytes.subarray(cut))
    t.same(frames[0]?.head, frame.head)
    t.same([...(frames[0]?.payload ?? [])], [6, 7, 8, 9, 10])
    t.ok(parser.idle)
  }
})

t.test(
  'frames that arrive byte by byte, with empty heads and payloads, keep their order',
  async (t) => {
    const empty = { type: FrameType.heartbeat, head: new Uint8Array(0), payload: [] }
    const { frames, parser } = collector()
    const bytes = Buffer.concat([bytesOf(empty), bytesOf(frame), bytesOf(empty)])
    for (const byte of bytes) parser.push(Uint8Array.of(byte))
    t.same(
      frames.map(({ type, payload }) => [type, payload.length]),
      [
        [FrameType.heartbeat, 0],
        [FrameType.appendEntries, 5],
        [FrameType.heartbeat, 0],
      ],
    )
  },
)

t.test('a payload is written straight into the memory that the receiver gave', async (t) => {
  const { frames, allocated, parser } = collector()
  parser.push(bytesOf(frame))
  t.equal(frames[0]?.payload, allocated[0])
  t.equal(allocated.length, 1)
})

t.test('a head survives the reuse of the chunk it came in', async (t) => {
  const { frames, parser } = collector()
  const chunk = bytesOf(frame)
  parser.push(chunk)
  chunk.fill(0)
  t.same(frames[0]?.head, frame.head)
})

t.test('lengths beyond the limits are refused before anything is allocated', async (t) => {
  const over: Frame[] = [
    { ...frame, head: new Uint8Array(1001) },
    { ...frame, payload: [new Uint8Array(5001)] },
  ]
  for (const large of over) {
    const { allocated, parser } = collector()
    const header = encodeFrameHead(large).subarray(0, FRAME_HEADER_BYTES)
    t.equal(
      codeOf(() => parser.push(header)),
      'RAFT_FRAME_TOO_LARGE',
    )
    t.equal(allocated.length, 0)
  }
})

t.test('an unknown type is refused', async (t) => {
  const { parser } = collector()
  t.equal(
    codeOf(() => parser.push(bytesOf({ ...frame, type: 99 }))),
    'RAFT_FRAME_UNEXPECTED',
  )
})

t.test('every flipped bit in header or head is refused, and nothing more is taken', async (t) => {
  const good = bytesOf(frame)
  const codes = new Set<string | undefined>()
  for (let bit = 0; bit < (FRAME_HEADER_BYTES + frame.head.length) * 8; bit++) {
    const { frames, allocated, parser } = collector()
    const bytes = Buffer.from(good)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    // A longer head is waited for, so enough must follow for the checksum to be looked at.
    const code = codeOf(() => parser.push(Buffer.concat([bytes, Buffer.alloc(1000)])))
    codes.add(code)
    if (code === undefined) t.fail(`bit ${bit} was not noticed`)
    parser.push(good)
    if (frames.length > 0 || allocated.length > 0) t.fail(`bit ${bit} let something through`)
  }
  t.same([...codes].sort(), ['RAFT_FRAME_CORRUPT', 'RAFT_FRAME_TOO_LARGE', 'RAFT_FRAME_UNEXPECTED'])
})

t.test('only the payload of a snapshot chunk is bulk', async (t) => {
  for (const [type, bulk] of [
    [FrameType.snapshotChunk, true],
    [FrameType.appendEntries, false],
  ] as const) {
    const { parser } = collector()
    const bytes = bytesOf({ ...frame, type })
    parser.push(bytes.subarray(0, FRAME_HEADER_BYTES + 2))
    t.equal(parser.bulk, false, 'in the head')
    parser.push(bytes.subarray(FRAME_HEADER_BYTES + 2, -1))
    t.equal(parser.bulk, bulk)
    parser.push(bytes.subarray(-1))
    t.equal(parser.bulk, false, 'behind it')
  }
})

t.test('a stopped parser drops the rest of the chunk', async (t) => {
  let count = 0
  const parser: FrameParser = new FrameParser(limits, {
    allocate: (_type, _head, length) => new Uint8Array(length),
    frame: () => {
      count += 1
      parser.stop()
    },
  })
  parser.push(Buffer.concat([bytesOf(frame), bytesOf(frame)]))
  t.equal(count, 1)
})

t.test('fuzz: seeded frames in seeded chunks arrive as they were sent', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const prng = new Prng(seed)
    const sent = Array.from({ length: 20 }, () => ({
      type: 1 + Math.floor(prng.random() * 11),
      head: randomBytes(prng, Math.floor(prng.random() * 200)),
      payload: [
        randomBytes(prng, Math.floor(prng.random() * 900)),
        randomBytes(prng, Math.floor(prng.random() * 900)),
      ],
    }))
    const stream = Buffer.concat(sent.map(bytesOf))
    const { frames, parser } = collector()
    for (let at = 0; at < stream.length; ) {
      const size = 1 + Math.floor(prng.random() * prng.random() * 3000)
      parser.push(stream.subarray(at, at + size))
      at += size
    }
    const found = frames.map((f) => [f.type, Buffer.from(f.head).toString('hex'), [...f.payload]])
    const expected = sent.map((f) => [
      f.type,
      Buffer.from(f.head).toString('hex'),
      [...Buffer.concat(f.payload)],
    ])
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.fail(`seed ${seed} differs`)
  }
})

t.test('fuzz: damaged and random streams only ever give a TransportError', async (t) => {
  const codes = new Map<string, number>()
  for (let seed = 1; seed <= 2000; seed++) {
    const prng = new Prng(seed)
    const stream = Buffer.concat([bytesOf(frame), bytesOf(frame), randomBytes(prng, 40)])
    for (let flips = 1 + (prng.next() % 4); flips > 0; flips--) {
      const at = Math.floor(prng.random() * stream.length)
      stream[at] = (stream[at] ?? 0) ^ (1 << (prng.next() & 7))
    }
    const { allocated, parser } = collector()
    const code = codeOf(() => parser.push(stream)) ?? 'none'
    codes.set(code, (codes.get(code) ?? 0) + 1)
    const memory = allocated.reduce((sum, { length }) => sum + length, 0)
    if (memory > 3 * limits.maxPayloadBytes) t.fail(`seed ${seed} allocated ${memory}`)
  }
  t.ok((codes.get('RAFT_FRAME_CORRUPT') ?? 0) > 100, JSON.stringify([...codes]))
})
