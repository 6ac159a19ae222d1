import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stateMachine } from '../../../lib/fsm/define.js'
import type { StateMachineSpec } from '../../../lib/fsm/spec.js'
import { lmdbStore } from '../../../lib/log/stores.js'
import type { RaftNodeOptions } from '../../../lib/node/options.js'
import { RaftNode } from '../../../lib/node/raft-node.js'
import { tcpTransport } from '../../../lib/transport/transports.js'
import { freePortBase } from '../../helpers/free-ports.js'

export interface TcpClusterOptions {
  /** Voters, named n1, n2, ... Default 3. */
  readonly nodes?: number
  readonly config?: RaftNodeOptions['config']
  /** Default: a list on a thread of its own. */
  readonly stateMachine?: (id: string) => StateMachineSpec
  /** What differs for single nodes. */
  readonly options?: (id: string, address: string) => Partial<RaftNodeOptions>
}

export const listMachine = (): StateMachineSpec =>
  stateMachine(new URL('../../fixtures/machines/list.js', import.meta.url))

/** Nodes in this process, on TCP and LMDB, with a thread for each actor unless told otherwise. */
export class TcpCluster {
  readonly members: readonly { readonly id: string; readonly address: string }[]
  readonly dir: string
  readonly #options: TcpClusterOptions
  readonly #nodes = new Map<string, RaftNode>()

  private constructor(options: TcpClusterOptions, dir: string, basePort: number) {
    this.#options = options
    this.dir = dir
    this.members = Array.from({ length: options.nodes ?? 3 }, (_, i) => ({
      id: `n${i + 1}`,
      address: `127.0.0.1:${basePort + i + 1}`,
    }))
  }

  /** A cluster of which no node runs yet. */
  static async make(options: TcpClusterOptions = {}): Promise<TcpCluster> {
    const dir = await mkdtemp(join(tmpdir(), 'troupe-cluster-'))
    return new TcpCluster(options, dir, await freePortBase(options.nodes ?? 3))
  }

  /** A cluster at rest, with a leader; `t` closes it. */
  static async start(t: Closing, options: TcpClusterOptions = {}): Promise<TcpCluster> {
    const cluster = await TcpCluster.make(options)
    t.teardown(() => cluster.remove())
    await cluster.startAll()
    await cluster.settle()
    return cluster
  }

  get nodes(): readonly RaftNode[] {
    return [...this.#nodes.values()]
  }

  dataDir(id: string): string {
    return join(this.dir, id)
  }

  address(id: string): string {
    return this.members.find((member) => member.id === id)?.address ?? ''
  }

  async start(id: string, more: Partial<RaftNodeOptions> = {}): Promise<RaftNode> {
    const { config, stateMachine: machine, options } = this.#options
    const node = await RaftNode.start({
      cluster: 'integration',
      id,
      dataDir: this.dataDir(id),
      transport: tcpTransport({ listen: this.address(id) }),
      store: lmdbStore(),
      stateMachine: machine?.(id) ?? listMachine(),
      bootstrap: this.members,
      config: { heartbeatTimeoutMs: 800, ...config },
      ...options?.(id, this.address(id)),
      ...more,
    })
    this.#nodes.set(id, node)
    return node
  }

  async startAll(): Promise<void> {
    const starts = this.members.map(({ id }) => this.start(id))
    // When one fails, the others are there to be closed.
    await Promise.allSettled(starts)
    await Promise.all(starts)
  }

  async stop(id: string): Promise<void> {
    const node = this.#nodes.get(id)
    this.#nodes.delete(id)
    await node?.close()
  }

  /** The leader, as soon as one of the nodes that run leads and may commit. */
  async leader(timeoutMs = 20_000): Promise<RaftNode> {
    const found = new AbortController()
    const leads = this.nodes.map(async (node) => {
      await node.waitFor({ state: 'leader' }, { timeoutMs, signal: found.signal })
      return node
    })
    const leader = await Promise.any(leads)
    found.abort()
    await Promise.allSettled(leads)
    return leader
  }

  /**
   * Brings about that this node leads, for stories that begin so: on a busy machine a transfer may come to
   * nothing in its time, and says so. One that never succeeds is an error.
   */
  async leadBy(id: string): Promise<RaftNode> {
    for (let left = 5; ; left--) {
      const leader = await this.leader()
      if (leader.id === id) return leader
      try {
        await leader.transferLeadership(id)
      } catch (error) {
        if (left === 0) throw error
      }
    }
  }

  /** Every node that runs follows the leader and has applied what was committed. */
  async settle(): Promise<void> {
    const leader = await this.leader()
    const applied = await leader.barrier({ timeoutMs: 20_000 })
    await Promise.all(this.nodes.map((node) => node.waitFor({ applied }, { timeoutMs: 20_000 })))
  }

  async followers(): Promise<readonly RaftNode[]> {
    const leader = await this.leader()
    return this.nodes.filter((node) => node !== leader)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((id) => this.stop(id)))
  }

  /** Closes what runs and deletes the directories. */
  async remove(): Promise<void> {
    await this.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

interface Closing {
  teardown(fn: () => Promise<void>): void
}
