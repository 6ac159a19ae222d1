import type { Profile } from './profiles.js'
import type { SimCluster } from './sim-cluster.js'
import type { SimNode } from './sim-node.js'

const STALLED_ACTORS = ['log', 'fsm', 'consensus', 'inbound', 'snapshot']
/** Those that a supervisor restarts. */
const FAILING_ACTORS = ['fsm', 'inbound', 'snapshot']

/** So many events later, at most. */
const AMBUSH_EVENTS = 3000

/** Brings trouble to a cluster, drawn from the scheduler's seed, until it is told to stop. */
export class Nemesis {
  readonly #cluster: SimCluster
  readonly #profile: Profile
  readonly totals = {
    outages: 0,
    partitions: 0,
    isolations: 0,
    cuts: 0,
    resets: 0,
    slowLinks: 0,
    stalls: 0,
    pauses: 0,
    actorFailures: 0,
    fullDisks: 0,
    flushErrors: 0,
    ruins: 0,
    machineFaults: 0,
  }
  #active = true

  constructor(cluster: SimCluster, profile: Profile) {
    this.#cluster = cluster
    this.#profile = profile
    this.#every(profile.crashEveryMs, () => this.#crash())
    this.#every(profile.outageEveryMs, () => this.#outage())
    this.#every(profile.partitionEveryMs, () => this.#partition())
    this.#every(profile.isolateLeaderEveryMs, () => this.#isolateLeader())
    this.#every(profile.oneWayCutEveryMs, () => this.#cutOneWay())
    this.#every(profile.resetEveryMs, () => this.#reset())
    this.#every(profile.slowLinkEveryMs, () => this.#slowLink())
    this.#every(profile.actorStallEveryMs, () => this.#stall())
    this.#every(profile.actorFailureEveryMs, () => this.#failActor())
    this.#every(profile.pauseEveryMs, () => this.#pause())
    this.#every(profile.diskFullEveryMs, () => this.#fillDisk())
    this.#every(profile.flushErrorEveryMs, () => this.#failFlush())
    this.#every(profile.machineFaultEveryMs, () => this.#spoilMachine())
    this.#every(profile.ruinEveryMs, () => this.#ruin())
  }

  /** Faults off: everything is repaired and every machine runs again. */
  stop(): void {
    this.#active = false
    const { network, nodes } = this.#cluster
    network.heal()
    network.setFaults({ dropRate: 0, duplicateRate: 0, reorderRate: 0, resetRate: 0 })
    for (const node of nodes) {
      node.disk.faults.maxBytes = Number.POSITIVE_INFINITY
      node.disk.faults.failFlush = null
      node.machineFaults.throws = 0
      node.machineFaults.slowMs = 0
      node.system?.resume()
      if (!node.running && !this.#cluster.operator.isRuined(node)) this.#cluster.restart(node)
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
    const node = this.#pick(this.#running())
    if (node === undefined) return
    this.#ambush(node, () => this.#crashNow(node))
  }

  /** Of everyone at once, which only what was flushed survives. */
  #outage(): void {
    const nodes = this.#running()
    this.totals.outages++
    const first = this.#pick(nodes)
    if (first === undefined) return
    this.#ambush(first, () => {
      for (const node of nodes) this.#crashNow(node)
    })
  }

  #crashNow(node: SimNode): void {
    if (!node.running) return
    this.#cluster.crash(node)
    this.#restartLater(node)
  }

  #restartLater(node: SimNode): void {
    this.#later(this.#random(this.#profile.downMs), () => {
      node.disk.faults.failFlush = null
      if (!node.running) this.#cluster.restart(node)
    })
  }

  /** While the node's next flush is under way, between any two events that are to come, or at once. */
  #ambush(node: SimNode, act: () => void): void {
    const dice = this.#random(1)
    const spring = (): void => {
      if (this.#active) act()
    }
    if (dice < 0.4) node.atNextFlush(spring)
    else if (dice < 0.8) this.#cluster.afterEvents(1 + this.#random(AMBUSH_EVENTS), spring)
    else act()
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

  /** Others may elect a new leader while this one still believes in itself. */
  #isolateLeader(): void {
    const leader = this.#pick(this.#cluster.nodes.filter(({ id }) => this.#cluster.leads(id)))
    if (leader === undefined) return
    const { network, nodes } = this.#cluster
    const others = nodes.filter((node) => node !== leader)
    const late = this.#random(1) < 0.6 ? { extraDelayMs: this.#random(400) } : null
    for (const { address } of others) network.slow(address, leader.address, late)
    const direction = this.#random(3)
    this.totals.isolations++
    this.#later(late === null ? 0 : this.#random(600), () => {
      for (const { address } of others) {
        if (direction < 2) network.cut(leader.address, address)
        if (direction >= 1) network.cut(address, leader.address)
      }
      this.#later(100 + this.#random(1000), () => {
        for (const { address } of others) {
          network.healOneWay(leader.address, address)
          network.healOneWay(address, leader.address)
          network.slow(address, leader.address, null)
        }
      })
    })
  }

  #cutOneWay(): void {
    const [from, to] = this.#pair()
    this.totals.cuts++
    this.#cluster.network.cut(from.address, to.address)
    this.#later(500 + this.#random(4000), () => {
      this.#cluster.network.healOneWay(from.address, to.address)
    })
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

  #stall(): void {
    const [node, handle] = this.#actor(STALLED_ACTORS)
    if (node?.system == null || handle === undefined) return
    this.totals.stalls++
    node.system.stall(handle, this.#random(3000))
  }

  #failActor(): void {
    const [node, handle] = this.#actor(FAILING_ACTORS)
    if (node === undefined || handle === undefined) return
    this.totals.actorFailures++
    node.fail(handle)
  }

  #pause(): void {
    const { system } = this.#pick(this.#running()) ?? {}
    if (system == null) return
    this.totals.pauses++
    system.pause()
    this.#later(this.#random(6000), () => system.resume())
  }

  #fillDisk(): void {
    const { disk } = this.#pick(this.#cluster.nodes) as SimNode
    this.totals.fullDisks++
    disk.faults.maxBytes = disk.bytes + this.#random(2000)
    this.#later(this.#random(4000), () => {
      disk.faults.maxBytes = Number.POSITIVE_INFINITY
    })
  }

  /** S15: the node that meets it ends, and starts again when the disk works again. */
  #failFlush(): void {
    const node = this.#pick(this.#running())
    if (node === undefined) return
    this.totals.flushErrors++
    node.disk.faults.failFlush = new Error('a simulated disk error')
    this.#later(this.#random(1000), () => {
      if (node.running) node.disk.faults.failFlush = null
      else this.#restartLater(node)
    })
  }

  /** Its disks lose everything, or one bit: never on more machines than the cluster can spare (S15, S16). */
  #ruin(): void {
    const { operator } = this.#cluster
    const node = this.#pick(this.#running())
    if (node === undefined || !operator.allowsRuin) return
    if (this.#cluster.nodes.some((each) => each.torn)) return
    this.totals.ruins++
    this.#cluster.crash(node)
    operator.ruin(node)
    const kind = this.#random(3)
    if (kind < 1) node.loseDisks()
    else node.damage((below) => Math.floor(this.#random(below)))
    this.#later(this.#random(this.#profile.downMs), () => {
      if (!node.running && operator.isRuined(node)) this.#cluster.restart(node)
    })
  }

  /** S14: user code throws, on this replica only, once or again at its next start, or takes its time. */
  #spoilMachine(): void {
    const node = this.#pick(this.#running())
    if (node === undefined) return
    this.totals.machineFaults++
    const { machineFaults } = node
    if (this.#random(1) < 0.5) machineFaults.throws = 1 + Math.floor(this.#random(3))
    else machineFaults.slowMs = this.#random(30)
    this.#later(this.#random(2000), () => {
      machineFaults.slowMs = 0
    })
  }

  /** One actor of those, or a replicator, of one node that runs. */
  #actor(names: readonly string[]) {
    const node = this.#pick(this.#running())
    const named = node
      ?.actors()
      .filter(({ name }) => names.includes(name) || name.startsWith('replicator-'))
    return [node, this.#pick(named ?? [])] as const
  }

  #running(): readonly SimNode[] {
    return this.#cluster.nodes.filter((node) => node.running)
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
