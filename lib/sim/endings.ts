import type { CoreStatus, RaftCore } from '../core/raft-core.js'
import type { SimCluster } from './sim-cluster.js'
import type { SimNode } from './sim-node.js'
import { ConvergenceError } from './violation.js'
import { isQuorum, votersIn } from './voters.js'

/** Longest virtual time until a cluster that can elect a leader has one that serves. */
const ELECTION_MS = 60_000
/** So long each step of a staged ending may take; after that it is let be. */
const STEP_MS = 10_000

/**
 * The faults are over, but for machines that are down: as soon as those that run can make a leader, they must.
 * Others are started, one after the other, until they can.
 * @throws ConvergenceError, SafetyViolation
 */
export async function electWithoutTheRest(cluster: SimCluster): Promise<void> {
  const down = cluster.nodes.filter(({ running }) => !running)
  while (!electable(cluster)) {
    const [next] = down.splice(Math.floor(cluster.scheduler.random() * down.length), 1)
    // Some member is new, or a disk is damaged: all of them together will have to do.
    if (next === undefined) return
    // The operator may have started it meanwhile.
    if (!next.running && !cluster.operator.isRuined(next)) cluster.restart(next)
    await cluster.run(STEP_MS / 10)
  }
  if (down.length > 0) await expectLeader(cluster, down)
}

/**
 * S3: a leader promotes a nonvoter, and dies with as many others as may die, when that nonvoter alone has the new
 * configuration. The others do not know it as a voter and must vote for it: nobody else can be elected.
 * @throws ConvergenceError, SafetyViolation
 */
export async function loseLeaderOfPromotion(cluster: SimCluster): Promise<void> {
  if (!(await settled(cluster))) return
  const promoted = await demoteOne(cluster)
  const leader = cluster.view.leading()?.node
  if (promoted === null || leader === undefined || leader === promoted) return
  const { network, nodes } = cluster
  const others = nodes.filter((node) => node !== leader && node !== promoted)
  for (const { address } of others) network.cut(leader.address, address, 'data')
  const { id, address } = promoted
  cluster.change(leader, { kind: 'addVoter', server: { id, address }, immediate: true }, 0)
  const knows = () => isVoter(cluster.checks.coreOf(id)?.status(), id)
  const known = await reached(cluster, knows)
  const configuration = cluster.checks.coreOf(id)?.status().configuration.configuration
  const voters = configuration === undefined ? 0 : votersIn(configuration).length
  const lost = known ? [leader, ...others.slice(0, Math.floor((voters - 1) / 2) - 1)] : []
  for (const node of lost) if (node.running) cluster.crash(node)
  network.heal()
  if (lost.length > 0 && electable(cluster)) await expectLeader(cluster, lost)
}

/** An even number of voters, and one nonvoter that has the whole log; null: it did not come to that. */
async function demoteOne(cluster: SimCluster): Promise<SimNode | null> {
  const { node: leader, status } = cluster.view.leading() ?? {}
  if (leader === undefined || status === undefined) return null
  const voters = votersIn(status.configuration.configuration)
  const chosen = voters.find((id) => id !== leader.id)
  if (chosen === undefined || voters.length < 3 || voters.length % 2 === 0) return null
  cluster.change(leader, { kind: 'demoteVoter', peer: chosen }, 0)
  const demoted = () => {
    const now = cluster.view.leading()?.status
    return now !== undefined && !isVoter(now, chosen) && cluster.view.converged
  }
  if (!(await reached(cluster, demoted))) return null
  return cluster.nodes.find(({ id }) => id === chosen) ?? null
}

function isVoter(status: Pick<CoreStatus, 'configuration'> | undefined, id: string): boolean {
  return status !== undefined && votersIn(status.configuration.configuration).includes(id)
}

/** Everybody runs, knows the leader and has its log. */
async function settled(cluster: SimCluster): Promise<boolean> {
  for (const node of cluster.view.members()) if (!node.running) cluster.restart(node)
  return reached(cluster, () => cluster.operator.done && cluster.view.converged)
}

async function reached(cluster: SimCluster, condition: () => boolean): Promise<boolean> {
  await cluster.run(STEP_MS, condition)
  return condition()
}

async function expectLeader(cluster: SimCluster, down: readonly SimNode[]): Promise<void> {
  const serves = () => cluster.view.leading()?.status.ready === true
  await cluster.run(ELECTION_MS, serves)
  if (serves()) return
  const missing = down.map(({ id }) => id).join(', ')
  throw new ConvergenceError(
    `no leader after ${ELECTION_MS} ms although only ${missing} are down: ${JSON.stringify(cluster.picture())}`,
  )
}

/** Whether some node that runs would be elected if all that run did what they should (Raft §5.4.1, S3). */
function electable(cluster: SimCluster): boolean {
  if (cluster.nodes.some((node) => node.torn || cluster.operator.isRuined(node))) return false
  const cores = cluster.nodes.flatMap((node) => {
    const core = node.running ? cluster.checks.coreOf(node.id) : undefined
    return core === undefined ? [] : [{ id: node.id, core }]
  })
  return cores.some(({ id, core: candidate }) => {
    const { configuration, uncertain } = candidate.status()
    if (uncertain || !isVoter(candidate.status(), id)) return false
    const votes = cores.filter(({ core }) => core.mayVote && isUpToDate(candidate, core))
    const ids = votes.map((each) => each.id)
    return isQuorum(configuration.configuration, (voter) => ids.includes(voter))
  })
}

function isUpToDate(candidate: RaftCore, voter: RaftCore): boolean {
  const [one, other] = [candidate.status(), voter.status()]
  if (one.lastLogTerm !== other.lastLogTerm) return one.lastLogTerm > other.lastLogTerm
  return one.lastLogIndex >= other.lastLogIndex
}
