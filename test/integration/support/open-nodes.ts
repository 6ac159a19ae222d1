import { loadCodec } from '../../../lib/fsm/load.js'
import { lmdbStore } from '../../../lib/log/stores.js'
import { Applier } from '../../../lib/node/applier.js'
import { type RaftNodeOptions, resolveOptions } from '../../../lib/node/options.js'
import { type StartedNode, startNode } from '../../../lib/node/start-node.js'
import type { Applied, ApplyOptions } from '../../../lib/node/types.js'
import type { ActorHandle } from '../../../lib/runtime/actor.js'
import { createActorSystem } from '../../../lib/runtime/actor-system.js'
import { tcpTransport } from '../../../lib/transport/transports.js'
import { listMachine, TcpCluster, type TcpClusterOptions } from './tcp-cluster.js'

/** A node whose actors a test can reach, to kill them. */
export class OpenNode {
  readonly id: string
  readonly started: StartedNode
  readonly #applier: Applier

  constructor(id: string, started: StartedNode) {
    this.id = id
    this.started = started
    const { side, options, codec } = started
    this.#applier = new Applier(side, options.config, codec)
  }

  actor(name: string): ActorHandle {
    const found = this.started.assembled.handles().find((handle) => handle.name === name)
    if (found === undefined) throw new Error(`${this.id} has no actor ${name}`)
    return found
  }

  /** Ends it as a crash of its thread would, and resolves when its successor is ready. */
  async replaced(name: string): Promise<void> {
    const before = this.actor(name)
    await before.kill()
    while (this.actor(name) === before) await new Promise((resolve) => setImmediate(resolve))
  }

  apply(command: string, options: ApplyOptions = {}): Promise<Applied> {
    return this.#applier.applyWith(Buffer.from(command), options)
  }

  /** How many commands its list holds, asked so that all of `minIndex` is in it. */
  async length(minIndex: number): Promise<number> {
    const options = { consistency: 'stale', minIndex } as const
    const { result } = await this.started.side.reader.query({ request: 'length' }, options)
    return result as number
  }
}

/** Three open nodes on TCP and LMDB, at rest, with a leader; `t` closes them. */
export async function startOpenNodes(
  t: Parameters<typeof TcpCluster.start>[0],
  options: TcpClusterOptions = {},
): Promise<{ readonly leader: OpenNode; readonly followers: readonly OpenNode[] }> {
  const places = await TcpCluster.make(options)
  const nodes: OpenNode[] = []
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.started.life.close()))
    await places.remove()
  })
  const starting = places.members.map(async ({ id, address }) => {
    nodes.push(
      await startOpen({
        cluster: 'integration',
        id,
        dataDir: places.dataDir(id),
        transport: tcpTransport({ listen: address }),
        store: lmdbStore(),
        stateMachine: options.stateMachine?.(id) ?? listMachine(),
        bootstrap: places.members,
        config: options.config,
        ...options.options?.(id, address),
      }),
    )
  })
  await Promise.all(starting)
  return atRest(nodes)
}

async function startOpen(options: RaftNodeOptions): Promise<OpenNode> {
  const { logger } = options
  const system = createActorSystem(logger === undefined ? {} : { logger })
  const codec = await loadCodec(options.stateMachine.codec)
  return new OpenNode(
    options.id,
    await startNode({ options: resolveOptions(options), codec, system }),
  )
}

async function atRest(nodes: readonly OpenNode[]) {
  const timeoutMs = 20_000
  const { index } = await (nodes[0] as OpenNode).apply('first', { forward: true, timeoutMs })
  await Promise.all(nodes.map((node) => node.length(index)))
  const leader = nodes.find((node) => node.started.side.view.leads)
  if (leader === undefined) throw new Error('the leader is gone already')
  return { leader, followers: nodes.filter((node) => node !== leader) }
}
