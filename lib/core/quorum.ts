import type { Configuration, NodeId, Server } from './types.js'

/**
 * Majority arithmetic. While a configuration is joint everything needs a majority of the new voters and
 * a majority of the outgoing ones (Raft §6); each distinct voter counts once (S3).
 */
export function votersOf(configuration: Configuration): readonly NodeId[] {
  const voters: NodeId[] = []
  for (const server of configuration.servers) {
    if (server.suffrage === 'voter') voters.push(server.id)
  }
  return voters
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  if (configuration.outgoing?.some((server) => server.id === id) === true) return true
  return configuration.servers.some((server) => server.id === id && server.suffrage === 'voter')
}

/** Everyone who is replicated to: the servers, and outgoing voters that are not among them. */
export function membersOf({ servers, outgoing = [] }: Configuration): readonly Server[] {
  if (outgoing.length === 0) return servers
  const ids = new Set(servers.map((server) => server.id))
  return [...servers, ...outgoing.filter((server) => !ids.has(server.id))]
}

export function isMember(configuration: Configuration, id: NodeId): boolean {
  return membersOf(configuration).some((server) => server.id === id)
}

/** True when the voters for which `holds` is true form a quorum. */
export function hasQuorum(configuration: Configuration, holds: (id: NodeId) => boolean): boolean {
  return halves(configuration).every(
    (half) => half.length > 0 && half.filter(holds).length >= majority(half.length),
  )
}

/**
 * The largest number that a quorum has reached: with matchIndex as `reached` it is what may be
 * committed (Raft §5.3), with the times of acknowledgements it is the quorum-th newest (S10).
 */
export function quorumReached(
  configuration: Configuration,
  reached: (id: NodeId) => number,
): number {
  let least = Number.POSITIVE_INFINITY
  for (const half of halves(configuration)) {
    if (half.length === 0) return Number.NEGATIVE_INFINITY
    const sorted = half.map(reached).sort((a, b) => b - a)
    least = Math.min(least, sorted[majority(half.length) - 1] as number)
  }
  return least
}

export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1
}

function halves(configuration: Configuration): readonly (readonly NodeId[])[] {
  const incoming = votersOf(configuration)
  const { outgoing } = configuration
  return outgoing === undefined ? [incoming] : [incoming, outgoing.map((server) => server.id)]
}
