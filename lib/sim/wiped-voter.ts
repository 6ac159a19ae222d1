import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { SimNode } from './sim-node.js'
import type { Trouble } from './trouble.js'
import { votersIn } from './voters.js'

/** Who is where: with the voter whose disks are lost, those who lack what it acknowledged would be a quorum. */
interface Places {
  readonly leader: SimNode
  readonly wiped: SimNode
  readonly behind: readonly SimNode[]
}

/**
 * S16, where it hurts most: a leader commits with one voter while others get nothing, that voter loses its
 * disks, and comes back among those others, cut off from everyone who could tell.
 */
export class WipedVoter {
  readonly #of: Trouble

  constructor(trouble: Trouble) {
    this.#of = trouble
  }

  begin(): void {
    const places = this.#choose()
    if (places === null) return
    const { network } = this.#of.cluster
    const { leader, behind } = places
    for (const { address } of behind) network.cut(leader.address, address, 'data')
    this.#of.later(this.#of.random(2000), () => {
      for (const { address } of behind) network.healOneWay(leader.address, address, 'data')
      if (this.#stillSo(places)) this.#wipe(places)
    })
  }

  #wipe({ wiped, behind }: Places): void {
    const { cluster, slowness, totals } = this.#of
    const { network, operator } = cluster
    totals.wipedVoters++
    cluster.crash(wiped)
    operator.ruin(wiped)
    wiped.loseDisks()
    this.#of.splitOff([wiped, ...behind])
    this.#startLater(wiped)
    // Its second start finds a directory that is not new any more.
    if (this.#of.random(1) < 0.5) {
      this.#of.later(500 + this.#of.random(500), () => {
        if (!wiped.running || !operator.isRuined(wiped)) return
        cluster.crash(wiped)
        this.#startLater(wiped)
      })
    }
    this.#of.later((1000 + this.#of.random(2000)) * slowness, () => network.heal())
  }

  #startLater(wiped: SimNode): void {
    const { cluster } = this.#of
    this.#of.later(this.#of.random(300), () => {
      if (!wiped.running && cluster.operator.isRuined(wiped)) cluster.restart(wiped)
    })
  }

  /** With an even number of voters nothing would be committed meanwhile. */
  #choose(): Places | null {
    const leading = this.#ready()
    if (leading === null) return null
    const { leader, status } = leading
    const voters = votersIn(status.configuration.configuration)
    if (voters.length % 2 === 0) return null
    const others = this.#of.running().filter((node) => node !== leader && voters.includes(node.id))
    const wiped = this.#of.pick(others)
    const behind = others.filter((node) => node !== wiped).slice(0, (voters.length - 1) / 2)
    if (wiped === undefined || 2 * behind.length < voters.length - 1) return null
    return { leader, wiped, behind }
  }

  #stillSo({ leader, wiped }: Places): boolean {
    return this.#ready()?.leader === leader && wiped.running
  }

  #ready(): { readonly leader: SimNode; readonly status: ConsensusStatus } | null {
    const { operator, nodes, view } = this.#of.cluster
    if (!operator.allowsRuin || nodes.some((node) => node.torn)) return null
    const found = view.leading()
    return found === null ? null : { leader: found.node, status: found.status }
  }
}
