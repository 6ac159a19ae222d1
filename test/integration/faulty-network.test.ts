import t, { type Test } from 'tap'
import { FaultyNetwork } from './support/faulty-network.js'
import { type NodeProcess, type Processes, startProcesses } from './support/processes.js'
import { SessionStream } from './support/session-stream.js'

/** Proxies between real processes that cut, swallow, hold up one way, and delay. */

const config = { heartbeatTimeoutMs: 800 }

interface Stage extends Processes {
  readonly network: FaultyNetwork
  readonly old: NodeProcess
  readonly others: readonly NodeProcess[]
  readonly term: number
}

const idsOf = (nodes: readonly NodeProcess[]): readonly string[] => nodes.map(({ id }) => id)

/** The same three processes for every fault; each begins and ends with a cluster that is whole. */
async function stage(cluster: Processes, network: FaultyNetwork): Promise<Stage> {
  const old = await cluster.leader()
  const others = cluster.nodes.filter((node) => node !== old)
  return { ...cluster, network, old, others, term: (await old.status()).term }
}

async function until(
  node: NodeProcess,
  is: (s: Awaited<ReturnType<NodeProcess['status']>>) => boolean,
) {
  for (;;) {
    const status = await node.status()
    if (is(status)) return status
  }
}

/** One of the others leads and commits; the former leader knows that it does not. */
async function replaced(t: Test, { old, others, term }: Stage): Promise<void> {
  const stream = new SessionStream(others[0] as NodeProcess)
  await stream.more(80)
  await stream.stop()
  t.same(new Set(stream.ends), new Set(['applied']), 'the others go on')
  await until(old, ({ state }) => state !== 'leader')
  const reads = (['lease', 'linearizable'] as const).map((consistency) =>
    old.call({ kind: 'read', consistency }).catch(({ code }: { code: string }) => code),
  )
  for (const texts of await Promise.all(reads)) {
    if (Array.isArray(texts)) t.ok(stream.sent.every((text) => texts.includes(text)))
    else t.match(texts, /^RAFT_/, 'it serves no stale read')
  }
  t.ok((await (others[0] as NodeProcess).status()).term > term)
}

/** Whole again, they agree, and who was away has not campaigned all the while. */
async function healed(t: Test, { network, nodes, leader, others }: Stage): Promise<void> {
  const { term } = await (others[0] as NodeProcess).status()
  network.heal()
  const now = await leader()
  const index = Number(await now.call({ kind: 'write', text: 'healed' }))
  for (const node of nodes) await until(node, ({ appliedIndex }) => appliedIndex >= index)
  // On a machine that is busy with other things one more election may come by itself.
  t.ok((await now.status()).term <= term + 1, 'the term has not run away meanwhile')
  const [first, ...rest] = await Promise.all(nodes.map((node) => node.call({ kind: 'texts' })))
  for (const texts of rest) t.same(texts, first, 'all have the same')
}

const network = new FaultyNetwork()
const cluster = await startProcesses(config, network)
t.teardown(() => cluster.close())

t.test('a leader whose connections are cut is replaced', async (t) => {
  const here = await stage(cluster, network)
  network.cut(here.old.id, idsOf(here.others))
  await replaced(t, here)
  await healed(t, here)
})

t.test('so is one whose connections stay and carry nothing: half-open', async (t) => {
  const here = await stage(cluster, network)
  network.silence([here.old.id], idsOf(here.others))
  network.silence(idsOf(here.others), [here.old.id])
  await replaced(t, here)
  await healed(t, here)
})

t.test('and one that is heard, and hears nobody: cut one way', async (t) => {
  const here = await stage(cluster, network)
  network.silence(idsOf(here.others), [here.old.id])
  await replaced(t, here)
  await healed(t, here)
})

t.test('a follower that is heard, and hears nobody, unseats no leader', async (t) => {
  const here = await stage(cluster, network)
  const [deaf] = here.others as readonly [NodeProcess]
  const { preVotes } = await here.old.status()
  network.silence(idsOf(cluster.nodes), [deaf.id])
  await until(deaf, ({ leader }) => leader === null)
  await until(here.old, (status) => status.preVotes > preVotes)
  await here.old.call({ kind: 'apply', count: 100, bytes: 64 })
  t.equal((await here.old.status()).term, here.term, 'asked for pre-votes, the others refuse')
  await healed(t, here)
  t.equal((await here.old.status()).state, 'leader')
})

t.test('where everything is 40 ms late commands take longer, and nobody campaigns', async (t) => {
  const here = await stage(cluster, network)
  network.delay(40)
  for (let n = 0; n < 10; n++) await here.old.call({ kind: 'apply', count: 50, bytes: 64 })
  await healed(t, here)
  t.equal((await here.old.status()).term, here.term)
})
