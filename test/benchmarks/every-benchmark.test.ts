import t from 'tap'
import { benchmarks } from '../../benchmarks/benchmarks.js'
import { runCommand } from '../../benchmarks/command.js'

/** Each is run once, as short as it goes: what it measures then means nothing, but all of it works. */
const cheap: Readonly<Record<string, { readonly args: string; readonly figures: string }>> = {
  'replicated-log': {
    args: '--nodes 1 --store wal --seconds 0.1 --warmup 0.1 --inflight 16 --caller fsm,inbound',
    figures: 'ops_s p50_ms p99_ms p999_ms rss_mb flushes_s',
  },
  'fsm-batch': {
    args: '--seconds 0.1 --rounds 1 --inflight 16',
    figures: 'batched_ops_s unbatched_ops_s ratio',
  },
  store: { args: '--store lmdb --seconds 0.01', figures: 'ops_s flushes' },
  actor: {
    args: '--seconds 0.1 --rounds 1 --window 64',
    figures: 'messages_s raw_messages_s round_trip_us raw_round_trip_us',
  },
  isolation: {
    args: '--stall-ms 200 --actor fsm --node follower --nodes 2 --seconds 0.3 --rate 50',
    figures:
      'elections heartbeat_gap_p99_ms heartbeat_gap_max_ms committed_during_stall commit_index_during_stall',
  },
  failover: {
    args: '--runs 1 --store wal --seconds 0.1 --rate 20',
    figures: 'unavailable_p50_ms unavailable_max_ms',
  },
  snapshot: {
    args: '--entries 1200 --nodes 1 --seconds 0.2 --rate 2000',
    figures: 'write_mb_s apply_p99_ms_before apply_p99_ms_during install_mb_s',
  },
  memory: {
    args: '--seconds 0.2 --idle-seconds 0.1 --inflight 16',
    figures: 'idle_rss_mb loaded_rss_mb',
  },
  growth: {
    args: '--entries 1000 --warmup 100 --nodes 1 --inflight 64 --snapshot-interval-ms 50',
    figures: 'first_tenth_ops_s last_tenth_ops_s ratio',
  },
  compare: {
    args: '--only troupe-wal,troupe-lmdb --parts store --rounds 1 --seconds 0.1',
    figures: 'ops_s',
  },
}

t.same(Object.keys(cheap).sort(), Object.keys(benchmarks).sort(), 'every benchmark is here')

for (const [name, { args, figures }] of Object.entries(cheap)) {
  t.test(`${name} runs and prints its figures as numbers`, async (t) => {
    const lines: Record<string, unknown>[] = []
    const errors: string[] = []
    const code = await runCommand([name, ...args.split(' '), '--json', '--dir', t.testdir()], {
      out: (line) => lines.push(JSON.parse(line)),
      err: (text) => errors.push(text),
    })
    t.equal(code, 0, errors.join(''))
    const flags = [...args.matchAll(/--(\S+) (\S+)/g)]
    for (const [, flag = '', value] of flags) {
      t.equal(String(lines[0]?.[flag]), value, `the line has the value of --${flag}`)
    }
    for (const figure of figures.split(' ')) {
      t.type(lines[0]?.[figure], 'number', `${figure} is a number`)
    }
  })
}
