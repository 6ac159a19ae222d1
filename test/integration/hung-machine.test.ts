import t from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import { startTestCluster } from '../../lib/node/testing.js'
import { Gate } from '../fixtures/machines/gated.js'

/** S14: a hung state machine is reported, never terminated: it may be inside a transaction. */

async function start(gate: Gate) {
  const cluster = await startTestCluster({
    nodes: 1,
    stateMachine: () =>
      stateMachine(new URL('../fixtures/machines/gated.js', import.meta.url), gate.memory as never),
    config: { applyStallTimeoutMs: 100, stopTimeoutMs: 100 },
    options: () => ({ threads: 'dedicated' }),
  })
  return { cluster, node: await cluster.leader() }
}

t.test('a machine that hangs is reported, and its results come when it goes on', async (t) => {
  const gate = new Gate()
  const { cluster, node } = await start(gate)
  t.teardown(() => cluster.close())
  gate.shut()
  const reports: unknown[] = []
  const told = new Promise<void>((resolve) => {
    node.on('stateMachine', (event) => {
      reports.push(event.change)
      resolve()
    })
  })
  const applied = node.apply(Buffer.from('hang'), { timeoutMs: 30_000 })
  await told
  t.same(reports, ['stalled'])
  t.equal(node.state, 'leader', 'the node goes on meanwhile')
  gate.open()
  t.match(await applied, { result: 1 })
  await node.barrier()
})

t.test('closing leaves a machine that hangs behind, and it ends by itself later', async (t) => {
  const gate = new Gate()
  const { cluster, node } = await start(gate)
  gate.shut()
  const lost = node.apply(Buffer.from('hang')).catch((error: unknown) => error)
  await gate.inside
  await cluster.close()
  t.match(await lost, { code: 'RAFT_CLOSED', outcome: /committed|unknown/ })
  gate.open()
  await gate.over
  t.pass('its thread was not terminated: it finished what it did and closed in order')
})
