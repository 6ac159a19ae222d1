import type { CoreConfig } from '../../../lib/core/core-state.js'
import type { NodeId } from '../../../lib/core/types.js'
import { SeededRandom } from '../../helpers/seeded-random.js'
import { CONFIG, members } from './cores.js'
import { Soup } from './soup.js'

const STEP_MS = 10
const HEARTBEAT_MS = 100

/**
 * A few cores on a network without faults, in time that passes evenly: heartbeats every 100 ms, messages
 * after one step of 10 ms. A test cuts nodes off and heals them, and looks at who leads.
 */
export class Steady {
  readonly soup: Soup
  readonly names: readonly NodeId[]

  constructor(
    seed: number,
    size: number,
    configOf: (position: number) => Partial<CoreConfig> = () => ({}),
  ) {
    const random = new SeededRandom(seed)
    this.names = Array.from({ length: size }, (_, i) => `n${i + 1}`)
    this.soup = new Soup(this.names, (position) => ({
      config: { ...CONFIG, ...configOf(position) },
      random: () => random.next(),
    }))
    this.soup.bootstrap(members(size))
  }

  status(id: NodeId) {
    return this.soup.node(id).core.status()
  }

  get leaders(): readonly NodeId[] {
    return this.names.filter((id) => this.status(id).role === 'leader' && !this.soup.cut.has(id))
  }

  get leader(): NodeId {
    const [leader, second] = this.leaders
    if (leader === undefined || second !== undefined) throw new Error(`leaders: ${this.leaders}`)
    return leader
  }

  /** Passes time until it is true; false when that takes too long. */
  until(done: () => boolean, mostMs = 60_000): boolean {
    for (let left = mostMs; left > 0; left -= STEP_MS) {
      if (done()) return true
      this.pass(STEP_MS)
    }
    return done()
  }

  elect(): NodeId {
    if (!this.until(() => this.leaders.length === 1)) throw new Error('nobody was elected')
    return this.leader
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= STEP_MS) this.#step()
  }

  propose(id: NodeId, text: string): void {
    this.soup.act(id, (node, now) => node.propose(now, text, 1))
  }

  #step(): void {
    const { soup } = this
    soup.now += STEP_MS
    for (const id of this.names) {
      soup.step(id, { kind: 'tick' })
      if (soup.now % HEARTBEAT_MS !== 0) continue
      soup.act(id, (node, now) => {
        node.heartbeat(now)
        for (const peer of node.replicator.peers) node.replicator.retry(peer)
        return []
      })
    }
    for (const envelope of soup.messages.splice(0)) soup.deliver(envelope)
  }
}
