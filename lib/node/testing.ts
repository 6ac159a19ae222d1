import type { StateMachineSpec, StateMachineTypes } from '../fsm/spec.js'
import { MemoryDisk } from '../log/memory-disk.js'
import { memoryStore } from '../log/stores.js'
import type { ActorLogger } from '../runtime/actor.js'
import { MemorySnapshots } from '../snapshot/memory-store.js'
import { memorySnapshotStore } from '../snapshot/stores.js'
import {
  type MemoryNetwork,
  memoryNetwork,
  memoryTransport,
} from '../transport/memory-transport.js'
import type { RaftConfig } from './config.js'
import { RaftError } from './errors.js'
import type { RaftNodeOptions, ServerOptions } from './options.js'
import { RaftNode } from './raft-node.js'

/** What `startTestCluster` takes. */
export interface TestClusterOptions<Types extends StateMachineTypes> {
  /** Voters to begin with, named n1, n2, ... Default 3. */
  readonly nodes?: number
  /**
   * One state machine for each node: `() => inlineStateMachine(() => new Counter(), { codec })`. Called
   * again when a node is started again.
   */
  readonly stateMachine: (id: string) => StateMachineSpec<Types>
  /** Default: heartbeatTimeoutMs 500, which a machine that is busy with other tests can keep. */
  readonly config?: Partial<RaftConfig>
  readonly logger?: ActorLogger
  /** What differs for single nodes from a memory store on a memory network. */
  readonly options?: (id: string) => Partial<RaftNodeOptions<Types>>
}

const DEFAULT_CONFIG: Partial<RaftConfig> = { heartbeatTimeoutMs: 500 }

/** A cluster in this process: memory network, memory stores, every actor on this thread. */
export class TestCluster<Types extends StateMachineTypes> implements AsyncDisposable {
  readonly network: MemoryNetwork = memoryNetwork()
  readonly ids: readonly string[]
  readonly #options: TestClusterOptions<Types>
  readonly #nodes = new Map<string, RaftNode<Types>>()
  readonly #starting = new Set<Promise<RaftNode<Types>>>()
  readonly #disks = new Map<string, readonly [disk: MemoryDisk, snapshots: MemorySnapshots]>()

  constructor(options: TestClusterOptions<Types>) {
    this.#options = options
    this.ids = Array.from({ length: options.nodes ?? 3 }, (_, i) => `n${i + 1}`)
  }

  /** The nodes that run. */
  get nodes(): readonly RaftNode<Types>[] {
    return [...this.#nodes.values()]
  }

  node(id: string): RaftNode<Types> {
    const node = this.#nodes.get(id)
    if (node !== undefined) return node
    throw new RaftError('RAFT_UNKNOWN_SERVER', `the test cluster has no running node ${id}`)
  }

  /** Starts a node, on what its memory disk holds if it ran before. `options` go before all others. */
  async start(id: string, options: Partial<RaftNodeOptions<Types>> = {}): Promise<RaftNode<Types>> {
    const starting = this.#start(id, options)
    this.#starting.add(starting)
    try {
      const node = await starting
      this.#nodes.set(id, node)
      return node
    } finally {
      this.#starting.delete(starting)
    }
  }

  async #start(id: string, given: Partial<RaftNodeOptions<Types>>): Promise<RaftNode<Types>> {
    const { stateMachine, config, logger, options } = this.#options
    const [disk, snapshots] = this.#diskOf(id)
    return RaftNode.start<Types>({
      cluster: 'test',
      id,
      transport: memoryTransport(this.network, id),
      store: memoryStore({ disk }),
      snapshots: memorySnapshotStore(snapshots),
      stateMachine: stateMachine(id),
      bootstrap: this.ids.map((server): ServerOptions => ({ id: server, address: server })),
      config: { ...DEFAULT_CONFIG, ...config },
      threads: 'compact',
      logger,
      ...options?.(id),
      ...given,
    })
  }

  /** Closes one node; its memory disk stays. */
  async stop(id: string): Promise<void> {
    const node = this.node(id)
    this.#nodes.delete(id)
    await node.close()
  }

  /** Loses the memory disk of a node that is stopped: it comes back as if it had never been. */
  wipe(id: string): void {
    this.#disks.delete(id)
  }

  /** Cuts a node off from all others until `heal`. Pairs, one-way cuts and resets: see `network`. */
  isolate(id: string): void {
    this.network.isolate(this.node(id).address)
  }

  /** Everyone reaches everyone again; what was sent meanwhile arrives. */
  heal(): void {
    this.network.heal()
  }

  /** The leader, once the nodes that run know one that leads. */
  async leader(options: { readonly timeoutMs?: number } = {}): Promise<RaftNode<Types>> {
    const timeoutMs = options.timeoutMs ?? 10_000
    const found = new AbortController()
    const leads = this.nodes.map(async (node) => {
      await node.waitFor({ state: 'leader' }, { timeoutMs, signal: found.signal })
      return node
    })
    try {
      return await Promise.any(leads)
    } finally {
      // The other nodes wait for nothing any more.
      found.abort()
      await Promise.allSettled(leads)
    }
  }

  async close(): Promise<void> {
    // One that is starting would be closed by nobody.
    await Promise.allSettled(this.#starting)
    await Promise.all([...this.#nodes.keys()].map((id) => this.stop(id)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #diskOf(id: string): readonly [MemoryDisk, MemorySnapshots] {
    const kept = this.#disks.get(id) ?? ([new MemoryDisk(), new MemorySnapshots()] as const)
    this.#disks.set(id, kept)
    return kept
  }
}

/** Starts all nodes and resolves with a leader elected. Close it, or `await using` it. */
export async function startTestCluster<Types extends StateMachineTypes>(
  options: TestClusterOptions<Types>,
): Promise<TestCluster<Types>> {
  const cluster = new TestCluster(options)
  try {
    await Promise.all(cluster.ids.map((id) => cluster.start(id)))
    await cluster.leader()
    return cluster
  } catch (error) {
    await cluster.close()
    throw error
  }
}
