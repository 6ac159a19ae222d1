import t from 'tap'
import { planNodes } from '../../lib/cli/dev-plan.js'
import { runnableLine } from '../../lib/cli/runnable.js'

t.test('node i listens on base + i and is told of all others', async (t) => {
  const plans = planNodes({ nodes: 2, store: 'lmdb', dir: 'd', httpPort: 8700, raftPort: 7700 })
  t.match(plans, [
    { id: 'n1', http: '127.0.0.1:8701', raft: '127.0.0.1:7701' },
    { id: 'n2', http: '127.0.0.1:8702', raft: '127.0.0.1:7702' },
  ])
  t.equal(
    plans[1]?.serveArgs.join(' '),
    'serve --cluster dev --id n2 --raft 127.0.0.1:7702 --http 127.0.0.1:8702 --dir d/n2 --store lmdb --bootstrap n1=127.0.0.1:7701@http://127.0.0.1:8701,n2=127.0.0.1:7702@http://127.0.0.1:8702 --heartbeat-timeout-ms 500',
  )
})

t.test('a printed line survives a shell', async (t) => {
  const line = runnableLine(['serve', '--dir', "it's here/n1", '--raft', '[::1]:1'])
  t.match(line, / serve --dir 'it'\\''s here\/n1' --raft '\[::1\]:1'$/)
})
