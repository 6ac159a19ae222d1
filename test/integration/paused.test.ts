import t, { type Test } from 'tap'
import { type NodeProcess, type Processes, startProcesses } from './support/processes.js'

/** A process that stands still for longer than an election timeout, as in a paused machine (SIGSTOP). */

const config = { heartbeatTimeoutMs: 800 }

/** How a call ended: its value, or the code of its error. */
async function endOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch(({ code }: { code?: string }) => code ?? 'failed')
}

/** The first of `nodes` that leads a later term and commits. */
async function successor(nodes: readonly NodeProcess[], term: number): Promise<NodeProcess> {
  for (;;) {
    for (const node of nodes) {
      const status = await node.status()
      if (status.state === 'leader' && status.term > term) return node
    }
  }
}

async function paused({ nodes, leader }: Processes): Promise<readonly [NodeProcess, NodeProcess]> {
  const old = await leader()
  const { term } = await old.status()
  old.pause()
  return [
    old,
    await successor(
      nodes.filter((node) => node !== old),
      term,
    ),
  ]
}

/** Read at the very moment at which the former leader goes on: its lease, if it believed in one, is over. */
async function probe(t: Test, cluster: Processes, round: number): Promise<void> {
  const [old, leader] = await paused(cluster)
  const text = `written without it ${round}`
  await leader.call({ kind: 'write', text })
  // Asked while it stands still: what is first in its mailboxes when it wakes.
  const lease = endOf(old.call({ kind: 'read', consistency: 'lease' }))
  const linearizable = endOf(old.call({ kind: 'read', consistency: 'linearizable' }))
  const write = endOf(old.call({ kind: 'write', text: `late ${round}` }))
  old.resume()
  for (const [what, read] of [
    ['lease', await lease],
    ['linearizable', await linearizable],
  ] as const) {
    if (Array.isArray(read)) t.ok(read.includes(text), `a ${what} read sees what came meanwhile`)
    else t.match(read, /^RAFT_/, `a ${what} read is refused`)
  }
  t.match(await write, /^RAFT_/, 'its command is not acknowledged')
  t.match((await old.status()).stateChanges.at(-1), /^follower/, 'it leads no more')
  const after = (await old.call({ kind: 'texts' })) as readonly string[]
  t.ok(after.includes(text), 'it follows, and has all')
}

t.test('a leader that was paused serves no stale read when it goes on', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (let round = 1; round <= 3; round++) await probe(t, cluster, round)
})

t.test('a follower that was paused comes back without an election', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  const leader = await cluster.leader()
  const [node] = await cluster.followers()
  if (node === undefined) throw new Error('a cluster of three has followers')
  const { term } = await leader.status()
  node.pause()
  const { commitIndex } = await leader.status()
  // Each waits for a flush on two nodes; some hundred of them take longer than an election timeout.
  const since = performance.now()
  while (performance.now() - since < 4 * config.heartbeatTimeoutMs) {
    await leader.call({ kind: 'apply', count: 20, bytes: 100 })
  }
  node.resume()
  for (let now = await node.status(); now.appliedIndex <= commitIndex; ) now = await node.status()
  const index = await leader.call({ kind: 'write', text: 'after' })
  for (let now = await node.status(); now.appliedIndex < Number(index); ) now = await node.status()
  t.equal((await leader.status()).term, term, 'the term is the same')
  t.equal((await node.status()).leader, (await leader.status()).leader)
})
