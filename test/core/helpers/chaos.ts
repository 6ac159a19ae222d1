import type { CoreConfig } from '../../../lib/core/core-state.js'
import type { NodeId } from '../../../lib/core/types.js'
import { SeededRandom } from '../../helpers/seeded-random.js'
import { anyChange } from './chaos-changes.js'
import { ChaosChecks } from './chaos-checks.js'
import { CONFIG, members } from './cores.js'
import type { Envelope } from './model-messages.js'
import type { ModelNode } from './model-node.js'
import { Soup } from './soup.js'

/** What can happen next, and how often beside the others. */
const WEIGHTS = {
  deliver: 120,
  sync: 50,
  tick: 16,
  heartbeat: 10,
  retry: 5,
  propose: 14,
  read: 6,
  crash: 0.7,
  damage: 0.1,
  restart: 5,
  cut: 0.7,
  heal: 4,
  transfer: 0.7,
  snapshot: 2,
  full: 0.4,
  room: 4,
  stall: 0.2,
  change: 4,
  restore: 1.2,
  restoreCommit: 6,
} as const

type Happening = keyof typeof WEIGHTS

/** What only a leader does: mostly one is chosen, if there is one, old or new. */
const FOR_LEADERS: ReadonlySet<Happening> = new Set([
  'heartbeat',
  'retry',
  'propose',
  'read',
  'transfer',
  'change',
  'restore',
  'restoreCommit',
])

const HAPPENINGS = Object.entries(WEIGHTS) as readonly [Happening, number][]
const TOTAL_WEIGHT = HAPPENINGS.reduce((sum, [, weight]) => sum + weight, 0)

const MOST_MESSAGES = 60

/**
 * A few cores, a seed, and everything that may go wrong: messages lost, doubled and in any order, nodes cut
 * off, crashes that lose what was not synced, slow and full disks, clocks that run apart by as much as
 * is allowed. Equal seeds do the same.
 */
export class Chaos {
  readonly soup: Soup
  readonly checks: ChaosChecks
  readonly #names: readonly NodeId[]
  readonly #random: SeededRandom
  readonly #loss: number
  readonly #doubling: number
  /** Most real time, in ms, that passes at a look at the clock: how slow messages are beside timeouts. */
  readonly #pulseMs: number
  /** Members come and go. Then nobody's disk is damaged: a small set of voters may not survive that. */
  readonly #changing: boolean
  #proposals = 0
  #changes = 0
  #restores = 0
  lostWrites = 0
  damaged = 0
  /** The last happenings, for a failure's report. */
  readonly trace: string[] = []

  constructor(seed: number, size: number) {
    this.#random = new SeededRandom(seed)
    const random = this.#random
    this.#changing = random.next() < 0.5
    const all = this.#changing ? size + 2 : size
    this.#names = Array.from({ length: all }, (_, position) => `n${position + 1}`)
    const leaseMs = 100 + random.below(400)
    this.soup = new Soup(this.#names, () => ({
      config: unlikeConfig(random, leaseMs),
      random: () => random.next(),
    }))
    this.checks = new ChaosChecks(this.soup)
    this.#loss = random.next() * 0.2
    this.#doubling = random.next() * 0.2
    this.#pulseMs = 10 + random.next() * 70
    // Two clocks run apart by at most a tenth: the share that maxClockDrift allows for.
    const rates = new Map(this.#names.map((name) => [name, 0.95 + random.next() * 0.1]))
    const starts = new Map(this.#names.map((name) => [name, random.next() * 10_000]))
    this.soup.clock = (id) => (starts.get(id) ?? 0) + this.soup.now * (rates.get(id) ?? 1)
    this.soup.bootstrap(members(size))
    this.soup.onDeed((deed) => this.checks.check(deed))
    for (const name of this.#names) {
      const node = this.soup.node(name)
      node.fastPath = true
      node.batchLimit = () => random.below(4)
      if (random.next() < 0.7) this.soup.slow.add(name)
    }
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      const happening = this.#draw()
      const id = this.#whom(happening)
      this.trace.push(`${happening} ${id}`)
      if (this.trace.length > 40) this.trace.shift()
      this.#happen(happening, id)
    }
  }

  /** All faults end. True once everyone holds and has committed the same. */
  settle(): boolean {
    const { soup } = this
    soup.cut.clear()
    soup.slow.clear()
    for (const id of this.#names) {
      if (!soup.node(id).running) this.#start(id)
      soup.sync(id)
      this.#makeRoom(id)
      soup.step(id, { kind: 'restoreCancel', id: 1 })
    }
    for (let round = 0; round < 600; round++) {
      for (const id of this.#names) {
        this.#heartbeat(id)
        soup.act(id, retryAll)
      }
      for (const envelope of soup.messages.splice(0)) this.#carry(envelope)
      soup.now += 20
      for (const id of this.#names) soup.step(id, { kind: 'tick' })
      if (round % 10 === 5) for (const id of this.#names) this.#propose(id)
      if (round > 50 && this.#agreed()) return true
    }
    return false
  }

  /** One leader, and everyone that it leads holds and has committed what it has. */
  #agreed(): boolean {
    const nodes = this.#names.map((id) => this.soup.node(id))
    const leaders = nodes.filter(({ core }) => core.status().role === 'leader')
    const [leader] = leaders
    if (leader === undefined || leaders.length > 1) return false
    // S16: who lost what it acknowledged to this leader is led by the next one only.
    const led = nodes.filter(({ id }) => leader.replicator.peers.includes(id))
    const { commitIndex, lastLogIndex, configuration } = leader.core.status()
    const { servers, outgoing } = configuration.configuration
    if (commitIndex < lastLogIndex || outgoing !== undefined) return false
    if (led.length < servers.length - 1 - this.damaged) return false
    return led.every(({ core }) => {
      const status = core.status()
      return status.commitIndex === commitIndex && status.lastLogIndex === lastLogIndex
    })
  }

  #draw(): Happening {
    let left = this.#random.next() * TOTAL_WEIGHT
    for (const [happening, weight] of HAPPENINGS) {
      left -= weight
      if (left < 0) return happening
    }
    return 'deliver'
  }

  #whom(happening: Happening): NodeId {
    if (!FOR_LEADERS.has(happening) || this.#random.next() < 0.1) return this.#pick(this.#names)
    const leaders = this.#names.filter((id) => {
      const { running, core } = this.soup.node(id)
      return running && core.status().role === 'leader'
    })
    return this.#pick(leaders.length > 0 ? leaders : this.#names)
  }

  #happen(happening: Happening, id: NodeId): void {
    const { soup } = this
    const random = this.#random
    switch (happening) {
      case 'deliver':
        return this.#deliver()
      case 'sync':
        return soup.sync(id, random.below(3))
      case 'tick':
        soup.now += random.next() * this.#pulseMs
        return soup.step(id, { kind: 'tick' })
      case 'heartbeat':
        return this.#heartbeat(id)
      case 'retry':
        return soup.act(id, retryAll)
      case 'propose':
        return this.#propose(id)
      case 'read': {
        const lease = random.next() < 0.5
        return soup.step(id, { kind: 'readIndex', id: this.checks.readArrives(lease), lease })
      }
      case 'crash':
        return this.#crash(id)
      case 'damage':
        return this.#damage(id)
      case 'restart':
        return this.#start(id)
      case 'cut':
        soup.cut.add(id)
        return
      case 'heal':
        soup.cut.delete(id)
        return
      case 'transfer': {
        const to = random.next() < 0.5 ? null : this.#pick(this.#names)
        return soup.step(id, { kind: 'transfer', id: 1, to })
      }
      case 'snapshot':
        return this.#snapshot(id)
      case 'full':
        soup.node(id).disk.full = true
        return
      case 'room':
        return this.#makeRoom(id)
      case 'change': {
        if (!this.#changing) return
        return soup.step(id, anyChange(random, this.#names, ++this.#changes))
      }
      case 'restore':
        return this.#restore(id)
      case 'restoreCommit':
        return this.#restoreCommit(id)
      case 'stall':
        return soup.step(id, { kind: 'stalled', term: soup.node(id).core.status().term })
    }
  }

  #deliver(): void {
    const { messages } = this.soup
    // The oldest go when there are too many: what is so late may be lost as well.
    if (messages.length > MOST_MESSAGES) messages.splice(0, messages.length - MOST_MESSAGES)
    const position = this.#random.below(messages.length)
    const envelope = messages[position]
    if (envelope === undefined) return
    if (this.#random.next() >= this.#doubling) messages.splice(position, 1)
    if (this.#random.next() >= this.#loss) this.#carry(envelope)
  }

  #carry(envelope: Envelope): void {
    this.checks.arrives(envelope)
    this.soup.deliver(envelope)
  }

  #heartbeat(id: NodeId): void {
    this.soup.act(id, (node, now) => {
      node.heartbeat(now)
      return []
    })
  }

  #propose(id: NodeId): void {
    const count = 1 + this.#random.below(3)
    this.#proposals++
    const text = `p${this.#proposals}`
    this.soup.act(id, (node, now) =>
      node.core.status().role === 'leader' ? node.propose(now, text, count) : [],
    )
  }

  #crash(id: NodeId): void {
    const { disk, running } = this.soup.node(id)
    if (!running) return
    if (disk.waiting > 0) this.lostWrites++
    this.soup.crash(id)
  }

  /** Once in a run: what two nodes lose is lost for all. */
  #damage(id: NodeId): void {
    if (this.damaged > 0 || this.#changing) return
    this.#crash(id)
    if (this.soup.node(id).disk.damage()) this.damaged++
  }

  #start(id: NodeId): void {
    const node = this.soup.node(id)
    if (node.running) return
    this.checks.started(node)
    this.soup.start(id)
  }

  /** At a random index that is applied and flushed (S14). */
  #snapshot(id: NodeId): void {
    this.soup.act(id, (node, now) => {
      const { snapshotIndex, flushedIndex } = node.core.status()
      const newest = Math.min(node.appliedIndex, flushedIndex)
      if (newest <= snapshotIndex) return []
      return node.snapshot(now, snapshotIndex + 1 + this.#random.below(newest - snapshotIndex))
    })
  }

  #restore(id: NodeId): void {
    const ahead = this.#random.below(8) - 4
    this.soup.act(id, (node, now) => {
      const { lastLogIndex } = node.core.status()
      return node.restoreBegin(now, Math.max(1, lastLogIndex + ahead))
    })
  }

  /** Now and then the node dies between the file's rename and the step, or is alone with what it did. */
  #restoreCommit(id: NodeId): void {
    const node = this.soup.node(id)
    if (!node.running || !node.restoreSaved(`restored ${++this.#restores}`)) return
    if (this.#random.next() < 0.15) return this.#crash(id)
    if (this.#random.next() < 0.5) this.soup.cut.add(id)
    this.soup.act(id, (self, now) => self.restoreCommit(now))
  }

  #makeRoom(id: NodeId): void {
    const { disk } = this.soup.node(id)
    if (!disk.full) return
    disk.full = false
    this.soup.step(id, { kind: 'logWritable' })
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T
  }
}

function retryAll(node: ModelNode) {
  for (const peer of node.replicator.peers) node.replicator.retry(peer)
  return []
}

/** Members need not have equal options: what one promised holds, whatever its own timeouts say (S10). */
function unlikeConfig(random: SeededRandom, leaderLeaseTimeoutMs: number): CoreConfig {
  const heartbeatTimeoutMs = 100 + random.below(900)
  const preVote = random.next() < 0.7
  const timeouts = { heartbeatTimeoutMs, electionTimeoutMs: heartbeatTimeoutMs }
  return { ...CONFIG, ...timeouts, leaderLeaseTimeoutMs, preVote }
}
