import type { Profile } from './profiles.js'
import type { SimCluster } from './sim-cluster.js'
import type { SimNode } from './sim-node.js'

/** How often what was brought about. */
export function noTroubles() {
  return {
    outages: 0,
    partitions: 0,
    isolations: 0,
    splitJoints: 0,
    cuts: 0,
    dataCuts: 0,
    resets: 0,
    slowLinks: 0,
    stalls: 0,
    pauses: 0,
    actorFailures: 0,
    fatalActorFailures: 0,
    fullDisks: 0,
    flushErrors: 0,
    bitFlips: 0,
    ruins: 0,
    wipedVoters: 0,
    machineFaults: 0,
  }
}

export type Troubles = ReturnType<typeof noTroubles>

/** Times are given for clusters with this heartbeat timeout. */
const USUAL_MS = 300

/** What every kind of trouble needs: chance and time, until the trouble is over. */
export class Trouble {
  readonly cluster: SimCluster
  readonly profile: Profile
  readonly totals = noTroubles()
  /** Of elections: what is to outlast one, or not, lasts so many times longer. */
  readonly slowness: number
  active = true

  constructor(cluster: SimCluster, profile: Profile, heartbeatTimeoutMs: number) {
    this.cluster = cluster
    this.profile = profile
    this.slowness = heartbeatTimeoutMs / USUAL_MS
  }

  /** Again and again, with a mean time between; 0: never. */
  every(meanMs: number, act: () => void): void {
    if (meanMs === 0) return
    const { scheduler } = this.cluster
    scheduler.after(meanMs * 2 * scheduler.random(), () => {
      if (!this.active) return
      act()
      this.every(meanMs, act)
    })
  }

  later(delayMs: number, act: () => void): void {
    this.cluster.scheduler.after(delayMs, () => {
      if (this.active) act()
    })
  }

  running(): readonly SimNode[] {
    return this.cluster.nodes.filter((node) => node.running)
  }

  pair(): readonly [SimNode, SimNode] {
    const from = this.pick(this.cluster.nodes) as SimNode
    const to = this.pick(this.cluster.nodes.filter((node) => node !== from)) as SimNode
    return [from, to]
  }

  /** These and all others do not reach each other until the network is healed. */
  splitOff(here: readonly SimNode[]): void {
    const there = this.cluster.nodes.filter((node) => !here.includes(node))
    const addresses = (nodes: readonly SimNode[]) => nodes.map(({ address }) => address)
    this.cluster.network.partition(addresses(here), addresses(there))
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.random(items.length))]
  }

  /** In [0, below). */
  random(below: number): number {
    return this.cluster.scheduler.random() * below
  }
}
