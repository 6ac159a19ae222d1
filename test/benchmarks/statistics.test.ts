import t from 'tap'
import { Latencies } from '../../benchmarks/latencies.js'
import { gaps, median, quantile, round } from '../../benchmarks/statistics.js'

t.test('quantiles of numbers in order', async (t) => {
  const sorted = Array.from({ length: 1000 }, (_, i) => i)
  t.equal(quantile(sorted, 0), 0)
  t.equal(quantile(sorted, 0.5), 500)
  t.equal(quantile(sorted, 0.99), 990)
  t.equal(quantile(sorted, 1), 999, 'the largest')
  t.equal(quantile([7], 0.5), 7)
  t.ok(Number.isNaN(quantile([], 0.5)), 'of nothing there is none')
})

t.test('the median does not depend on the order', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 3, 2]), 2.5, 'of two in the middle the mean')
  t.ok(Number.isNaN(median([])))
  const given = [3, 1, 2]
  median(given)
  t.same(given, [3, 1, 2], 'what was given stays as it was')
})

t.test(
  'latencies in any order give quantiles to a microsecond, long ones to a millisecond',
  async (t) => {
    const latencies = new Latencies()
    latencies.record(70.9)
    for (let i = 0; i < 998; i++) latencies.record(1.23456)
    latencies.record(1e9)
    t.same(latencies.figures(), { p50_ms: 1.234, p99_ms: 1.234, p999_ms: 65_535 })
    t.equal(latencies.count, 1000)
    t.same(new Latencies().figures(), {
      p50_ms: Number.NaN,
      p99_ms: Number.NaN,
      p999_ms: Number.NaN,
    })
    latencies.record(0)
    t.equal(latencies.figures().p999_ms, 70, 'the 70.9, rounded down')
    for (let i = 0; i < 1000; i++) latencies.record(63.9999)
    t.equal(latencies.figures().p999_ms, 63.999)
  },
)

t.test('gaps lie between neighbours', async (t) => {
  t.same([...gaps([10, 12, 20])], [2, 8])
  t.same([...gaps([10])], [])
  t.same([...gaps([])], [])
})

t.test('rounding drops digits that mean nothing', async (t) => {
  t.equal(round(1.005, 1), 1)
  t.equal(round(1234.5678, 2), 1234.57)
})
