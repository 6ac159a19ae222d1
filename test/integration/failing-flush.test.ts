import t from 'tap'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** S5, S15: a flush that fails, once or for ever, ends the node: nothing is said, nothing is tried again. */

const module = new URL('../fixtures/stores/failing-store.js', import.meta.url)
const timeoutMs = 20_000
const config = { heartbeatTimeoutMs: 800 }

/** A cluster each of whose nodes has a device that a test can break: 1 for ever, 2 for one flush. */
async function breakable(t: Parameters<typeof TcpCluster.start>[0]) {
  const words = new Map<string, Int32Array>()
  const cluster = await TcpCluster.start(t, {
    config,
    options: (id) => {
      const broken = words.get(id)?.buffer ?? new SharedArrayBuffer(4)
      words.set(id, new Int32Array(broken))
      return { store: { module, options: { broken } } }
    },
  })
  const set = (node: RaftNode, value: 0 | 1 | 2) =>
    Atomics.store(words.get(node.id) as Int32Array, 0, value)
  return { cluster, set }
}

const failed = { reason: 'failed', error: { code: 'RAFT_STORE_FAILED', message: /EIO/ } }

t.test('one flush of a follower fails: it ends, the others go on, it comes back', async (t) => {
  const { cluster, set } = await breakable(t)
  const leader = await cluster.leader()
  const [follower] = (await cluster.followers()) as readonly [RaftNode]
  set(follower, 2)
  const acknowledged = await leader.apply(Buffer.from('a'), { timeoutMs })
  t.match(await follower.closed, failed, 'although the next flush would have worked')
  const { index } = await leader.apply(Buffer.from('b'), { timeoutMs })
  t.ok(index > acknowledged.index)
  await cluster.stop(follower.id)
  const back = await cluster.start(follower.id)
  await back.waitFor({ applied: index }, { timeoutMs })
  t.equal((await back.query('length' as never, { timeoutMs })).result, 2)
})

t.test('every flush of the leader fails: no acknowledgement, and another leads', async (t) => {
  const { cluster, set } = await breakable(t)
  const leader = await cluster.leader()
  set(leader, 1)
  const calls = Array.from({ length: 20 }, (_, n) => leader.apply(Buffer.from(`${n}`)))
  const ends = Promise.allSettled(calls)
  t.match(await leader.closed, failed)
  // What the other two have flushed is committed without the leader's own disk.
  const lost = (await ends).filter((end) => end.status === 'rejected')
  for (const { reason } of lost) {
    t.match(reason, { code: 'RAFT_STORE_FAILED', outcome: /^(unknown|rejected)$/ })
  }
  await cluster.stop(leader.id)
  await (await cluster.leader()).apply(Buffer.from('goes on'), { timeoutMs })
  const still = await cluster.start(leader.id)
  t.match(await still.closed, failed, 'with its first entry, as long as the device is broken')
  await cluster.stop(leader.id)
  set(leader, 0)
  const back = await cluster.start(leader.id)
  const acknowledged = calls.length - lost.length
  const { index } = await back.apply(Buffer.from('whole'), { forward: true, timeoutMs })
  const counts = await Promise.all(
    cluster.nodes.map(async (node) => {
      const options = { consistency: 'stale', minIndex: index, timeoutMs } as const
      return (await node.query('length' as never, options)).result
    }),
  )
  t.equal(new Set(counts).size, 1, `all have the same: ${counts}`)
  t.ok(Number(counts[0]) >= acknowledged + 2, 'and all that was acknowledged')
})
