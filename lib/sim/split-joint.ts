import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { NodeId } from '../core/types.js'
import type { Trouble } from './trouble.js'
import { majority, votersIn } from './voters.js'

/**
 * Raft §6: as soon as a leader has a joint configuration, it is left with a quorum of the new voters alone, and
 * a quorum of the old ones is left to itself. Neither is enough.
 */
export class SplitJoint {
  readonly #of: Trouble

  constructor(trouble: Trouble) {
    this.#of = trouble
  }

  begin(): void {
    this.#of.cluster.view.atNextJoint((leader, status) => {
      if (this.#of.active) this.#split(leader, status)
    })
  }

  #split(leader: NodeId, { configuration }: ConsensusStatus): void {
    const { cluster, slowness, totals } = this.#of
    const { outgoing = [] } = configuration.configuration
    const before = outgoing.map(({ id }) => id)
    const after = votersIn(configuration.configuration)
    const least = (id: NodeId): number => (id === leader ? 0 : before.includes(id) ? 2 : 1)
    const kept = [...after].sort((a, b) => least(a) - least(b)).slice(0, majority(after))
    const left = before.filter((id) => !kept.includes(id))
    if (!kept.includes(leader) || left.length < majority(before)) return
    totals.splitJoints++
    this.#of.splitOff(cluster.nodes.filter(({ id }) => kept.includes(id)))
    this.#of.later((1000 + this.#of.random(2000)) * slowness, () => cluster.network.heal())
  }
}
