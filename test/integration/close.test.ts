import { rm } from 'node:fs/promises'
import t from 'tap'
import type { Outcome, RaftErrorCode } from '../../lib/node/error-codes.js'
import { isRaftError } from '../../lib/node/errors.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { now } from '../../lib/runtime/clock.js'
import { bindable, busy, turn } from './support/leftovers.js'
import { logOnDisk } from './support/logs-on-disk.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** All of them with TROUPE_LONG=1. */
const ROUNDS = process.env.TROUPE_LONG === '1' ? 50 : 4
const PROPOSALS = 1000
const BURST = 50

type Scenario = (cluster: TcpCluster, round: number) => Promise<readonly Proposal[]>

interface Proposal {
  readonly text: string
  readonly ended: Promise<'applied' | Outcome>
}

const scenarios: readonly (readonly [name: string, run: Scenario])[] = [
  ['at once', closeAtOnce],
  ['between bursts', closeBetweenBursts],
  ['with forwarded ones', closeForwarding],
  ['handing over leadership', closeWithTransfer],
  ['the leader before the others', closeLeaderFirst],
]

const title = `${ROUNDS} times: closing with 1,000 proposals pending leaves nothing`

t.setTimeout(60_000 * ROUNDS)

t.test(title, async (t) => {
  const cluster = await TcpCluster.make({ config: { heartbeatTimeoutMs: 800 } })
  t.teardown(() => cluster.remove())
  // Once for what the process itself opens and keeps: its thread pool, modules, a library's own file.
  await runRound(cluster, closeAtOnce, 0)
  const before = await busy()
  for (let round = 1; round <= ROUNDS; round++) {
    const [name, scenario] = scenarios[round % scenarios.length] ?? ['', closeAtOnce]
    const begun = now()
    const proposals = await runRound(cluster, scenario, round)
    const took = Math.round(now() - begun)
    t.same(
      await busy(before),
      before,
      `round ${round}, ${name}: no thread, handle or timer is left`,
    )
    t.same(await wrong(cluster, proposals), [], 'and every outcome is true of the logs')
    t.comment(`${await census(proposals)}, in ${took} ms`)
    await rm(cluster.dir, { recursive: true, force: true })
  }
})

async function runRound(
  cluster: TcpCluster,
  scenario: Scenario,
  round: number,
): Promise<readonly Proposal[]> {
  await cluster.startAll()
  const proposals = await scenario(cluster, round)
  await Promise.all(proposals.map(({ ended }) => ended))
  await cluster.close()
  await Promise.all(cluster.members.map(({ address }) => bindable(address)))
  return proposals
}

async function closeAtOnce(cluster: TcpCluster, round: number): Promise<readonly Proposal[]> {
  const leader = await cluster.leader()
  const others = otherCalls(cluster, leader)
  const proposals = propose([leader], round)
  await cluster.close()
  await others
  return proposals
}

async function closeBetweenBursts(
  cluster: TcpCluster,
  round: number,
): Promise<readonly Proposal[]> {
  const leader = await cluster.leader()
  const proposals: Proposal[] = []
  const others = otherCalls(cluster, leader)
  // Bursts, so that proposals of every stage are found: applied, told, and not yet told.
  for (let burst = 0; proposals.length < PROPOSALS; burst++) {
    proposals.push(...propose([leader], round + burst * ROUNDS, BURST))
    await turn()
  }
  await cluster.close()
  await others
  return proposals
}

async function closeForwarding(cluster: TcpCluster, round: number): Promise<readonly Proposal[]> {
  const leader = await cluster.leader()
  const proposals = propose(cluster.nodes, round)
  const others = otherCalls(cluster, leader)
  await proposals[0]?.ended
  proposals.push(...propose(cluster.nodes, round + ROUNDS))
  await turn()
  await cluster.close()
  await others
  return proposals
}

async function closeWithTransfer(cluster: TcpCluster, round: number): Promise<readonly Proposal[]> {
  const leader = await cluster.leader()
  const proposals = propose(cluster.nodes, round)
  await leader.close({ transfer: true })
  await cluster.close()
  return proposals
}

async function closeLeaderFirst(cluster: TcpCluster, round: number): Promise<readonly Proposal[]> {
  const leader = await cluster.leader()
  const proposals = propose([leader], round)
  const others = otherCalls(cluster, leader)
  await turn()
  await leader.close()
  await cluster.close()
  await others
  return proposals
}

/** Turn by turn through the nodes, each command with a text of its own. */
function propose(nodes: readonly RaftNode[], run: number, count = PROPOSALS): Proposal[] {
  return Array.from({ length: count }, (_, i) => {
    const text = `command ${i} of run ${run}`
    const node = nodes[i % nodes.length]
    const applied = node?.apply(Buffer.from(text), { forward: nodes.length > 1 })
    return { text, ended: ending(applied ?? Promise.resolve()) }
  })
}

/** Calls of every other kind, which have to end too; whatever they end with is typed. */
async function otherCalls(cluster: TcpCluster, leader: RaftNode): Promise<void> {
  const calls: Promise<unknown>[] = cluster.nodes.flatMap((node) => [
    node.query('length'),
    node.query('length', { consistency: 'lease' }),
    node.readIndex(),
    node.waitFor({ applied: Number.MAX_SAFE_INTEGER }),
    exhausted(node),
    node.closed,
  ])
  calls.push(leader.barrier(), leader.verifyLeader(), leader.snapshot(), leader.applyBatch([]))
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected' && !isRaftError(result.reason)) throw result.reason
  }
}

async function exhausted(node: RaftNode): Promise<void> {
  for await (const _ of node.events());
}

/** Which outcomes the codes that may come out of a closing node can have. */
const outcomes: Partial<Record<RaftErrorCode, readonly (Outcome | undefined)[]>> = {
  RAFT_CLOSED: ['rejected', 'unknown'],
  RAFT_NOT_LEADER: ['rejected'],
  RAFT_NO_LEADER: ['rejected'],
  RAFT_TRANSFER_IN_PROGRESS: ['rejected'],
  RAFT_LEADERSHIP_LOST: ['unknown'],
  RAFT_TIMEOUT: ['rejected', 'unknown'],
}

async function ending(applied: Promise<unknown>): Promise<'applied' | Outcome> {
  try {
    await applied
    return 'applied'
  } catch (error) {
    if (!isRaftError(error)) throw error
    const { code, outcome } = error
    if (outcome !== undefined && outcomes[code]?.includes(outcome)) return outcome
    throw new Error(`a closing node ends no proposal as ${code} ${outcome}`, { cause: error })
  }
}

async function census(proposals: readonly Proposal[]): Promise<string> {
  const all = await Promise.all(proposals.map(({ ended }) => ended))
  const kinds = ['applied', 'unknown', 'rejected'] as const
  return kinds.map((kind) => `${all.filter((one) => one === kind).length} ${kind}`).join(', ')
}

/** Proposals of which the logs tell another story than their outcome. */
async function wrong(
  cluster: TcpCluster,
  proposals: readonly Proposal[],
): Promise<readonly string[]> {
  const logs = await Promise.all(cluster.members.map(({ id }) => logOnDisk(cluster.dataDir(id))))
  const found: string[] = []
  for (const { text, ended } of proposals) {
    const outcome = await ended
    const copies = logs.filter(({ commands }) => commands.has(text)).length
    const right = outcome === 'applied' ? copies >= 2 : outcome === 'unknown' || copies === 0
    if (!right) found.push(`${text}: ${outcome}, in ${copies} logs`)
  }
  return found
}
