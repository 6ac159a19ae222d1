import t from 'tap'
import { HISTOGRAM_EDGES, Histogram, HistogramCounts } from '../../lib/runtime/histogram.js'

function histogramOf(values: readonly number[], lowest = 1): Histogram {
  const histogram = new Histogram(lowest)
  for (const value of values) histogram.record(value)
  return histogram
}

t.test('count, sum and max are exact, quantiles right to within a tenth', async (t) => {
  const values = Array.from({ length: 1000 }, (_, i) => 1 + i)
  const counts = histogramOf(values).counts()
  t.equal(counts.count, 1000)
  t.equal(counts.sum, 500_500)
  t.equal(counts.max, 1000)
  for (const part of [0.1, 0.5, 0.9, 0.99]) {
    const found = counts.quantile(part) / (1000 * part)
    t.ok(found > 0.9 && found < 1.1, `${part} is ${found} of what it is`)
  }
  t.equal(counts.quantile(1), 1000)
})

t.test('a value that is an edge is counted at most by that edge', async (t) => {
  const edges = HISTOGRAM_EDGES.slice(0, -1)
  for (const [place, edge] of edges.entries()) {
    const cumulative = histogramOf([edge / 32], 1 / 32)
      .counts()
      .cumulative()
    t.equal(cumulative[place], 1, `${edge} is not above itself`)
    if (place > 0) t.equal(cumulative[place - 1], 0)
  }
})

t.test('what is below the lowest or above the highest edge is counted all the same', async (t) => {
  const counts = histogramOf([0, -1, 2 ** 40]).counts()
  t.equal(counts.count, 3)
  t.strictSame(new Set(counts.cumulative()), new Set([2]))
  t.equal(counts.quantile(1), 2 ** 40)
})

t.test('what came between two moments has quantiles of its own', async (t) => {
  const histogram = histogramOf([1000, 1000, 1000])
  const before = histogram.counts()
  t.equal(histogram.counts().since(before).quantile(0.99), 0, 'nothing came')
  for (const value of [3, 4, 5]) histogram.record(value)
  const recent = histogram.counts().since(before)
  t.equal(recent.count, 3)
  t.equal(recent.sum, 12)
  t.ok(recent.max >= 5 && recent.max < 6, `${recent.max} is the bucket of 5`)
  t.ok(recent.quantile(0.5) > 3 && recent.quantile(0.5) < 5)
})

t.test('an empty one has zeros', async (t) => {
  const counts = new HistogramCounts(1)
  t.strictSame([counts.count, counts.sum, counts.max, counts.quantile(0.5)], [0, 0, 0, 0])
})
