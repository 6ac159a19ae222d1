import t from 'tap'
import { type Measurement, ratiosOf, summariesOf } from '../../benchmarks/comparison.js'

function log(contestant: string, round: number, inflight: number, ops_s: number): Measurement {
  const latencies = { p50_ms: 1000 / ops_s, p99_ms: 4000 / ops_s, p999_ms: 8000 / ops_s }
  const more = { ...latencies, rss_mb: 100, flushes_s: 10 }
  return { part: 'replicated-log', contestant, round, size: 256, inflight, ops_s, ...more }
}

function store(contestant: string, ops_s: number): Measurement {
  const what = { operation: 'StoreLogs', size: 256, batch: 64 }
  return { part: 'store', contestant, round: 1, ...what, ops_s }
}

t.test(
  'the rounds of each contestant under each load become a median and its spread',
  async (t) => {
    const summaries = summariesOf([
      log('troupe-wal', 1, 64, 100),
      log('troupe-wal', 1, 1024, 900),
      log('troupe-wal', 2, 64, 400),
      log('troupe-wal', 3, 64, 200),
    ])
    t.match(summaries, [
      { median_of: 'troupe-wal', load: '256 B x 64', rounds: 3, ops_s: 200, p50_ms: 5 },
      { median_of: 'troupe-wal', load: '256 B x 1024', rounds: 1, ops_s: 900 },
    ])
    t.match(summaries[0], { ops_s_min: 100, ops_s_max: 400 })
  },
)

t.test('contestants stand together under each load, the lightest load first', async (t) => {
  const measured = ['troupe-lmdb', 'etcd'].flatMap((name) =>
    [1024, 1, 64].map((inflight) => log(name, 1, inflight, 100)),
  )
  const order = summariesOf(measured).map(({ load, median_of }) => `${load} ${median_of}`)
  t.same(order, [
    '256 B x 1 troupe-lmdb',
    '256 B x 1 etcd',
    '256 B x 64 troupe-lmdb',
    '256 B x 64 etcd',
    '256 B x 1024 troupe-lmdb',
    '256 B x 1024 etcd',
  ])
})

t.test('ratios are of ours to theirs, under the same load only', async (t) => {
  const measured = [
    log('troupe-wal', 1, 64, 800),
    log('troupe-lmdb', 1, 64, 400),
    log('troupe-wal', 1, 4096, 999),
    log('hashicorp-boltdb', 1, 64, 100),
  ]
  t.match(ratiosOf(measured), [
    { ratio_of: 'troupe-wal', to: 'hashicorp-boltdb', ops_s_ratio: 8, p50_ratio: 0.13 },
    { ratio_of: 'troupe-lmdb', to: 'hashicorp-boltdb', ops_s_ratio: 4, p99_ratio: 0.25 },
  ])
})

t.test('stores are compared by their rate alone', async (t) => {
  const measured = [store('troupe-wal', 900), store('hashicorp-boltdb', 300)]
  t.match(summariesOf(measured)[0], { load: 'StoreLogs 64 x 256 B', p50_ms: null, rss_mb: null })
  t.match(ratiosOf(measured), [{ part: 'store', ops_s_ratio: 3, p50_ratio: null }])
})
