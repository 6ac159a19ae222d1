import type { SimNode } from './sim-node.js'
import { SplitJoint } from './split-joint.js'
import type { Trouble } from './trouble.js'

/** Partitions, cuts and slow links. */
export class NetworkTrouble {
  readonly #of: Trouble
  #isolating = 0

  constructor(trouble: Trouble) {
    this.#of = trouble
    const { profile } = trouble
    trouble.every(profile.partitionEveryMs, () => this.#partition())
    trouble.every(profile.isolateLeaderEveryMs, () => this.#isolateLeader())
    trouble.every(profile.oneWayCutEveryMs, () => this.#cutOneWay())
    trouble.every(profile.dataCutEveryMs, () => this.#cutData())
    trouble.every(profile.resetEveryMs, () => this.#reset())
    trouble.every(profile.slowLinkEveryMs, () => this.#slowLink())
    const splitJoint = new SplitJoint(trouble)
    trouble.every(profile.splitJointEveryMs, () => splitJoint.begin())
  }

  /** Everything is repaired. */
  stop(): void {
    const { network, nodes } = this.#of.cluster
    network.heal()
    network.setFaults({ dropRate: 0, duplicateRate: 0, reorderRate: 0, resetRate: 0 })
    for (const node of nodes) {
      for (const other of nodes) network.slow(node.address, other.address, null)
    }
  }

  /** In two, in two with one node that reaches both, or a ring in which each reaches its neighbours. */
  #partition(): void {
    const { cluster, totals } = this.#of
    const addresses = this.#shuffled(cluster.nodes.map(({ address }) => address))
    const kind = this.#of.random(4)
    totals.partitions++
    if (kind < 2) this.#split(addresses)
    else if (kind < 3) this.#split(addresses.slice(1))
    else this.#ring(addresses)
    this.#of.later(500 + this.#of.random(5000), () => cluster.network.heal())
  }

  #split(addresses: readonly string[]): void {
    const left = addresses.filter(() => this.#of.random(1) < 0.5)
    const right = addresses.filter((address) => !left.includes(address))
    this.#of.cluster.network.partition(left, right)
  }

  #ring(addresses: readonly string[]): void {
    const { network } = this.#of.cluster
    const count = addresses.length
    addresses.forEach((from, at) => {
      addresses.forEach((to, other) => {
        const apart = (other - at + count) % count
        if (apart > 1 && apart < count - 1) network.cut(from, to)
      })
    })
  }

  #shuffled<T>(items: readonly T[]): readonly T[] {
    const drawn = items.map((item) => ({ item, at: this.#of.random(1) }))
    return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item)
  }

  /** Others may elect a new leader while this one still believes in itself. */
  #isolateLeader(): void {
    const { cluster, totals, profile } = this.#of
    const { network, nodes, view } = cluster
    const { isolateDeceived: deceived } = profile
    if (deceived && this.#isolating > 0) return
    const leader = this.#of.pick(nodes.filter(({ id }) => view.leads(id)))
    if (leader === undefined) return
    this.#isolating++
    const staying = deceived ? this.#nonvoters(leader) : []
    const others = nodes.filter((node) => node !== leader && !staying.includes(node))
    // Who would tell the leader of a newer term is out of its reach too.
    for (const { address } of others) {
      for (const side of staying) {
        network.cut(side.address, address)
        network.cut(address, side.address)
      }
    }
    const { slowness } = this.#of
    const lateShare = deceived ? 1 : 0.6
    const late =
      this.#of.random(1) < lateShare ? { extraDelayMs: this.#of.random(400) * slowness } : null
    for (const { address } of others) network.slow(address, leader.address, late)
    const direction = this.#of.random(deceived ? 2 : 3)
    totals.isolations++
    this.#of.later(late === null ? 0 : this.#of.random(600) * slowness, () => {
      for (const { address } of others) {
        if (direction < 2) network.cut(leader.address, address)
        if (direction >= 1) network.cut(address, leader.address)
      }
      const apartMs = (100 + this.#of.random(1000)) * slowness
      this.#of.later(apartMs, () => {
        this.#isolating--
        for (const side of [leader, ...staying]) this.#rejoin(side, others)
      })
    })
  }

  /** They have no vote, whatever they answer. */
  #nonvoters(leader: SimNode): readonly SimNode[] {
    const { view, nodes } = this.#of.cluster
    const { servers = [] } = view.statusOf(leader.id)?.configuration.configuration ?? {}
    const nonvoters = servers.filter(({ suffrage }) => suffrage === 'nonvoter')
    return nodes.filter(({ id }) => nonvoters.some((server) => server.id === id))
  }

  #rejoin(leader: SimNode, others: readonly SimNode[]): void {
    const { network } = this.#of.cluster
    for (const { address } of others) {
      network.healOneWay(leader.address, address)
      network.healOneWay(address, leader.address)
      network.slow(address, leader.address, null)
    }
  }

  #cutOneWay(): void {
    const [from, to] = this.#of.pair()
    const { network } = this.#of.cluster
    this.#of.totals.cuts++
    network.cut(from.address, to.address)
    this.#of.later(500 + this.#of.random(4000), () => network.healOneWay(from.address, to.address))
  }

  /** S12: heartbeats live and nothing is replicated, to one follower or to all of them. */
  #cutData(): void {
    const { cluster, totals } = this.#of
    const { network, nodes, view } = cluster
    const leader = this.#of.pick(nodes.filter(({ id }) => view.leads(id)))
    if (leader === undefined) return
    const others = nodes.filter((node) => node !== leader)
    const one = this.#of.pick(others)
    const deaf = this.#of.random(1) < 0.5 || one === undefined ? others : [one]
    const back = this.#of.random(1) < 0.5
    const each = (act: (from: string, to: string) => void): void => {
      for (const { address } of deaf) {
        if (back) act(address, leader.address)
        else act(leader.address, address)
      }
    }
    totals.dataCuts++
    each((from, to) => network.cut(from, to, 'data'))
    this.#of.later(500 + this.#of.random(6000), () => {
      each((from, to) => network.healOneWay(from, to, 'data'))
    })
  }

  #reset(): void {
    const [from, to] = this.#of.pair()
    this.#of.totals.resets++
    this.#of.cluster.network.reset(from.address, to.address)
  }

  #slowLink(): void {
    const [from, to] = this.#of.pair()
    const { network } = this.#of.cluster
    this.#of.totals.slowLinks++
    network.slow(from.address, to.address, {
      extraDelayMs: this.#of.random(300),
      bytesPerMs: 100,
    })
    this.#of.later(this.#of.random(5000), () => network.slow(from.address, to.address, null))
  }
}
