import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import type { RaftNodeOptions } from '../../lib/node/options.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { List } from '../fixtures/machines/list.js'
import { errorOf } from '../node/fixtures/callers.js'
import { busy } from './support/leftovers.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** Wherever the actors of a node run, it does the same. */

const config = { heartbeatTimeoutMs: 1000, trailingLogEntries: 10, maxBatchEntries: 50 }

const placements: Readonly<Record<string, Partial<RaftNodeOptions>>> = {
  'all actors on the thread of the program': { threads: 'compact' },
  'consensus on a thread of its own': { threads: { consensus: 'worker' } },
  'consensus on a thread, its neighbours on that of the program': {
    threads: { consensus: 'worker', log: 'caller', inbound: 'caller', snapshot: 'caller' },
  },
  'only the log and the replicators on threads': {
    threads: { fsm: 'caller', inbound: 'caller', snapshot: 'caller' },
  },
  'consensus and the actors with sockets on one thread': { threads: 'shared' },
  'the actors with sockets on one thread': {
    threads: { inbound: 'shared', replicators: 'shared' },
  },
  'a state machine in the program, consensus on a thread': {
    threads: { consensus: 'worker' },
    stateMachine: inlineStateMachine(() => new List()) as RaftNodeOptions['stateMachine'],
  },
}

t.before(async () => {
  // What the process opens once and keeps: its thread pool, LMDB's own files.
  const first = await TcpCluster.make({ nodes: 1, options: () => ({ threads: 'compact' }) })
  await first.startAll()
  await first.remove()
})

for (const [where, options] of Object.entries(placements)) {
  t.test(where, async (t) => {
    const before = await busy()
    const cluster = await TcpCluster.make({ config, options: () => options })
    t.teardown(() => cluster.remove())
    await cluster.startAll()
    await cluster.settle()
    await useAll(t, cluster)
    await cluster.close()
    t.same(await busy(before), before, 'nothing is left')
  })
}

type Tap = Pick<typeof t, 'equal' | 'match' | 'same' | 'ok'>

/** One of everything, through a change of leader, a snapshot for a late follower, and a restart. */
async function useAll(t: Tap, cluster: TcpCluster): Promise<void> {
  const leader = await cluster.leader()
  const [follower, late] = (await cluster.followers()) as readonly [RaftNode, RaftNode]
  await cluster.stop(late.id)
  const bytes = Buffer.from('x')
  await Promise.all(Array.from({ length: 200 }, () => leader.apply(bytes)))
  await Promise.all(Array.from({ length: 200 }, () => follower.apply(bytes, { forward: true })))
  t.equal((await leader.applyBatch([bytes, bytes])).results.length, 2)
  t.ok((await leader.barrier()) <= (await follower.readIndex()))
  t.ok((await leader.snapshot()).index > 400)
  await leader.transferLeadership(follower.id)
  await follower.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
  await leader.waitFor({ leader: follower.id }, { timeoutMs: 10_000 })
  t.match(await errorOf(leader.apply(bytes)), { code: 'RAFT_NOT_LEADER', outcome: 'rejected' })
  await follower.snapshot()
  const { index } = await leader.apply(bytes, { forward: true })
  const again = await cluster.start(late.id)
  await again.waitFor({ applied: index }, { timeoutMs: 20_000 })
  for (const consistency of ['linearizable', 'lease', 'stale'] as const) {
    const minIndex = index
    const answers = await Promise.all(
      cluster.nodes.map((node) => node.query('length' as never, { consistency, minIndex })),
    )
    t.same(
      answers.map(({ result }) => result),
      [403, 403, 403],
      `${consistency} reads`,
    )
  }
  await cluster.close()
  await cluster.startAll()
  await cluster.settle()
  for (const node of cluster.nodes) {
    t.match(await node.query('length' as never), { result: 403 }, `${node.id} after a restart`)
  }
}
