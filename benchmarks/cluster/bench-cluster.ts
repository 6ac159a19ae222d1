import { join } from 'node:path'
import { freePorts } from './free-ports.js'
import type { Member, NodeSetup } from './node-calls.js'
import { NodeProcess } from './node-process.js'

export type ClusterOptions = Partial<
  Pick<NodeSetup, 'store' | 'machine' | 'threads' | 'consensus' | 'caller' | 'stallable' | 'config'>
> & {
  readonly nodes: number
  readonly dir: string
}

/** A cluster of this library: a process a node, TCP on loopback. */
export class BenchCluster {
  readonly nodes: readonly NodeProcess[]
  #leader: NodeProcess | null = null
  #onLeader: (() => void)[] = []

  private constructor(nodes: readonly NodeProcess[]) {
    this.nodes = nodes
  }

  static async start(options: ClusterOptions): Promise<BenchCluster> {
    const ports = await freePorts(options.nodes)
    const members = ports.map((port, i) => ({ id: `n${i + 1}`, address: `127.0.0.1:${port}` }))
    const cluster = new BenchCluster(
      members.map((self) => new NodeProcess(setupOf(self, members, options))),
    )
    try {
      await Promise.all(cluster.nodes.map((node) => cluster.startNode(node)))
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** Also of a node that was killed. */
  async startNode(node: NodeProcess): Promise<void> {
    await node.start(() => {
      this.#leader = node
      for (const resolve of this.#onLeader.splice(0)) resolve()
    })
  }

  /** The node that said last that it leads. */
  async leader(): Promise<NodeProcess> {
    if (this.#leader === null) {
      await new Promise<void>((resolve) => {
        this.#onLeader.push(resolve)
      })
    }
    return this.#leader ?? (await this.leader())
  }

  async followers(): Promise<readonly NodeProcess[]> {
    const leader = await this.leader()
    return this.nodes.filter((node) => node !== leader)
  }

  async killLeader(): Promise<NodeProcess> {
    const leader = await this.leader()
    this.#leader = null
    await leader.kill()
    return leader
  }

  /** Those that can still be asked close in order; what does not answer is killed. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close().catch(() => node.kill())))
  }
}

/** How a node starts that is, or is to become, a member. */
export function setupOf(
  self: Member,
  members: readonly Member[],
  options: ClusterOptions,
): NodeSetup {
  return {
    id: self.id,
    listen: self.address,
    members,
    dataDir: join(options.dir, self.id),
    store: options.store ?? 'lmdb',
    machine: options.machine ?? 'count',
    threads: options.threads ?? 'dedicated',
    consensus: options.consensus ?? 'caller',
    caller: options.caller ?? [],
    stallable: options.stallable ?? false,
    config: options.config ?? {},
  }
}
