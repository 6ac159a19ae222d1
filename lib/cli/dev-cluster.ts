import { ChildNode } from './child-node.js'
import type { PlannedNode } from './dev-plan.js'
import type { NodeLine, OutputEvent } from './output.js'
import { runnableLine } from './runnable.js'

export interface DevClusterListener {
  /** All nodes that run can be used. */
  ready(nodes: readonly NodeLine[], leader: string): void
  /** A node has ended by itself. */
  ended(event: OutputEvent & { readonly event: 'exit' }): void
  /** A node is at long work. */
  progress(id: string, event: OutputEvent & { readonly event: 'progress' }): void
}

/** The processes of a local cluster, and what is known of each. */
export class DevCluster {
  /** Resolves when no node runs any more. */
  readonly gone: Promise<unknown>
  readonly #listener: DevClusterListener
  readonly #nodes: readonly ChildNode[]
  readonly #lines = new Map<string, NodeLine>()
  readonly #usable = new Set<string>()
  #leader: { readonly id: string; readonly term: number } | null = null
  #told = false
  #stopping = false

  constructor(plans: readonly PlannedNode[], listener: DevClusterListener) {
    this.#listener = listener
    this.#nodes = plans.map((plan) => new ChildNode(plan, (event, node) => this.#take(event, node)))
    this.gone = Promise.all(this.#nodes.map((node) => this.#watch(node)))
  }

  /** The leader first, which hands over, then the others one by one: the last one closes alone. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (;;) {
      const running = this.#nodes.filter((node) => node.running)
      const next = running.find(({ plan }) => plan.id === this.#leader?.id) ?? running[0]
      if (next === undefined) return
      await next.stop()
    }
  }

  kill(): void {
    this.#stopping = true
    for (const node of this.#nodes) if (node.running) node.kill()
  }

  #take(event: OutputEvent, { plan }: ChildNode): void {
    if (event.event === 'progress') return this.#listener.progress(plan.id, event)
    if (event.event === 'node') this.#lines.set(plan.id, event)
    if (event.event === 'ready') this.#usable.add(plan.id)
    if (event.event === 'leader' && event.leader !== null) {
      const newer = this.#leader === null || event.term >= this.#leader.term
      if (newer) this.#leader = { id: event.leader, term: event.term }
    }
    this.#tellReady()
  }

  async #watch(node: ChildNode): Promise<void> {
    const exit = await node.exited
    if (this.#stopping) return
    const { id, serveArgs } = node.plan
    const command = runnableLine(serveArgs)
    this.#listener.ended({ event: 'exit', id, pid: node.pid, ...exit, command })
    this.#tellReady()
  }

  #tellReady(): void {
    const running = this.#nodes.filter((node) => node.running)
    const ready = running.length > 0 && running.every(({ plan }) => this.#usable.has(plan.id))
    if (this.#told || this.#stopping || !ready || this.#leader === null) return
    this.#told = true
    const lines = running.flatMap(({ plan }) => this.#lines.get(plan.id) ?? [])
    this.#listener.ready(lines, this.#leader.id)
  }
}
