import t from 'tap'
import { FlushTimes } from '../../../actors/log/flush-times.js'

t.test('figures are about the latest flushes, in order of their length', async (t) => {
  const times = new FlushTimes()
  t.strictSame(times.figures(), { p50Ms: 0, p99Ms: 0, maxMs: 0 })
  times.add(7)
  t.strictSame(times.figures(), { p50Ms: 7, p99Ms: 7, maxMs: 7 })
  for (let i = 100; i >= 1; i--) times.add(i)
  t.strictSame(times.figures(), { p50Ms: 50, p99Ms: 99, maxMs: 100 })
  for (let i = 0; i < 1024; i++) times.add(2)
  t.strictSame(times.figures(), { p50Ms: 2, p99Ms: 2, maxMs: 2 }, 'the others are forgotten')
})
