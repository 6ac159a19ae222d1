import t from 'tap'
import { ConsensusBench, initOf } from './support/consensus-bench.js'

function settingsOf(bench: ConsensusBench) {
  const { core, snapshots, tickMs, maxApplyBytes, maxApplyLagBytes } = initOf(3)
  void bench
  return { core, snapshots, tickMs, maxApplyBytes, maxApplyLagBytes }
}

t.test('a follower with long timeouts campaigns soon after shorter ones were told', async (t) => {
  const bench = new ConsensusBench(initOf(3))
  bench.tell({ kind: 'fsmReady', life: 1, lastApplied: 1 })
  bench.pass(100)
  const settings = settingsOf(bench)
  const core = { ...settings.core, heartbeatTimeoutMs: 50, electionTimeoutMs: 50 }
  bench.tell({ kind: 'reload', id: 4, settings: { ...settings, core, tickMs: 5 } })
  t.same(bench.node.take('reloaded'), [{ kind: 'reloaded', id: 4 }])
  bench.pass(100)
  t.equal(bench.status.role, 'candidate')
})

t.test('the snapshot policy follows at once, the running interval with it', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  bench.propose(5)
  bench.flush()
  bench.apply()
  bench.pass(5000)
  t.same(bench.fsm.take('takeSnapshot'), [])
  const settings = settingsOf(bench)
  const snapshots = { ...settings.snapshots, snapshotIntervalMs: 100, snapshotThreshold: 5 }
  bench.tell({ kind: 'reload', id: 1, settings: { ...settings, snapshots } })
  bench.pass(200)
  t.equal(bench.fsm.take('takeSnapshot').length, 1)
})

t.test('the lag that refuses proposals follows with the next one', async (t) => {
  const bench = ConsensusBench.leadingAlone()
  bench.propose(1, 900)
  bench.flush()
  bench.tell({ kind: 'reload', id: 1, settings: { ...settingsOf(bench), maxApplyLagBytes: 500 } })
  const proposal = bench.propose()
  t.match(bench.node.take('proposalFailed'), [{ proposal, reason: 'overloaded' }])
})
