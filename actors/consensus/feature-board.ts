import { type Feature, usableFeatures } from '../../lib/core/features.js'
import { membersOf } from '../../lib/core/quorum.js'
import type { IndexedConfiguration, NodeId } from '../../lib/core/types.js'

/** What each node has announced in its latest handshake, and what all members can do together. */
export class FeatureBoard {
  readonly #announced = new Map<NodeId, readonly string[]>()
  /** Worked out anew only when a handshake or a configuration has changed something. */
  #usable: readonly Feature[] | null = null
  #usableIn: IndexedConfiguration | null = null

  constructor(self: NodeId, own: readonly string[]) {
    this.#announced.set(self, own)
  }

  /** A node that was upgraded, or went back, says so when it connects again. */
  heard(peer: NodeId, features: readonly string[]): void {
    const before = this.#announced.get(peer)
    if (before?.length === features.length && before.every((one, i) => one === features[i])) return
    this.#announced.set(peer, features)
    this.#usable = null
  }

  /** Asked in every turn of consensus, with the configuration that is in use. */
  usable(configuration: IndexedConfiguration): readonly Feature[] {
    if (this.#usable !== null && this.#usableIn === configuration) return this.#usable
    const members = membersOf(configuration.configuration).map(({ id }) => id)
    this.#usableIn = configuration
    this.#usable = usableFeatures(members, this.#announced)
    return this.#usable
  }
}
