import t from 'tap'
import { CompressionPool } from '../../lib/snapshot/compression-pool.js'
import { deflateInto, inflateInto } from '../../lib/snapshot/deflate.js'
import { SeededRandom } from '../helpers/seeded-random.js'
import { pattern } from './support/snapshots.js'

const random = (length: number) => new SeededRandom(7).bytes(length)

const shared = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

t.test('what compresses well is deflated and comes back', async (t) => {
  for (const length of [200, 5000, 300_000]) {
    const bytes = pattern(length).map((byte) => byte & 3)
    const room = new Uint8Array(length)
    const deflated = deflateInto(bytes, room)
    t.ok(deflated > 0 && deflated < length * 0.9, `${length} -> ${deflated}`)
    const state = new Uint8Array(length)
    inflateInto(room.subarray(0, deflated), state)
    t.ok(Buffer.from(state).equals(bytes))
  }
})

t.test('what does not save a tenth is sent as it is', async (t) => {
  for (const length of [0, 1, 50, 5000, 300_000]) {
    t.equal(deflateInto(random(length), new Uint8Array(length)), 0, `${length} bytes`)
  }
})

t.test('a chunk that is good in samples only is sent as it is', async (t) => {
  const bytes = random(300_000)
  for (const start of [0, 97_269, 194_538, 291_808]) bytes.fill(0, start, start + 4000)
  t.equal(deflateInto(bytes, new Uint8Array(bytes.length)), 0)
})

t.test('bytes that unfold to more or less than announced are refused, however much', async (t) => {
  const bytes = new Uint8Array(1_000_000)
  const room = new Uint8Array(bytes.length)
  const bomb = room.subarray(0, deflateInto(bytes, room))
  t.ok(bomb.length < 10_000)
  for (const length of [0, 10, 999_999, 1_000_001]) {
    t.throws(() => inflateInto(bomb, new Uint8Array(length)), { code: 'RAFT_CORRUPT' })
  }
  t.throws(() => inflateInto(random(100), new Uint8Array(100)), { code: 'RAFT_CORRUPT' })
})

t.test('the pool deflates in shared memory, several at once, and ends with close', async (t) => {
  const pool = new CompressionPool()
  const inputs = Array.from({ length: 6 }, (_, i) => shared(pattern(100_000, i)))
  const rooms = inputs.map(({ length }) => shared(new Uint8Array(length)))
  const lengths = await Promise.all(
    inputs.map((input, i) => pool.deflate(input, rooms[i] as Uint8Array)),
  )
  for (const [i, length] of lengths.entries()) {
    t.ok(length > 0)
    const state = new Uint8Array(100_000)
    inflateInto((rooms[i] as Uint8Array).slice(0, length), state)
    t.ok(Buffer.from(state).equals(pattern(100_000, i)))
  }
  await pool.close()
  await t.rejects(pool.deflate(shared(pattern(10)), shared(pattern(10))), { message: /closing/ })
})

t.test('a pool that was never used has nothing to close', async (t) => {
  const pool = new CompressionPool()
  await pool.close()
  await pool.close()
  t.pass('nothing was started')
})

t.test('memory that is not shared is refused: it would have to be copied', async (t) => {
  const pool = new CompressionPool()
  await t.rejects(pool.deflate(pattern(10), pattern(10)), { message: /shared memory/ })
})
