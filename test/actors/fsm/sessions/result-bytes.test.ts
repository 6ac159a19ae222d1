import t from 'tap'
import { decodeResult, encodeResult } from '../../../../actors/fsm/sessions/result-bytes.js'

const roundTrip = (value: unknown): unknown => {
  const bytes = encodeResult(value, 10_000)
  if (bytes === null) throw new Error('not encoded')
  return decodeResult(bytes)
}

t.test('results come back as they were', async (t) => {
  const values = [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1.5,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    2n ** 70n,
    -5n,
    '',
    'grüße, 世界',
    'lone \ud800 surrogate',
    new Uint8Array([1, 2, 255]),
    [1, [2, [undefined, null]], 'x'],
    { a: 1, b: { c: [true] }, ['__proto__']: 'a key' },
    new Map([['k', new Set([1, 2])]]),
    new Date(5),
    Array(2),
  ]
  for (const value of values) t.strictSame(roundTrip(value), value)
})

t.test('equal values have equal bytes, however they came about', async (t) => {
  const halves = [0.5, 2.5].map((part) => part + 0.5)
  t.strictSame(encodeResult(halves, 1000), encodeResult([1, 3], 1000))
  const sliced = 'xé'.replace('é', 'y') + Buffer.from('z', 'utf16le').toString('latin1').charAt(0)
  t.strictSame(encodeResult(sliced, 1000), encodeResult('xyz', 1000))
})

t.test('what is too long, or no data, is not kept', async (t) => {
  t.equal(encodeResult('x'.repeat(100), 100), null)
  t.ok(encodeResult('x'.repeat(95), 100))
  t.equal(
    encodeResult(() => {}, 100),
    null,
  )
  t.equal(encodeResult({ nested: Symbol('s') }, 100), null)
  const ring: unknown[] = []
  ring.push(ring)
  t.strictSame(Array.isArray(roundTrip(ring)), true, 'rings are left to V8')
})

t.test('bytes that are cut off are refused', async (t) => {
  const bytes = encodeResult({ list: [1, 'two', new Uint8Array(3)] }, 1000)
  if (bytes === null) return t.fail('not encoded')
  for (let end = 0; end < bytes.length; end++) {
    t.throws(() => decodeResult(bytes.subarray(0, end)))
  }
})
