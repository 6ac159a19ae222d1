import t, { type Test } from 'tap'
import type { Command } from '../../lib/examples/lmdb-table.js'
import { jsonCodec, stateMachine } from '../../lib/index.js'
import { startTestCluster } from '../../lib/node/testing.js'

const module = new URL('../../lib/examples/lmdb-table.js', import.meta.url)

const table = () =>
  stateMachine<typeof import('../../lib/examples/lmdb-table.js')>(
    module,
    {},
    { codec: jsonCodec<Command>() },
  )

/** Each node keeps its table in a directory of its own; n4 starts empty and waits to be added. */
async function tables(t: Test, config = {}) {
  const root = t.testdir()
  const cluster = await startTestCluster({
    stateMachine: table,
    config: { heartbeatTimeoutMs: 800, ...config },
    options: (id) => ({
      dataDir: `${root}/${id}`,
      ...(id === 'n4' && { bootstrap: undefined }),
    }),
  })
  t.teardown(() => cluster.close())
  return cluster
}

t.test('a table on disk is there at once when its node starts again', async (t) => {
  const cluster = await tables(t)
  const leader = await cluster.leader()
  t.match(await leader.apply({ set: 'a', to: '1' }), { result: null })
  t.match(await leader.apply({ set: 'a', to: '2' }), { result: '1' })
  const { index } = await leader.apply({ delete: 'b' })
  // Whoever leads goes on; the command below is for it.
  const id = leader.id === 'n3' ? 'n2' : 'n3'
  await cluster.stop(id)
  const again = await cluster.start(id)
  await again.waitFor({ applied: index })
  t.equal(await again.queries().get('a'), '2')
  t.match(await leader.apply({ set: 'a', to: '3' }), { result: '2' })
})

t.test('a new node takes the table from a snapshot, and goes on after it', async (t) => {
  const cluster = await tables(t, { trailingLogEntries: 0 })
  const leader = await cluster.leader()
  const commands = Array.from({ length: 2500 }, (_, i) => ({ set: `k${i}`, to: text(i) }))
  await leader.applyBatch(commands)
  await leader.snapshot()
  const fresh = await cluster.start('n4')
  await leader.addVoter('n4', 'n4')
  const { index } = await leader.apply({ set: 'last', to: 'one' })
  await fresh.waitFor({ applied: index })
  t.equal(await fresh.queries({ consistency: 'stale' }).count(), 2501)
  t.equal(await fresh.queries({ consistency: 'stale' }).get('k2499'), text(2499))
})

function text(i: number): string {
  return `value of ${i}`
}
