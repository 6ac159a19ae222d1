import t from 'tap'
import { chartOf } from '../../benchmarks/chart-svg.js'
import type { Summary } from '../../benchmarks/comparison.js'
import { ratioTableOf, tableOf } from '../../benchmarks/comparison-table.js'

function summary(median_of: string, load: string, ops_s: number): Summary {
  const spread = { ops_s_min: ops_s / 2, ops_s_max: ops_s * 2, rounds: 3 }
  const latencies = { p50_ms: 1000 / ops_s, p99_ms: 1, p999_ms: 1 }
  return { part: 'replicated-log', median_of, load, ops_s, ...spread, ...latencies, rss_mb: 1 }
}

const svg = chartOf(
  [
    summary('troupe-wal', '256 B x 1', 2000),
    summary('etcd', '256 B x 1', 1000),
    summary('troupe-wal', '256 B x 64', 80_000),
    summary('etcd', '256 B x 64', 8000),
  ],
  'a & b',
)

t.test('one command in flight is shown by its latency, more by their rate', async (t) => {
  t.match(svg, /256 B, one in flight: median ms, less is better/)
  t.match(svg, /256 B, 64 in flight: commands a second, more is better/)
  t.match(svg, />0\.5</, 'of 2,000 one after the other')
  t.match(svg, />80,000</)
})

t.test('bars are as long as their values, on one scale a panel', async (t) => {
  const widths = [...svg.matchAll(/width="([\d.]+)" height="15"/g)].map(([, width]) =>
    Number(width),
  )
  t.equal(widths.length, 4)
  t.equal(widths[1], 2 * (widths[0] ?? 0), 'twice the latency')
  t.ok(Math.abs((widths[2] ?? 0) - 10 * (widths[3] ?? 0)) < 1, 'ten times the rate')
})

t.test('only rates have a line for their spread, and text is escaped', async (t) => {
  t.equal(svg.match(/<path /g)?.length, 2)
  t.match(svg, />a &amp; b</)
})

t.test('the table has a row a summary, with its spread if there were rounds', async (t) => {
  const one = { ...summary('etcd', '256 B x 1', 1000), rounds: 1 }
  const rows = tableOf([summary('troupe-wal', '256 B x 64', 80_000), one])
    .split('\n')
    .slice(2)
  t.same(rows, [
    '| 256 B, 64 in flight | troupe-wal | 80,000 (40,000 to 160,000) | 0.013 ms | 1 ms | 1 ms |',
    '| 256 B, 1 in flight | etcd | 1,000 | 1 ms | 1 ms | 1 ms |',
    '',
  ])
})

t.test('ratios are a table of their own, empty where there is no latency', async (t) => {
  const what = { ratio_of: 'troupe-wal', to: 'hashicorp-boltdb', ops_s_ratio: 3.4 }
  const ratio = { part: 'store', load: 'StoreLogs 64 x 256 B', ...what } as const
  const [, , row] = ratioTableOf([{ ...ratio, p50_ratio: null, p99_ratio: null }]).split('\n')
  t.equal(row, '| StoreLogs 64 x 256 B | troupe-wal | hashicorp-boltdb | 3.4 |  |  |')
})
