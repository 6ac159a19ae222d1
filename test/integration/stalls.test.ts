import t from 'tap'
import type { NodeProcess } from './support/processes.js'
import { type Processes, startProcesses } from './support/processes.js'

/** S9, S11: a blocked thread or a hung disk of a few seconds is nobody's reason for an election. */

const config = { heartbeatTimeoutMs: 1000 }

/** Until all followers answer the leader: a node that has just started may still be missed. */
async function answered(leader: NodeProcess): Promise<void> {
  while ((await leader.call({ kind: 'answering' })) !== 2);
}

async function quiet(t: Tap, cluster: Processes, trouble: () => Promise<void>): Promise<void> {
  const before = await Promise.all(cluster.nodes.map((node) => node.status()))
  await trouble()
  const leader = await cluster.leader()
  await leader.call({ kind: 'apply', count: 100, bytes: 64 })
  const after = await Promise.all(cluster.nodes.map((node) => node.status()))
  after.forEach((status, i) => {
    const id = cluster.nodes[i]?.id
    t.equal(status.term, before[i]?.term, `${id} keeps its term`)
    t.equal(status.leader, before[i]?.leader, `${id} keeps its leader`)
    t.equal(status.preVotes, before[i]?.preVotes, `${id} saw no pre-vote`)
    t.equal(status.connectionsLost, before[i]?.connectionsLost, `${id} lost no connection`)
    t.same(status.stateChanges, before[i]?.stateChanges, `${id} changed no role`)
  })
}

type Tap = Pick<typeof t, 'equal' | 'same'>

async function follower(cluster: Processes): Promise<NodeProcess> {
  const [first] = await cluster.followers()
  if (first === undefined) throw new Error('a cluster of three has followers')
  return first
}

t.test('stalls shorter than leaderStallTimeoutMs cause no election', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  const leader = await cluster.leader()
  await answered(leader)
  await t.test('the main thread of a follower is blocked for 2 s', async (t) => {
    const node = await follower(cluster)
    await quiet(t, cluster, async () => {
      await node.call({ kind: 'blockMain', ms: 2000 })
    })
  })
  await t.test('the main thread of the leader is blocked for 2 s', async (t) => {
    await quiet(t, cluster, async () => {
      await leader.call({ kind: 'blockMain', ms: 2000 })
    })
  })
  await t.test("a flush of a follower's store hangs for 3 s", async (t) => {
    const node = await follower(cluster)
    await quiet(t, cluster, async () => {
      await node.call({ kind: 'stallStore', ms: 3000 })
      await leader.call({ kind: 'apply', count: 10, bytes: 64 })
    })
  })
  await t.test("a flush of the leader's store hangs for 3 s", async (t) => {
    await quiet(t, cluster, async () => {
      await leader.call({ kind: 'stallStore', ms: 3000 })
      await leader.call({ kind: 'apply', count: 10, bytes: 64 })
    })
  })
})

t.test("the leader's store hangs for 3 s while a follower catches up", async (t) => {
  const cluster = await startProcesses({
    // A process is started beside it, which takes both processors for a while.
    ...config,
    tailMaxBytes: 1024 * 1024,
    maxEntryBytes: 64 * 1024,
  })
  t.teardown(() => cluster.close())
  const leader = await cluster.leader()
  const node = await follower(cluster)
  await node.kill()
  await leader.call({ kind: 'apply', count: 4000, bytes: 1024 })
  await leader.call({ kind: 'stallStore', ms: 3000 })
  const before = await leader.status()
  await node.start()
  for (let status = await node.status(); status.appliedIndex < before.commitIndex; ) {
    status = await node.status()
  }
  const after = await leader.status()
  t.equal(after.term, before.term, 'the term is the same')
  t.same(after.stateChanges, before.stateChanges, 'the leader still leads')
})

t.test('a leader blocked past leaderStallTimeoutMs is followed by another', async (t) => {
  const cluster = await startProcesses({ ...config, leaderStallTimeoutMs: 1000 })
  t.teardown(() => cluster.close())
  const old = await cluster.leader()
  const { term } = await old.status()
  const others = cluster.nodes.filter((node) => node !== old)
  const blocked = old.call({ kind: 'blockMain', ms: 3000 })
  let successor: NodeProcess | undefined
  while (successor === undefined) {
    for (const node of others) {
      const status = await node.status()
      if (status.state === 'leader' && status.term > term) successor = node
    }
  }
  await successor.call({ kind: 'apply', count: 1, bytes: 8 })
  t.pass('a new leader commits while the old one is blocked')
  const read = old.call({ kind: 'leaseRead' })
  await blocked
  const { stateChanges } = await old.status()
  t.match(stateChanges.at(-1), /^follower/, 'on waking the old leader steps down')
  const answer = await read.then(
    (index) => `answered at ${String(index)}`,
    (error: { code?: string }) => error.code,
  )
  t.not(answer, `answered at ${(await old.status()).commitIndex - 1}`, 'and serves no stale read')
})
