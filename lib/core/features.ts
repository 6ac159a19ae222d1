import type { NodeId } from './types.js'

/**
 * What a release can do that an earlier one could not, and that needs others to be able to: kinds of entries,
 * forms of messages. Nodes announce theirs in each handshake. A name is never given a new meaning.
 *
 * | feature          | what it permits                                                                |
 * | ---------------- | ------------------------------------------------------------------------------ |
 * | `sessions`       | entries of client sessions, and commands marked with an idempotency key        |
 * | `deflatedChunks` | chunks of a snapshot that are sent compressed                                  |
 */
export type Feature = 'sessions' | 'deflatedChunks'

export const FEATURES: readonly Feature[] = ['sessions', 'deflatedChunks']

/**
 * Every release has had it, so a member that was never heard is taken to have it: a cluster that starts
 * with a node down is not held up. Of all other features silence is a no.
 */
const ofEveryRelease: ReadonlySet<Feature> = new Set<Feature>(['sessions'])

/** What may be used: that which all members, of both halves of a joint configuration, have announced. */
export function usableFeatures(
  members: readonly NodeId[],
  announced: ReadonlyMap<NodeId, readonly string[]>,
): readonly Feature[] {
  return FEATURES.filter((feature) =>
    members.every(
      (member) => announced.get(member)?.includes(feature) ?? ofEveryRelease.has(feature),
    ),
  )
}
