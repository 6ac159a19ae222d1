import t from 'tap'
import { ConsensusBench, initOf, logOf, present } from './support/consensus-bench.js'

const { configurations } = initOf(3).log
const restarted = initOf(3, { log: logOf(10, { configurations }) })

t.test('a follower that replaces what it holds reads only the rest from the store', async (t) => {
  const bench = new ConsensusBench(restarted)
  bench.tell({ kind: 'fsmReady', life: 1, lastApplied: null })
  // S5: the read takes the control lane and may overtake the truncation in the log actor's mailbox.
  bench.append({ leaderCommit: 8 }, [bench.batch(8, 2, { prevTerm: 1 })])
  t.equal(present(bench.log.take('truncate')[0]).fromIndex, 8)
  t.match(bench.log.take('read'), [{ fromIndex: 1, toIndex: 7 }])
})

t.test('a leader feeds no follower from the store what its log holds in memory', async (t) => {
  const bench = new ConsensusBench(restarted)
  bench.append({}, [bench.batch(8, 2, { prevTerm: 1 })])
  bench.startReplicator('n3')
  bench.pass(3000)
  bench.flush()
  bench.vote('n3')
  t.equal(bench.status.role, 'leader')
  const feed = { peer: 'n3', term: bench.term, feed: 1, fromIndex: 5, creditBytes: 10_000 }
  bench.tell({ kind: 'feed', ...feed })
  t.match(bench.log.take('read'), [{ fromIndex: 5, toIndex: 7 }])
})
