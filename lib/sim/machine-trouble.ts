import type { SimNode } from './sim-node.js'
import type { Trouble } from './trouble.js'
import { WipedVoter } from './wiped-voter.js'

const STALLED_ACTORS = ['log', 'fsm', 'consensus', 'inbound', 'snapshot', 'replicator']
/** Those that a supervisor restarts. */
const FAILING_ACTORS = ['fsm', 'inbound', 'snapshot', 'replicator']
/** Those whose end is their node's. */
const FATAL_ACTORS = ['log', 'consensus']
const FATAL_SHARE = 0.1

/** So many events later, at most. */
const AMBUSH_EVENTS = 3000
/** Of the machines that come back after a crash. */
const BIT_FLIP_SHARE = 0.1

/** Crashes, pauses, disks, actors and user code. */
export class MachineTrouble {
  readonly #of: Trouble

  constructor(trouble: Trouble) {
    this.#of = trouble
    const { profile } = trouble
    trouble.every(profile.crashEveryMs, () => this.#crash())
    trouble.every(profile.outageEveryMs, () => this.#outage())
    trouble.every(profile.actorStallEveryMs, () => this.#stall())
    trouble.every(profile.actorFailureEveryMs, () => this.#failActor())
    trouble.every(profile.pauseEveryMs, () => this.#pause())
    trouble.every(profile.diskFullEveryMs, () => this.#fillDisk())
    trouble.every(profile.flushErrorEveryMs, () => this.#failFlush())
    trouble.every(profile.machineFaultEveryMs, () => this.#spoilMachine())
    trouble.every(profile.ruinEveryMs, () => this.#ruin())
    const wipedVoter = new WipedVoter(trouble)
    trouble.every(profile.wipeVoterEveryMs, () => wipedVoter.begin())
  }

  /** Every machine works again, if it runs. */
  stop(): void {
    for (const node of this.#of.cluster.nodes) {
      node.disk.faults.maxBytes = Number.POSITIVE_INFINITY
      node.mendDisk()
      node.machineFaults.throws = 0
      node.machineFaults.slowMs = 0
      node.system?.resume()
    }
  }

  /** Down for a while; more than a minority may be down at once. */
  #crash(): void {
    const node = this.#of.pick(this.#of.running())
    if (node === undefined) return
    this.#ambush(node, () => this.#crashNow(node))
  }

  /** Of everyone at once, which only what was flushed survives. */
  #outage(): void {
    const nodes = this.#of.running()
    this.#of.totals.outages++
    const first = this.#of.pick(nodes)
    if (first === undefined) return
    this.#ambush(first, () => {
      for (const node of nodes) this.#crashNow(node)
    })
  }

  #crashNow(node: SimNode): void {
    if (!node.running) return
    this.#of.cluster.crash(node)
    this.#restartLater(node)
  }

  #restartLater(node: SimNode): void {
    this.#of.later(this.#of.random(this.#of.profile.downMs), () => {
      node.mendDisk()
      if (node.running) return
      // S15: one copy of the hard state may be lost, the other is enough.
      if (this.#of.random(1) < BIT_FLIP_SHARE && node.damageOneCopy()) this.#of.totals.bitFlips++
      this.#of.cluster.restart(node)
    })
  }

  /** While the node's next flush is under way, between any two events that are to come, or at once. */
  #ambush(node: SimNode, act: () => void): void {
    const dice = this.#of.random(1)
    const spring = (): void => {
      if (this.#of.active) act()
    }
    if (dice < 0.4) node.atNextFlush(spring)
    else if (dice < 0.8) {
      this.#of.cluster.afterEvents(1 + this.#of.random(AMBUSH_EVENTS), spring)
    } else act()
  }

  #stall(): void {
    const [node, handle] = this.#actor(STALLED_ACTORS)
    if (node?.system == null || handle === undefined) return
    this.#of.totals.stalls++
    node.system.stall(handle, this.#of.random(3000))
  }

  #failActor(): void {
    const fatal = this.#of.random(1) < FATAL_SHARE
    const [node, handle] = this.#actor(fatal ? FATAL_ACTORS : FAILING_ACTORS)
    if (node === undefined || handle === undefined) return
    if (fatal) this.#of.totals.fatalActorFailures++
    else this.#of.totals.actorFailures++
    node.fail(handle)
  }

  #pause(): void {
    const { system } = this.#of.pick(this.#of.running()) ?? {}
    if (system == null) return
    this.#of.totals.pauses++
    system.pause()
    this.#of.later(this.#of.random(6000), () => system.resume())
  }

  #fillDisk(): void {
    const { disk } = this.#of.pick(this.#of.cluster.nodes) as SimNode
    this.#of.totals.fullDisks++
    disk.faults.maxBytes = disk.bytes + this.#of.random(2000)
    this.#of.later(this.#of.random(4000), () => {
      disk.faults.maxBytes = Number.POSITIVE_INFINITY
    })
  }

  /** S15: once or until it is repaired; the node that meets it ends and starts again. */
  #failFlush(): void {
    const node = this.#of.pick(this.#of.running())
    if (node === undefined) return
    this.#of.totals.flushErrors++
    node.failFlushes(this.#of.random(1) < 0.5 ? 1 : Number.POSITIVE_INFINITY)
    this.#of.later(this.#of.random(1000), () => {
      if (node.running) node.mendDisk()
      else this.#restartLater(node)
    })
  }

  /** Its disks lose everything, or one bit: never on more machines than the cluster can spare (S15, S16). */
  #ruin(): void {
    const { cluster } = this.#of
    const { operator } = cluster
    const node = this.#of.pick(this.#of.running())
    if (node === undefined || !operator.allowsRuin) return
    if (cluster.nodes.some((each) => each.torn)) return
    this.#of.totals.ruins++
    cluster.crash(node)
    operator.ruin(node)
    if (this.#of.random(3) < 1) node.loseDisks()
    else node.damage((below) => Math.floor(this.#of.random(below)))
    this.#of.later(this.#of.random(this.#of.profile.downMs), () => {
      if (!node.running && operator.isRuined(node)) cluster.restart(node)
    })
  }

  /** S14: user code throws, on this replica only, once or again at its next start, or takes its time. */
  #spoilMachine(): void {
    const node = this.#of.pick(this.#of.running())
    if (node === undefined) return
    this.#of.totals.machineFaults++
    const { machineFaults } = node
    if (this.#of.random(1) < 0.5) machineFaults.throws = 1 + Math.floor(this.#of.random(3))
    else machineFaults.slowMs = this.#of.random(30)
    this.#of.later(this.#of.random(2000), () => {
      machineFaults.slowMs = 0
    })
  }

  /** One actor of these of one node that runs. */
  #actor(names: readonly string[]) {
    const node = this.#of.pick(this.#of.running())
    const named = node?.actors().filter(({ name }) => names.includes(name.split('-')[0] ?? name))
    return [node, this.#of.pick(named ?? [])] as const
  }
}
