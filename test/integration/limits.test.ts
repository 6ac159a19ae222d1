import { randomFillSync } from 'node:crypto'
import t from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { type Digest, digestOf } from '../fixtures/machines/digests.js'
import { errorOf, fateOf } from '../node/fixtures/callers.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** S18: what is too much is refused, and nothing else suffers. */

const KIB = 1024
const digests = () => stateMachine(new URL('../fixtures/machines/digests.js', import.meta.url))
const random = (bytes: number): Uint8Array => randomFillSync(new Uint8Array(bytes))

async function digestsOf(node: RaftNode): Promise<readonly Digest[]> {
  return (await node.query('all' as never)).result as readonly Digest[]
}

t.test('values up to maxEntryBytes are replicated whole; one byte more is refused', async (t) => {
  const maxEntryBytes = 2048 * KIB
  const cluster = await TcpCluster.start(t, { config: { maxEntryBytes }, stateMachine: digests })
  const leader = await cluster.leader()
  const [follower = leader] = await cluster.followers()
  const written: Digest[] = []
  for (const bytes of [0, 64 * KIB, 1024 * KIB, maxEntryBytes]) {
    for (const node of [leader, follower]) {
      const value = random(bytes)
      written.push(digestOf(value))
      t.match(await node.apply(value, { forward: true }), { result: digestOf(value) }, `${bytes} B`)
    }
  }
  // One byte over, and more than a frame of the transport can carry.
  for (const size of [maxEntryBytes + 1, 17 * 1024 * KIB]) {
    const over = new Uint8Array(size)
    for (const node of [leader, follower]) {
      const refusal = {
        code: 'RAFT_ENTRY_TOO_LARGE',
        outcome: 'rejected',
        retryable: false,
        details: { size, limit: 'maxEntryBytes', most: maxEntryBytes },
      }
      t.match(await errorOf(node.apply(over, { forward: true })), refusal)
      t.match(await errorOf(node.applyBatch([over], { forward: true })), refusal)
    }
  }
  for (const node of cluster.nodes) t.same(await digestsOf(node), written, `${node.id} has all`)
  await cluster.close()
  await cluster.startAll()
  for (const node of cluster.nodes) t.same(await digestsOf(node), written, 'after a restart too')
})

t.test('many large values at once go through, in order', async (t) => {
  const cluster = await TcpCluster.start(t, { stateMachine: digests })
  const leader = await cluster.leader()
  const values = Array.from({ length: 24 }, (_, i) => random((i % 3) * 512 * KIB + i))
  const applied = await Promise.all(values.map((value) => leader.apply(value)))
  t.same(
    applied.map(({ result }) => result),
    values.map(digestOf),
  )
  for (const node of cluster.nodes) t.same(await digestsOf(node), values.map(digestOf))
})

const small = {
  maxEntryBytes: 64 * KIB,
  maxBatchBytes: 64 * KIB,
  maxBatchEntries: 100,
  maxPendingBytes: 512 * KIB,
  maxPendingEntries: 200,
}

const queues = [
  { full: 'by count', bytes: 10, fit: small.maxPendingEntries },
  { full: 'by bytes', bytes: 32 * KIB, fit: small.maxPendingBytes / (32 * KIB) },
]

t.test(
  'a full queue refuses what is too much, at once, and is open again when it is empty',
  async (t) => {
    const cluster = await TcpCluster.start(t, { config: small })
    const leader = await cluster.leader()
    const [follower = leader] = await cluster.followers()
    for (const { full, bytes, fit } of queues) {
      for (const [node, forward] of [
        [leader, false],
        [follower, true],
      ] as const) {
        const { refusedForLoad } = node.stats()
        const calls = Array.from({ length: fit + 5 }, () =>
          node.apply(new Uint8Array(bytes), { forward }),
        )
        const settled = await Promise.allSettled(calls)
        const applied = settled.filter(({ status }) => status === 'fulfilled').length
        t.equal(applied, fit, `${full}, on ${node.id}: what fits is applied`)
        for (const result of settled.slice(fit)) {
          const { reason } = result as PromiseRejectedResult
          t.match(reason, { code: 'RAFT_OVERLOADED', outcome: 'rejected', retryable: true })
        }
        t.equal(node.stats().refusedForLoad, refusedForLoad + 5)
        t.match(node.stats(), { pendingEntries: 0, pendingBytes: 0 })
        t.type((await node.apply(new Uint8Array(bytes), { forward })).index, 'number')
      }
    }
  },
)

t.test('a batch of more entries or bytes than fit into one is refused', async (t) => {
  const cluster = await TcpCluster.start(t, { config: small, nodes: 1 })
  const leader = await cluster.leader()
  const many = Array.from({ length: small.maxBatchEntries + 1 }, () => new Uint8Array(1))
  const large = [new Uint8Array(40 * KIB), new Uint8Array(40 * KIB)]
  for (const batch of [many, large]) {
    t.equal(await fateOf(leader.applyBatch(batch)), 'RAFT_ENTRY_TOO_LARGE rejected')
  }
  const { firstIndex, results } = await leader.applyBatch(many.slice(1))
  t.equal(results.length, small.maxBatchEntries)
  t.equal((await leader.barrier()) - firstIndex, small.maxBatchEntries)
})
