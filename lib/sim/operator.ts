import type { MemberChange } from '../core/membership.js'
import type { Configuration, LogIndex, NodeId, Server } from '../core/types.js'
import type { SimCluster } from './sim-cluster.js'
import type { SimNode } from './sim-node.js'

const LOOK_EVERY_MS = 250
/** So long a change may take before it is asked for again. */
const PATIENCE_MS = 4000
/** Fewer voters than this are brought back up, and no machine is spoiled. */
const FEWEST_VOTERS = 3
const WIPE_SHARE = 0.3

/** Whom a cluster's leader replicates to, as the operator sees it. */
interface Picture {
  readonly leader: SimNode
  readonly index: LogIndex
  readonly committed: boolean
  readonly configuration: Configuration
}

/**
 * Whoever looks after the cluster: changes its members at random, and replaces machines that have lost what
 * they had acknowledged, by the book: removed, wiped, added again.
 */
export class Operator {
  readonly #cluster: SimCluster
  readonly #changeEveryMs: number
  readonly #ruined = new Map<SimNode, { addedAt: LogIndex; wiped: boolean }>()
  #nextChangeAt = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #active = true
  replaced = 0

  /** `changeEveryMs`: mean time between two changes made at random; 0: none. */
  constructor(cluster: SimCluster, changeEveryMs: number) {
    this.#cluster = cluster
    this.#changeEveryMs = changeEveryMs
    this.#look()
  }

  /** No changes without need any more. */
  rest(): void {
    this.#active = false
  }

  /** No machine waits to be replaced, and no change is under way. */
  get done(): boolean {
    if (this.#ruined.size > 0) return false
    const picture = this.#picture()
    return picture?.committed === true && picture.configuration.outgoing === undefined
  }

  /** For messages about what did not converge. */
  get ruined(): readonly NodeId[] {
    return [...this.#ruined.keys()].map(({ id }) => id)
  }

  isRuined(node: SimNode): boolean {
    return this.#ruined.has(node)
  }

  /** The disks of one machine may be spoiled now: everyone else's are whole and enough. */
  get allowsRuin(): boolean {
    const picture = this.#picture()
    if (picture === null || !picture.committed || this.#ruined.size > 0) return false
    const { servers, outgoing } = picture.configuration
    const voters = servers.filter(({ suffrage }) => suffrage === 'voter')
    if (outgoing !== undefined || voters.length < FEWEST_VOTERS) return false
    return this.#cluster.now > this.#askedAt + PATIENCE_MS
  }

  /** This machine has lost what it acknowledged; it must go and come back as a new one. */
  ruin(node: SimNode): void {
    const addedAt = find(this.#picture()?.configuration, node.id)?.addedAt ?? 0
    this.#ruined.set(node, { addedAt, wiped: false })
    this.#cluster.checks.lost(node.id)
  }

  #look(): void {
    this.#cluster.scheduler.after(LOOK_EVERY_MS, () => {
      this.#look()
      const picture = this.#picture()
      if (!this.#active) this.#startMembers(picture)
      if (picture === null || this.#cluster.now < this.#askedAt + PATIENCE_MS) return
      if (this.#ruined.size > 0)
        for (const node of this.#ruined.keys()) this.#replace(picture, node)
      else if (this.#active) this.#changeAtRandom(picture)
    })
  }

  /** Who was closed when it was removed, and is a member again. */
  #startMembers(picture: Picture | null): void {
    for (const { id } of picture?.configuration.servers ?? []) {
      const node = this.#cluster.nodes.find((each) => each.id === id)
      if (node?.running === false && !this.isRuined(node)) this.#cluster.restart(node)
    }
  }

  /** A change ended, well or not. */
  changed(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY
  }

  #replace(picture: Picture, node: SimNode): void {
    const state = this.#ruined.get(node)
    if (state === undefined || !picture.committed) return
    const { id, address } = node
    const member = find(picture.configuration, id)
    if (member !== undefined && (!state.wiped || member.addedAt <= state.addedAt)) {
      return this.#ask(picture, { kind: 'removeServer', peer: id })
    }
    if (!state.wiped) this.#cluster.wipe(node)
    state.wiped = true
    if (!node.running) this.#cluster.restart(node)
    if (member?.suffrage === 'voter') {
      this.#ruined.delete(node)
      this.replaced++
    } else this.#ask(picture, { kind: 'addVoter', server: { id, address }, immediate: false })
  }

  #changeAtRandom(picture: Picture): void {
    const { now } = this.#cluster
    if (this.#changeEveryMs === 0) return
    if (this.#nextChangeAt === 0) this.#draw()
    if (now < this.#nextChangeAt) return
    this.#draw()
    const change = this.#randomChange(picture)
    if (change !== null) this.#ask(picture, change)
  }

  #draw(): void {
    this.#nextChangeAt = this.#cluster.now + 2 * this.#changeEveryMs * this.#random()
  }

  #randomChange({ configuration }: Picture): MemberChange | null {
    const { servers } = configuration
    const voters = servers.filter(({ suffrage }) => suffrage === 'voter')
    const others = this.#cluster.nodes.filter(({ id }) => find(configuration, id) === undefined)
    const nonvoter = servers.find(({ suffrage }) => suffrage === 'nonvoter')
    const dice = this.#random()
    if (voters.length < FEWEST_VOTERS || dice < 0.35) {
      const server = this.#newcomer(others) ?? nonvoter
      if (server !== undefined) {
        const { id, address } = server
        // A new directory votes only after a leader has spoken to it (S16): to count on it before is reckless.
        const immediate = this.#cluster.view.holdsEntries(id) && this.#random() < 0.5
        return { kind: 'addVoter', server: { id, address }, immediate }
      }
    }
    const peer = this.#pick(servers)?.id
    if (peer === undefined) return null
    if (dice < 0.5) return { kind: 'removeServer', peer }
    if (dice < 0.65) return { kind: 'demoteVoter', peer }
    if (dice < 0.7) return { kind: 'updateServer', peer, meta: { drawn: String(this.#random()) } }
    if (dice < 0.8) {
      const server = this.#newcomer(others)
      return server === undefined ? null : { kind: 'addNonvoter', server }
    }
    return this.#reconfiguration()
  }

  /** Any set of machines with at least two voters. */
  #reconfiguration(): MemberChange {
    const servers = this.#cluster.nodes
      .filter(() => this.#random() < 0.7)
      .map(({ id, address }, place) => {
        const voter = place < 2 || this.#random() < 0.8
        return { id, address, suffrage: voter ? ('voter' as const) : ('nonvoter' as const) }
      })
    for (const { id } of servers) this.#ready(id)
    return { kind: 'reconfigure', servers }
  }

  #newcomer(others: readonly SimNode[]): { id: NodeId; address: string } | undefined {
    const node = this.#pick(others)
    if (node === undefined) return undefined
    const { id, address } = node
    if (this.#random() < WIPE_SHARE) this.#cluster.wipe(node)
    this.#ready(id)
    return { id, address }
  }

  #ready(id: NodeId): void {
    const node = this.#cluster.nodes.find((each) => each.id === id)
    if (node !== undefined && !node.running) this.#cluster.restart(node)
  }

  #ask({ leader, index }: Picture, change: MemberChange): void {
    this.#askedAt = this.#cluster.now
    // A compare-and-set with the index of now, of long ago, or none.
    const dice = this.#random()
    const prevIndex = dice < 0.3 ? index : dice < 0.4 && index > 1 ? index - 1 : 0
    this.#cluster.change(leader, change, prevIndex)
  }

  #picture(): Picture | null {
    const found = this.#cluster.view.leading()
    if (found === null) return null
    const { node: leader, status } = found
    const { index, configuration } = status.configuration
    const committed = status.ready && status.committedConfigurationIndex === index
    return { leader, index, configuration, committed }
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)]
  }

  #random(): number {
    return this.#cluster.scheduler.random()
  }
}

function find(configuration: Configuration | undefined, id: NodeId): Server | undefined {
  const { servers = [], outgoing = [] } = configuration ?? {}
  return [...servers, ...outgoing].find((server) => server.id === id)
}
