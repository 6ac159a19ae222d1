import type { CoreConfig } from '../../../lib/core/core-state.js'
import type { Effect } from '../../../lib/core/effects.js'
import type { Input } from '../../../lib/core/inputs.js'
import {
  ClusterHistory,
  checkLogMatching,
  type ObservedNode,
} from '../../../lib/core/invariants.js'
import { isMember } from '../../../lib/core/quorum.js'
import type { CoreStatus } from '../../../lib/core/raft-core.js'
import type { Configuration, NodeId, Term } from '../../../lib/core/types.js'
import type { ModelBatch } from './model-disk.js'
import type { Envelope } from './model-messages.js'
import { ModelNode } from './model-node.js'

/** What one node did in one step. */
export interface Deed {
  readonly node: ModelNode
  readonly effects: readonly Effect[]
  readonly sent: readonly Envelope[]
}

/**
 * Several pure cores, the messages between them in one pool, and one clock. Nothing happens by itself:
 * whoever drives it decides what is delivered, lost, flushed and when time passes. After every step the
 * rules of Raft's Figure 3 are checked.
 */
export class Soup {
  readonly nodes = new Map<NodeId, ModelNode>()
  readonly history = new ClusterHistory()
  now = 0
  /** A node's own clock, which may run apart from the others. */
  clock: (id: NodeId) => number = () => this.now
  messages: Envelope[] = []
  /** Nodes whose disks are not synced by themselves. */
  readonly slow = new Set<NodeId>()
  /** Nodes whose messages, in and out, are lost. */
  readonly cut = new Set<NodeId>()
  #onDeed: (deed: Deed) => void = () => {}

  /** What each node is given: its options, and its own source of chance. */
  constructor(
    names: readonly NodeId[],
    setting: (position: number) => {
      readonly config: CoreConfig
      readonly random: () => number
    },
  ) {
    names.forEach((id, position) => {
      const { config, random } = setting(position)
      this.nodes.set(id, new ModelNode(id, names, config, random))
    })
  }

  onDeed(listener: (deed: Deed) => void): void {
    this.#onDeed = listener
  }

  node(id: NodeId): ModelNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  /** The members start with this configuration as their first entry, of term 1; all others empty. */
  bootstrap(configuration: Configuration): void {
    const first = { firstIndex: 1, lastIndex: 1, term: 1, prevTerm: 0, value: 'configuration' }
    for (const { id } of this.nodes.values()) {
      if (isMember(configuration, id)) this.install(id, 1, [{ ...first, configuration }])
      else this.start(id)
    }
  }

  /** The node starts with this on its disk. */
  install(id: NodeId, term: Term, batches: readonly ModelBatch[]): void {
    const { disk } = this.node(id)
    disk.hardState = { ...disk.hardState, term }
    disk.batches = batches
    this.start(id)
  }

  start(id: NodeId): void {
    const node = this.node(id)
    this.#done(node, node.start(this.clock(id)), null)
  }

  crash(id: NodeId): void {
    this.node(id).crash()
  }

  step(id: NodeId, input: Input): void {
    this.act(id, (node, now) => node.step(now, input))
  }

  /** Whatever a driver does with a node; nothing if it does not run. */
  act(id: NodeId, deed: (node: ModelNode, now: number) => readonly Effect[]): void {
    const node = this.node(id)
    if (!node.running) return
    const before = node.core.status()
    this.#done(node, deed(node, this.clock(id)), before)
  }

  deliver(envelope: Envelope): void {
    const { from, to } = envelope
    if (this.cut.has(from) || this.cut.has(to)) return
    this.act(to, (node, now) => node.receive(now, envelope))
  }

  /** Carries out `count` of the operations that wait at the disk. */
  sync(id: NodeId, count?: number): void {
    const node = this.node(id)
    if (!node.running) return
    for (const input of node.disk.sync(count)) this.step(id, input)
  }

  #done(node: ModelNode, effects: readonly Effect[], before: CoreStatus | null) {
    const sent = node.outbox
    node.outbox = []
    for (const envelope of sent) {
      if (!this.cut.has(envelope.from) && !this.cut.has(envelope.to)) this.messages.push(envelope)
    }
    this.#onDeed({ node, effects, sent })
    this.#check(node, effects, before)
    if (!this.slow.has(node.id) && !node.disk.isIdle) this.sync(node.id)
  }

  #check(node: ModelNode, effects: readonly Effect[], before: CoreStatus | null): void {
    const observed = observe(node)
    this.history.observe(observed, before)
    const grown = effects.some(({ kind }) => kind === 'append' || kind === 'truncate')
    if (before !== null && !grown) return
    for (const other of this.nodes.values()) {
      if (other !== node) checkLogMatching(observed, observe(other))
    }
  }
}

function observe({ id, core }: ModelNode): ObservedNode {
  return { id, status: () => core.status(), termAt: (index) => core.termAt(index) }
}
