import t from 'tap'
import { LagMeter } from '../../../actors/consensus/lag-meter.js'
import { ConsensusBench } from './support/consensus-bench.js'

t.test('bytes count from the commit to the apply', async (t) => {
  const lag = new LagMeter()
  lag.appended(5, 100_000)
  lag.appended(9, 70_000)
  t.equal(lag.bytes, 0, 'what is not committed does not lag')
  lag.committed(5)
  t.equal(lag.bytes, 100_000)
  lag.committed(9)
  t.equal(lag.bytes, 170_000)
  lag.applied(8)
  t.equal(lag.bytes, 70_000)
  lag.applied(9)
  t.equal(lag.bytes, 0)
})

t.test('a truncation takes what was not committed, a snapshot everything', async (t) => {
  const lag = new LagMeter()
  lag.appended(5, 100_000)
  lag.committed(5)
  lag.appended(9, 70_000)
  lag.truncated(6)
  lag.committed(9)
  t.equal(lag.bytes, 100_000)
  lag.truncated(0)
  t.equal(lag.bytes, 0)
})

t.test('maxApplyLagBytes: past it proposals are refused until it is applied', async (t) => {
  const bench = ConsensusBench.leadingAlone({ maxApplyLagBytes: 1000 })
  const first = bench.propose(1, 900)
  bench.flush()
  const second = bench.propose(1, 900)
  bench.flush()
  t.match(bench.node.take('proposalAccepted'), [{ proposal: first }, { proposal: second }])
  const third = bench.propose(1, 10)
  const refused = { proposal: third, reason: 'overloaded', outcome: 'rejected' }
  t.match(bench.node.take('proposalFailed'), [refused])
  t.ok((bench.node.take('status').at(-1)?.status.applyLagBytes ?? 0) > 1800)
  bench.apply()
  const fourth = bench.propose(1, 10)
  t.match(bench.node.take('proposalAccepted'), [{ proposal: fourth }])
})

t.test('what waits for a quorum is no lag of the state machine', async (t) => {
  const bench = ConsensusBench.leading({ maxApplyLagBytes: 1000 })
  for (let i = 0; i < 3; i++) bench.propose(1, 900)
  bench.flush()
  t.equal(bench.node.take('proposalAccepted').length, 3)
  t.strictSame(bench.node.take('proposalFailed'), [])
})
