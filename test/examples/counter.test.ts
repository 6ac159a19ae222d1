import t from 'tap'
import type { Command } from '../../lib/examples/counter.js'
import { isRaftError, jsonCodec, stateMachine } from '../../lib/index.js'
import { startTestCluster } from '../../lib/node/testing.js'

const module = new URL('../../lib/examples/counter.js', import.meta.url)

t.test('a state machine of one’s own counts, refuses and answers on every node', async (t) => {
  const cluster = await startTestCluster({
    stateMachine: () =>
      stateMachine<typeof import('../../lib/examples/counter.js')>(
        module,
        { start: 5 },
        { codec: jsonCodec<Command>() },
      ),
  })
  t.teardown(() => cluster.close())
  const [node] = cluster.nodes
  if (node === undefined) return t.fail('the cluster has nodes')

  t.match(await node.apply({ add: 3 }, { forward: true }), { result: 8 })
  const below = node.apply({ add: -9 }, { forward: true })
  await t.rejects(below, { code: 'RAFT_COMMAND_REJECTED', details: { code: 'BELOW_ZERO' } })
  t.ok(isRaftError(await below.catch((error) => error)))

  for (const other of cluster.nodes) {
    t.equal(await other.queries().total(), 8)
    t.equal(await other.queries().isAtLeast(9), false)
  }
})
