import type { Configuration, NodeId } from '../core/types.js'

/**
 * Quorums as the paper has them, reckoned apart from the core so that a mistake there is no mistake here:
 * a majority of the voters, in a joint configuration of the old ones as well.
 */

export function votersIn({ servers }: Configuration): readonly NodeId[] {
  return servers.filter(({ suffrage }) => suffrage === 'voter').map(({ id }) => id)
}

/** The sets of which each must have a majority. */
export function electorates(configuration: Configuration): readonly (readonly NodeId[])[] {
  const { outgoing } = configuration
  const voters = votersIn(configuration)
  return outgoing === undefined ? [voters] : [voters, outgoing.map(({ id }) => id)]
}

export function isQuorum(configuration: Configuration, counts: (id: NodeId) => boolean): boolean {
  return electorates(configuration).every((ids) => 2 * ids.filter(counts).length > ids.length)
}

/** Raft §6: any majority of one and any of the other share a voter. */
export function quorumsMeet(one: Configuration, other: Configuration): boolean {
  return electorates(one).some((a) => electorates(other).some((b) => majoritiesMeet(a, b)))
}

function majoritiesMeet(one: readonly NodeId[], other: readonly NodeId[]): boolean {
  const all = new Set([...one, ...other]).size
  return majority(one) + majority(other) > all
}

export function majority(ids: readonly NodeId[]): number {
  return Math.floor(ids.length / 2) + 1
}
