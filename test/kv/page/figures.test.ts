import t from 'tap'
import { bytes, counted, duration, listed, rate, whole } from '../../../lib/kv/page/figures.js'

const same = (t: Tap, make: (value: number) => string, expected: Record<string, number>) => {
  for (const [text, value] of Object.entries(expected)) t.equal(make(value), text)
}
type Tap = Pick<typeof import('tap').t, 'equal'>

t.test('figures are short and have their unit', async (t) => {
  same(t, whole, { '0': 0, '999': 999, '1,000': 1000, '1,234,567': 1_234_567 })
  same(t, duration, {
    '0.06 ms': 0.06,
    '3.4 ms': 3.42,
    '14 ms': 14.2,
    '3.2 s': 3200,
    '12 s': 12_000,
    '5 min': 300_000,
    '3 h': 10_800_000,
  })
  same(t, rate, {
    '0': 0,
    '0.5': 0.5,
    '87': 87,
    '9,876': 9876,
    '12.3k': 12_340,
    '1.22M': 1_220_000,
  })
  same(t, bytes, {
    '0 B': 0,
    '1023 B': 1023,
    '1.5 KiB': 1536,
    '20 KiB': 20_480,
    '4.0 MiB': 4_194_304,
  })
})

t.test('counts and lists read as language does', async (t) => {
  t.equal(counted(1, 'entry', 'entries'), '1 entry')
  t.equal(counted(1200, 'entry', 'entries'), '1,200 entries')
  t.strictSame([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed), [
    '',
    'a',
    'a and b',
    'a, b and c',
  ])
})
