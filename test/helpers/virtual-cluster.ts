import { loadCodec } from '../../lib/fsm/load.js'
import type { StateMachineSpec } from '../../lib/fsm/spec.js'
import { MemoryDisk } from '../../lib/log/memory-disk.js'
import { memoryStore } from '../../lib/log/stores.js'
import type { RaftConfig } from '../../lib/node/config.js'
import { type RaftNodeOptions, resolveOptions } from '../../lib/node/options.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import { type StartedNode, startNode } from '../../lib/node/start-node.js'
import type { ActorLogger } from '../../lib/runtime/actor.js'
import { SimActorSystem } from '../../lib/runtime/sim-host.js'
import { SimScheduler } from '../../lib/runtime/sim-scheduler.js'
import { MemorySnapshots } from '../../lib/snapshot/memory-store.js'
import { memorySnapshotStore } from '../../lib/snapshot/stores.js'
import { SimNetwork } from '../../lib/transport/sim-transport.js'

export interface VirtualClusterOptions {
  /** Voters to begin with, named n1, n2, ... Default 3. */
  readonly nodes?: number
  readonly stateMachine: (id: string) => StateMachineSpec
  readonly config?: Partial<RaftConfig>
  readonly logger?: ActorLogger
  /** What differs for single nodes. */
  readonly options?: (id: string) => Partial<RaftNodeOptions>
}

/** Virtual time that passes between two looks at what the test does. */
const SLICE_MS = 0.2

type Node = RaftNode<never>

/**
 * Whole nodes in virtual time: RaftNode on the simulator's actors, network and clock. Time passes by itself
 * while the test awaits, as fast as the machine can; however busy that is, no timeout comes early.
 */
export class VirtualCluster implements AsyncDisposable {
  readonly ids: readonly string[]
  readonly #options: VirtualClusterOptions
  readonly #scheduler = new SimScheduler({ seed: 1 })
  readonly #network = new SimNetwork({ time: this.#scheduler })
  readonly #nodes = new Map<string, Node>()
  readonly #disks = new Map<string, readonly [disk: MemoryDisk, snapshots: MemorySnapshots]>()
  #starts = 0
  #running: Promise<void> | null = null
  #closed = false

  constructor(options: VirtualClusterOptions) {
    this.#options = options
    this.ids = Array.from({ length: options.nodes ?? 3 }, (_, i) => `n${i + 1}`)
  }

  /** All nodes started, and a leader elected. */
  static async start(options: VirtualClusterOptions): Promise<VirtualCluster> {
    const cluster = new VirtualCluster(options)
    try {
      await Promise.all(cluster.ids.map((id) => cluster.start(id)))
      await cluster.leader()
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** The nodes that run. */
  get nodes(): readonly Node[] {
    return [...this.#nodes.values()]
  }

  node(id: string): Node {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id} runs`)
    return node
  }

  /** Starts a node, on what its disk holds if it ran before. */
  async start(id: string): Promise<Node> {
    this.#running ??= this.#run()
    const { stateMachine, config, options, logger } = this.#options
    const [disk, snapshots] = this.#diskOf(id)
    const resolved = resolveOptions({
      cluster: 'test',
      id,
      transport: this.#network.transport(id),
      store: memoryStore({ disk }),
      snapshots: memorySnapshotStore(snapshots),
      stateMachine: stateMachine(id),
      bootstrap: this.ids.map((server) => ({ id: server, address: server })),
      config: { heartbeatTimeoutMs: 200, ...config },
      threads: 'compact',
      ...options?.(id),
    })
    const system = new SimActorSystem(this.#scheduler, {
      name: `${id}.${++this.#starts}`,
      ...(logger && { logger }),
    })
    const codec = await loadCodec(resolved.stateMachine.codec)
    const node = nodeOf(await startNode({ options: resolved, codec, system }))
    this.#nodes.set(id, node)
    return node
  }

  async stop(id: string): Promise<void> {
    const node = this.node(id)
    this.#nodes.delete(id)
    await node.close()
  }

  /** The leader, once one of the nodes that run leads. */
  async leader(): Promise<Node> {
    const found = new AbortController()
    const leads = this.nodes.map(async (node) => {
      await node.waitFor({ state: 'leader' }, { timeoutMs: 60_000, signal: found.signal })
      return node
    })
    try {
      return await Promise.any(leads)
    } finally {
      found.abort()
      await Promise.allSettled(leads)
    }
  }

  /** Nothing crosses between the two. */
  partition(a: string, b: string): void {
    this.#network.partition([a], [b])
  }

  isolate(id: string): void {
    for (const other of this.#disks.keys()) if (other !== id) this.partition(id, other)
  }

  heal(): void {
    this.#network.heal()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((id) => this.stop(id)))
    this.#closed = true
    await this.#running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#scheduler.run({ forMs: SLICE_MS })
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #diskOf(id: string): readonly [MemoryDisk, MemorySnapshots] {
    const kept = this.#disks.get(id) ?? ([new MemoryDisk(), new MemorySnapshots()] as const)
    this.#disks.set(id, kept)
    return kept
  }
}

/** A RaftNode over parts that were started on another host than its own `start` takes. */
function nodeOf(started: StartedNode): Node {
  return Reflect.construct(RaftNode, [started]) as Node
}
