import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { inflateInto } from '../../../lib/snapshot/deflate.js'
import { SnapshotStoreError } from '../../../lib/snapshot/errors.js'
import { SeededRandom } from '../../helpers/seeded-random.js'
import { configuration, pattern } from '../../snapshot/support/snapshots.js'
import { Archive, type ArchiveOptions } from './support/archive.js'

async function open(t: Test, options: ArchiveOptions = {}): Promise<Archive> {
  const archive = await Archive.open(options)
  t.teardown(() => archive.close())
  return archive
}

t.test('a follower gets the newest snapshot chunk by chunk, in shared memory', async (t) => {
  const archive = await open(t)
  const body = pattern(2500)
  await archive.capture(4)
  await archive.capture(7, 2, body)
  const parts: Uint8Array[] = []
  for (const offset of [0, 1000, 2000]) {
    const chunk = await archive.readChunk(1, offset)
    t.match(chunk, { peer: 'n2', transfer: 1, offset, done: offset === 2000 })
    const checksum = crc32(body)
    t.strictSame(chunk.meta, { index: 7, term: 2, configuration, size: 2500, checksum })
    t.type(chunk.bytes.buffer, SharedArrayBuffer)
    t.match(chunk, { length: chunk.bytes.length, compressed: false })
    parts.push(chunk.bytes)
  }
  t.ok(Buffer.concat(parts).equals(body))
})

t.test('chunks that compress well are compressed, others are not', async (t) => {
  const archive = await open(t, { compression: 'inline' })
  const random = new SeededRandom(1).bytes(50_000)
  const body = Buffer.concat([pattern(50_000), random, pattern(50_000)])
  await archive.capture(7, 2, body)
  const parts: Uint8Array[] = []
  for (const offset of [0, 50_000, 100_000]) {
    const chunk = await archive.readChunk(1, offset, 50_000)
    const { length, compressed, bytes } = chunk
    t.match(chunk, { offset, length: 50_000, compressed: offset !== 50_000 })
    t.equal(bytes.length < length, compressed)
    const state = new Uint8Array(length)
    if (compressed) inflateInto(bytes, state)
    parts.push(compressed ? state : bytes.slice())
  }
  t.ok(Buffer.concat(parts).equals(body))
})

t.test('a transfer passes through the same few pieces of memory', async (t) => {
  const archive = await open(t)
  await archive.capture(7, 2, pattern(9000))
  const memories = new Set<unknown>()
  for (let offset = 0; offset < 9000; offset += 1000) {
    const { bytes } = await archive.readChunk(1, offset)
    memories.add(bytes.buffer)
    t.ok(
      Buffer.from(pattern(9000))
        .subarray(offset, offset + 1000)
        .equals(bytes),
    )
  }
  t.equal(memories.size, 3)
})

t.test('an empty snapshot is one empty chunk', async (t) => {
  const archive = await open(t)
  await archive.capture(1, 1, new Uint8Array(0))
  t.match(await archive.readChunk(1, 0), { done: true, bytes: { length: 0 } })
})

t.test('a transfer keeps its snapshot while newer ones come (S13)', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1)
  await archive.readChunk(1, 0)
  await archive.capture(2)
  t.match(await archive.readChunk(1, 1000), { meta: { index: 1 } })
  t.strictSame(await archive.list(), ['1-2', '1-1'])
  archive.actor.ref.tell({ kind: 'endTransfer', peer: 'n2', transfer: 1 })
  t.match(await archive.readChunk(2, 0), { meta: { index: 2 } })
  t.strictSame(await archive.list(), ['1-2'])
})

t.test('a new transfer begins anew with the newest and lets the old one go', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1)
  await archive.readChunk(1, 0)
  await archive.capture(2)
  t.match(await archive.readChunk(2, 0), { meta: { index: 2 } })
  await archive.capture(3)
  t.strictSame(await archive.list(), ['1-3', '1-2'])
})

t.test('transfers to several followers do not disturb each other', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1)
  await archive.readChunk(1, 0, 1000, 'n2')
  await archive.capture(2)
  await archive.readChunk(1, 0, 1000, 'n3')
  archive.actor.ref.tell({ kind: 'endTransfer', peer: 'n3', transfer: 1 })
  t.match(await archive.readChunk(1, 1000, 1000, 'n2'), { meta: { index: 1 } })
})

t.test('the end of a former transfer does not end the running one', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1)
  await archive.readChunk(2, 0)
  archive.actor.ref.tell({ kind: 'endTransfer', peer: 'n2', transfer: 1 })
  await archive.capture(2)
  t.match(await archive.readChunk(2, 1000), { meta: { index: 1 } })
})

t.test('nothing to send is said', async (t) => {
  const archive = await open(t)
  t.match(await archive.failToReadChunk(1), { message: /no snapshot to send/ })
})

t.test('a snapshot that is damaged already is not begun with', async (t) => {
  const archive = await open(t)
  await archive.capture(1)
  await archive.capture(2)
  archive.damage(2)
  t.match(await archive.readChunk(1, 0), { meta: { index: 1 } })
})

t.test('a chunk found damaged ends its transfer, the next takes an older one', async (t) => {
  const archive = await open(t)
  await archive.capture(1)
  await archive.capture(2)
  await archive.readChunk(1, 0)
  archive.disk.fault = (operation, { index }) => {
    if (operation === 'read' && index === 2) throw new SnapshotStoreError('RAFT_CORRUPT', 'planted')
  }
  t.match(await archive.failToReadChunk(1, 1000), { code: 'RAFT_CORRUPT' })
  t.match(await archive.readChunk(2, 0), { meta: { index: 1 } })
})

t.test('a chunk that could not be read is no damage', async (t) => {
  const archive = await open(t)
  await archive.capture(1)
  await archive.capture(2)
  archive.disk.fault = () => {
    throw new Error('busy')
  }
  t.match(await archive.failToReadChunk(1), { message: 'busy' })
  archive.disk.fault = null
  t.match(await archive.readChunk(2, 0), { meta: { index: 2 } })
})

t.test('an offset past the end is refused', async (t) => {
  const archive = await open(t)
  await archive.capture(1, 1, pattern(10))
  t.match(await archive.failToReadChunk(1, 11), { message: /has 10 bytes, asked for offset 11/ })
  t.match(await archive.readChunk(2, 10), { done: true })
})

t.test('a follower that may not know how to inflate is sent chunks as they are', async (t) => {
  const archive = await open(t, { compression: 'inline' })
  await archive.capture(7, 2, pattern(50_000))
  t.match(await archive.readChunk(1, 0, 50_000), { compressed: true })
  const plain = await archive.readChunk(2, 0, 50_000, 'n3', false)
  t.match(plain, { compressed: false, length: 50_000 })
  t.equal(plain.bytes.length, 50_000)
})
