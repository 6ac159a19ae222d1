import t from 'tap'
import { giveBack, giveBackAll } from '../../lib/runtime/give-back.js'

const LARGE = 64 * 1024

t.test('a large buffer of its own is empty afterwards', async (t) => {
  const bytes = new Uint8Array(LARGE)
  giveBack(bytes)
  t.equal(bytes.length, 0)
  const part = Buffer.allocUnsafeSlow(2 * LARGE).subarray(10, 20)
  giveBackAll(part)
  t.equal(part.length, 0)
})

t.test('what is small, shared or only a part is left alone', async (t) => {
  const small = new Uint8Array(100)
  const pooled = Buffer.from('text')
  const shared = new Uint8Array(new SharedArrayBuffer(LARGE))
  const part = new Uint8Array(2 * LARGE).subarray(0, LARGE)
  for (const bytes of [small, pooled, shared, part]) {
    const { length } = bytes
    giveBack(bytes)
    t.equal(bytes.length, length)
  }
})

t.test('the pool of small buffers is left alone, as large as it is in Node.js 24', async (t) => {
  const { poolSize } = Buffer
  t.teardown(() => {
    Buffer.poolSize = poolSize
  })
  Buffer.poolSize = LARGE
  const fromNewPool = () => {
    for (;;) {
      const small = Buffer.allocUnsafe(1000)
      if (small.buffer.byteLength === LARGE) return small
    }
  }
  const mine = fromNewPool()
  const yours = fromNewPool()
  giveBackAll(mine)
  t.equal(yours.length, 1000)
})

t.test('a gigabyte passes without gathering', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let i = 0; i < 16_384; i++) {
    giveBack(Buffer.allocUnsafeSlow(LARGE))
    if (i % 64 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers)
  }
  t.ok(most - before < 4 * 1024 * 1024, `${most - before} bytes`)
})
