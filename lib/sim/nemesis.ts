import type { SimCluster } from './sim-cluster.js'
import type { SimNode } from './sim-node.js'

/** How often each kind of trouble comes, as mean virtual ms between two; 0: never. */
export interface Profile {
  readonly crashEveryMs: number
  readonly partitionEveryMs: number
  readonly oneWayCutEveryMs: number
  readonly actorStallEveryMs: number
  readonly resetEveryMs: number
  readonly slowLinkEveryMs: number
}

export const profiles = {
  /** Everything at once. */
  mixed: {
    crashEveryMs: 6000,
    partitionEveryMs: 5000,
    oneWayCutEveryMs: 7000,
    actorStallEveryMs: 2000,
    resetEveryMs: 1500,
    slowLinkEveryMs: 8000,
  },
  calm: {
    crashEveryMs: 0,
    partitionEveryMs: 0,
    oneWayCutEveryMs: 0,
    actorStallEveryMs: 0,
    resetEveryMs: 0,
    slowLinkEveryMs: 0,
  },
  crashes: {
    crashEveryMs: 1500,
    partitionEveryMs: 0,
    oneWayCutEveryMs: 0,
    actorStallEveryMs: 0,
    resetEveryMs: 0,
    slowLinkEveryMs: 0,
  },
  network: {
    crashEveryMs: 0,
    partitionEveryMs: 2000,
    oneWayCutEveryMs: 2000,
    actorStallEveryMs: 0,
    resetEveryMs: 500,
    slowLinkEveryMs: 3000,
  },
  stalls: {
    crashEveryMs: 0,
    partitionEveryMs: 0,
    oneWayCutEveryMs: 0,
    actorStallEveryMs: 300,
    resetEveryMs: 0,
    slowLinkEveryMs: 0,
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

const STALLED_ACTORS = ['log', 'fsm', 'consensus', 'inbound', 'snapshot']

/** Brings trouble to a cluster, drawn from the scheduler's seed, until it is told to stop. */
export class Nemesis {
  readonly #cluster: SimCluster
  readonly totals = { partitions: 0, cuts: 0, stalls: 0, resets: 0, slowLinks: 0 }
  #active = true

  constructor(cluster: SimCluster, profile: Profile) {
    this.#cluster = cluster
    this.#every(profile.crashEveryMs, () => this.#crash())
    this.#every(profile.partitionEveryMs, () => this.#partition())
    this.#every(profile.oneWayCutEveryMs, () => this.#cutOneWay())
    this.#every(profile.actorStallEveryMs, () => this.#stall())
    this.#every(profile.resetEveryMs, () => this.#reset())
    this.#every(profile.slowLinkEveryMs, () => this.#slowLink())
  }

  /** Faults off: everything is repaired and every machine runs again. */
  stop(): void {
    this.#active = false
    const { network, nodes } = this.#cluster
    network.heal()
    network.setFaults({ dropRate: 0, duplicateRate: 0, reorderRate: 0, resetRate: 0 })
    for (const node of nodes) {
      if (!node.running) this.#cluster.restart(node)
      for (const other of nodes) network.slow(node.address, other.address, null)
    }
  }

  #every(meanMs: number, act: () => void): void {
    if (meanMs === 0) return
    const { scheduler } = this.#cluster
    scheduler.after(meanMs * 2 * scheduler.random(), () => {
      if (!this.#active) return
      act()
      this.#every(meanMs, act)
    })
  }

  /** Down for a while; more than a minority may be down at once. */
  #crash(): void {
    const node = this.#pick(this.#cluster.nodes.filter((each) => each.running))
    if (node === undefined) return
    this.#cluster.crash(node)
    this.#later(200 + this.#random(4000), () => {
      if (!node.running) this.#cluster.restart(node)
    })
  }

  #partition(): void {
    const left: string[] = []
    const right: string[] = []
    for (const { address } of this.#cluster.nodes) {
      const side = this.#random(1) < 0.5 ? left : right
      side.push(address)
    }
    this.totals.partitions++
    this.#cluster.network.partition(left, right)
    this.#later(500 + this.#random(5000), () => this.#cluster.network.heal())
  }

  #cutOneWay(): void {
    const [from, to] = this.#pair()
    this.totals.cuts++
    this.#cluster.network.cut(from.address, to.address)
    this.#later(500 + this.#random(4000), () => {
      this.#cluster.network.healOneWay(from.address, to.address)
    })
  }

  #stall(): void {
    const node = this.#pick(this.#cluster.nodes.filter((each) => each.assembled !== null))
    const handles = node?.assembled?.handles() ?? []
    const handle = this.#pick(handles.filter(({ name }) => isStalled(name)))
    if (node?.system?.alive !== true || handle === undefined) return
    this.totals.stalls++
    node.system.stall(handle, this.#random(3000))
  }

  #reset(): void {
    const [from, to] = this.#pair()
    this.totals.resets++
    this.#cluster.network.reset(from.address, to.address)
  }

  #slowLink(): void {
    const [from, to] = this.#pair()
    const { network } = this.#cluster
    this.totals.slowLinks++
    network.slow(from.address, to.address, { extraDelayMs: this.#random(300), bytesPerMs: 100 })
    this.#later(this.#random(5000), () => network.slow(from.address, to.address, null))
  }

  #later(delayMs: number, act: () => void): void {
    this.#cluster.scheduler.after(delayMs, () => {
      if (this.#active) act()
    })
  }

  #pair(): readonly [SimNode, SimNode] {
    const from = this.#pick(this.#cluster.nodes) as SimNode
    const to = this.#pick(this.#cluster.nodes.filter((node) => node !== from)) as SimNode
    return [from, to]
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random(items.length))]
  }

  #random(below: number): number {
    return this.#cluster.scheduler.random() * below
  }
}

function isStalled(name: string): boolean {
  return STALLED_ACTORS.includes(name) || name.startsWith('replicator-')
}
