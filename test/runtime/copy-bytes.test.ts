import t from 'tap'
import { copyBytes } from '../../lib/runtime/copy-bytes.js'

function numbered(memory: ArrayBufferLike): Uint8Array {
  const bytes = new Uint8Array(memory)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) % 251
  return bytes
}

t.test('bytes arrive as they are, whatever memory and alignment they come from', async (t) => {
  const memories = [new ArrayBuffer(5000), new SharedArrayBuffer(5000)]
  for (const from of memories.map(numbered)) {
    for (const room of [new ArrayBuffer(5000), new SharedArrayBuffer(5000)]) {
      for (const length of [0, 1, 511, 512, 513, 4000]) {
        const target = new Uint8Array(room).fill(255)
        const source = from.subarray(3, 3 + length)
        copyBytes(target, source, 7)
        t.equal(Buffer.compare(target.subarray(7, 7 + length), source), 0, `${length} bytes`)
        t.ok(target.slice(0, 7).every((byte) => byte === 255))
        t.ok(target.slice(7 + length).every((byte) => byte === 255))
      }
    }
  }
})

t.test('what does not fit is refused and nothing is cut short', async (t) => {
  for (const length of [10, 1000]) {
    const target = new Uint8Array(length)
    t.throws(() => copyBytes(target, new Uint8Array(length), 1), RangeError)
  }
})
