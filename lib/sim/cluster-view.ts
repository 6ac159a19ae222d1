import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { NodeId } from '../core/types.js'
import { votersOf } from './cluster-picture.js'
import type { SimNode } from './sim-node.js'

/** The cluster as its programs were told last. */
export class ClusterView {
  readonly #nodes: () => readonly SimNode[]
  readonly #statuses = new Map<NodeId, ConsensusStatus>()
  /** In the configuration that each node knew last, whether it runs now or not. */
  readonly #voters = new Map<NodeId, number>()
  #jointListener: ((leader: NodeId, status: ConsensusStatus) => void) | null = null

  constructor(nodes: () => readonly SimNode[]) {
    this.#nodes = nodes
  }

  told(node: NodeId, status: ConsensusStatus): void {
    this.#statuses.set(node, status)
    const voters = votersOf(status)
    if (voters > 0) this.#voters.set(node, voters)
    const { role, configuration } = status
    if (role !== 'leader' || configuration.configuration.outgoing === undefined) return
    this.#jointListener?.(node, status)
    this.#jointListener = null
  }

  /** Once a leader has a joint configuration. */
  atNextJoint(act: (leader: NodeId, status: ConsensusStatus) => void): void {
    this.#jointListener = act
  }

  /** Its process has ended. */
  forget(node: NodeId): void {
    this.#statuses.delete(node)
  }

  statusOf(node: NodeId): ConsensusStatus | undefined {
    return this.#statuses.get(node)
  }

  /** Of all configurations that a node knew last; null: nobody has known any. */
  get fewestVoters(): number | null {
    return this.#voters.size === 0 ? null : Math.min(...this.#voters.values())
  }

  get statuses(): readonly ConsensusStatus[] {
    return [...this.#statuses.values()]
  }

  /** Whether this node leads; others may lead since. */
  leads(node: NodeId): boolean {
    return this.#statuses.get(node)?.role === 'leader'
  }

  /** The leader of the newest term and what it says of itself; null: none that runs. */
  leading(): { readonly node: SimNode; readonly status: ConsensusStatus } | null {
    const newest = Math.max(0, ...this.statuses.map(({ term }) => term))
    for (const node of this.#nodes()) {
      const status = this.#statuses.get(node.id)
      if (status?.role === 'leader' && status.term === newest && node.running) {
        return { node, status }
      }
    }
    return null
  }

  /** The node runs and has some of the log. */
  holdsEntries(id: NodeId): boolean {
    return (this.#statuses.get(id)?.lastLogIndex ?? 0) > 0
  }

  /** Members of the newest configuration. */
  members(): readonly SimNode[] {
    const { servers = [] } = this.leading()?.status.configuration.configuration ?? {}
    return this.#nodes().filter(({ id }) => servers.some((server) => server.id === id))
  }

  /** All members run, know one leader, and have the same log flushed, committed and applied. */
  get converged(): boolean {
    const first = this.leading()?.status
    if (first === undefined) return false
    const { lastLogIndex: end, leader, term } = first
    return this.members().every((node) => {
      const status = this.#statuses.get(node.id)
      if (!node.running || status === undefined) return false
      const { lastLogIndex, commitIndex, lastApplied, flushedIndex } = status
      const all = [lastLogIndex, commitIndex, lastApplied, flushedIndex]
      return status.leader === leader && status.term === term && all.every((at) => at === end)
    })
  }
}
