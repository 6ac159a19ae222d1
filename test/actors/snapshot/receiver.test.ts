import { crc32, deflateRawSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { SnapshotMessage, SnapshotMeta } from '../../../actors/snapshot/protocol.js'
import { MemorySnapshotStore, MemorySnapshots } from '../../../lib/snapshot/memory-store.js'
import { configuration, pattern } from '../../snapshot/support/snapshots.js'
import { Archive, type ArchiveOptions } from './support/archive.js'

type StoreChunk = Extract<SnapshotMessage, { kind: 'storeChunk' }>

async function open(t: Test, options: ArchiveOptions = {}): Promise<Archive> {
  const archive = await Archive.open(options)
  t.teardown(() => archive.close())
  return archive
}

const body = pattern(2500, 9)
const checksum = crc32(body)
const meta: SnapshotMeta = { index: 9, term: 2, configuration, size: 2500, checksum }

function chunk(offset: number, change: Partial<StoreChunk> = {}): StoreChunk {
  const bytes = body.subarray(offset, offset + 1000)
  const done = offset + bytes.length === meta.size
  const from = { connection: 1, leader: 'n3', leaderTerm: 4, transfer: 1 }
  const state = { offset, length: bytes.length, compressed: false, bytes, done }
  return { kind: 'storeChunk', ...from, meta, ...state, ...change }
}

async function send(archive: Archive, message: StoreChunk) {
  archive.actor.ref.tell(message)
  return archive.replies.take('chunkStored')
}

t.test('a whole snapshot is stored, then announced with its configuration', async (t) => {
  const archive = await open(t)
  t.match(await send(archive, chunk(0)), { connection: 1, transfer: 1, offset: 1000, error: null })
  t.match(await send(archive, chunk(1000)), { offset: 2000 })
  t.strictSame(await archive.list(), [])
  t.match(await send(archive, chunk(2000)), { offset: 2500, error: null })
  const announced = await archive.replies.take('snapshotReceived')
  t.match(announced, { connection: 1, transfer: 1, leader: 'n3', leaderTerm: 4, meta })
  t.match(await archive.ask({ kind: 'newest' }), meta)
  const { reading } = await archive.openState(9, 2)
  t.ok(Buffer.from(body).equals(await archive.readState(reading, 0, 5000)))
})

t.test('a chunk that is not the next is answered with what is held', async (t) => {
  const archive = await open(t)
  await send(archive, chunk(0))
  t.match(await send(archive, chunk(2000)), { offset: 1000, error: null }, 'a gap')
  t.match(await send(archive, chunk(0)), { offset: 1000, error: null }, 'a repetition')
  t.match(await send(archive, chunk(1000)), { offset: 2000 })
})

t.test('a transfer goes on over another connection, and under another number', async (t) => {
  const archive = await open(t)
  await send(archive, chunk(0))
  const again = { connection: 2, transfer: 7 }
  t.match(await send(archive, chunk(0, again)), { connection: 2, transfer: 7, offset: 1000 })
  await send(archive, chunk(1000, again))
  await send(archive, chunk(2000, again))
  t.match(await archive.replies.take('snapshotReceived'), { connection: 2, transfer: 7 })
})

t.test('an unknown transfer that does not begin at 0 is sent back there', async (t) => {
  const archive = await open(t)
  t.match(await send(archive, chunk(1000)), { offset: 0, error: null })
  await send(archive, chunk(0))
  const other = { meta: { ...meta, index: 12 } }
  t.match(await send(archive, chunk(1000, other)), { offset: 0 }, 'of another snapshot')
  t.match(await send(archive, chunk(1000)), { offset: 2000 }, 'the running one is unharmed')
})

t.test('a last chunk that comes again is answered again', async (t) => {
  const archive = await open(t)
  for (const offset of [0, 1000, 2000]) await send(archive, chunk(offset))
  await archive.replies.take('snapshotReceived')
  t.match(await send(archive, chunk(2000, { connection: 5 })), { connection: 5, offset: 2500 })
  t.match(await archive.replies.take('snapshotReceived'), { connection: 5 })
})

t.test('a leader of a later term takes over, one of an earlier term is refused', async (t) => {
  const archive = await open(t)
  await send(archive, chunk(0))
  const later = { leader: 'n4', leaderTerm: 5 }
  t.match(await send(archive, chunk(0, later)), { offset: 1000 })
  t.match(await send(archive, chunk(0)), { offset: 0, error: { message: /term 4 comes while n4/ } })
  t.match(await send(archive, chunk(1000, later)), { offset: 2000, error: null })
})

t.test('another leader with the same bytes goes on where the former one was', async (t) => {
  const archive = await open(t)
  await send(archive, chunk(0))
  const later = { leader: 'n4', leaderTerm: 5, connection: 2, transfer: 1 }
  t.match(await send(archive, chunk(1000, later)), { offset: 2000, error: null })
  await send(archive, chunk(2000, later))
  t.match(await archive.replies.take('snapshotReceived'), { leader: 'n4', leaderTerm: 5 })
})

t.test('another leader with other bytes for the same snapshot begins anew', async (t) => {
  const archive = await open(t)
  await send(archive, chunk(0))
  const other = pattern(2500, 3)
  const later = { leader: 'n4', leaderTerm: 5, meta: { ...meta, checksum: crc32(other) } }
  const sent = (offset: number) =>
    send(archive, chunk(offset, { ...later, bytes: other.subarray(offset, offset + 1000) }))
  t.match(await sent(1000), { offset: 0, error: null })
  for (const offset of [0, 1000, 2000]) await sent(offset)
  await archive.replies.take('snapshotReceived')
  const { reading } = await archive.openState(9, 2)
  t.ok((await archive.readState(reading, 0, 5000)).equals(other))
})

t.test('bytes that are not those announced never become a snapshot', async (t) => {
  const archive = await open(t)
  await send(archive, chunk(0))
  await send(archive, chunk(1000, { bytes: pattern(1000, 77) }))
  const answer = await send(archive, chunk(2000))
  t.match(answer, { offset: 0, error: { code: 'RAFT_CORRUPT', message: /checksum/ } })
  t.equal(archive.disk.held.size, 0)
  for (const offset of [0, 1000, 2000]) await send(archive, chunk(offset))
  t.match(await archive.replies.take('snapshotReceived'), { meta })
})

t.test('compressed chunks are unfolded before they are stored', async (t) => {
  const archive = await open(t)
  for (const offset of [0, 1000, 2000]) {
    const bytes = deflateRawSync(body.subarray(offset, offset + 1000))
    await send(archive, chunk(offset, { bytes, compressed: true }))
  }
  await archive.replies.take('snapshotReceived')
  const { reading } = await archive.openState(9, 2)
  t.ok((await archive.readState(reading, 0, 5000)).equals(body))
})

t.test(
  'a compressed chunk of another length is refused, and the transfer begins anew',
  async (t) => {
    for (const bytes of [
      deflateRawSync(pattern(999)),
      deflateRawSync(pattern(1001)),
      pattern(50),
    ]) {
      const archive = await open(t)
      await send(archive, chunk(0))
      const answer = await send(archive, chunk(1000, { bytes, compressed: true }))
      t.match(answer, { offset: 0, error: { code: 'RAFT_CORRUPT', message: /does not unfold/ } })
      t.match(await send(archive, chunk(1000)), { offset: 0, error: null })
    }
  },
)

t.test('a failed write is answered and forgotten, the transfer begins again', async (t) => {
  for (const operation of ['create', 'write', 'commit'] as const) {
    const archive = await open(t)
    archive.disk.fault = (called) => {
      if (called === operation) throw new Error('planted')
    }
    const answers = []
    for (const offset of [0, 1000, 2000]) answers.push(await send(archive, chunk(offset)))
    t.ok(answers.some((answer) => answer.error?.message === 'planted'))
    t.equal(answers.at(-1)?.offset, 0)
    archive.disk.fault = null
    for (const offset of [0, 1000, 2000]) await send(archive, chunk(offset))
    t.match(await archive.replies.take('snapshotReceived'), { meta })
  }
})

t.test('a snapshot of another size than announced is not kept', async (t) => {
  const short = await open(t)
  await send(short, chunk(0))
  t.match(await send(short, chunk(1000, { done: true })), { error: { code: 'RAFT_CORRUPT' } })
  const long = await open(t)
  const smaller = { meta: { ...meta, size: 900 } }
  t.match(await send(long, chunk(0, smaller)), { error: { code: 'RAFT_CORRUPT' } })
  for (const archive of [short, long]) t.strictSame(await archive.list(), [])
})

t.test('what does not read back as it was written is not announced', async (t) => {
  class Forgetful extends MemorySnapshotStore {
    override verify(): boolean {
      return false
    }
  }
  const disk = new MemorySnapshots()
  const store = { module: '', options: null, create: () => new Forgetful(disk) }
  const archive = await open(t, { store })
  for (const offset of [0, 1000]) await send(archive, chunk(offset))
  t.match(await send(archive, chunk(2000)), { offset: 0, error: { code: 'RAFT_CORRUPT' } })
  t.ok(archive.replies.empty)
  t.equal(disk.held.size, 0)
})

t.test('a received snapshot prunes nothing until the state machine takes it', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(5, 2)
  await archive.receive(9, 2)
  const { reading } = await archive.openState(5, 2)
  await archive.ask({ kind: 'closeState', reading })
  t.strictSame(await archive.list(), ['2-9', '2-5'])
  await archive.openState(9, 2)
  t.strictSame(await archive.list(), ['2-9'])
})

t.test('a received snapshot that is turned down goes, what the log begins at stays', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(5, 2)
  await archive.receive(9, 2)
  await archive.discard(9, 2)
  t.strictSame(await archive.list(), ['2-5'])
})

t.test('only a received snapshot can be discarded', async (t) => {
  const archive = await open(t)
  await archive.capture(5, 2)
  await archive.discard(5, 2)
  await archive.receive(9, 2)
  await archive.openState(9, 2)
  await archive.discard(9, 2)
  t.strictSame(await archive.list(), ['2-9', '2-5'])
})

t.test('a snapshot that this node has already is not written over', async (t) => {
  const archive = await open(t)
  await archive.capture(9, 2, pattern(2500, 1))
  await archive.receive(9, 2)
  await archive.discard(9, 2)
  t.strictSame(await archive.list(), ['2-9'])
  const { bytes } = await archive.readChunk(1, 0, 5000)
  t.ok(Buffer.from(pattern(2500, 1)).equals(bytes))
})

t.test('a discarded snapshot can be received again', async (t) => {
  const archive = await open(t)
  await archive.receive(9, 2)
  await archive.discard(9, 2)
  await archive.receive(9, 2)
  t.strictSame(await archive.list(), ['2-9'])
})
