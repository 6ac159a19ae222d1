import { SimCluster } from '../../../lib/sim/sim-cluster.js'
import type { SimNode } from '../../../lib/sim/sim-node.js'

export interface ServingThree {
  readonly cluster: SimCluster
  readonly leader: SimNode
  readonly followers: readonly [SimNode, SimNode]
}

/** Three nodes that have committed something, and who leads them. */
export async function servingThree(): Promise<ServingThree> {
  const cluster = new SimCluster({
    seed: 1,
    nodes: 3,
    proposeEveryMs: 20,
    config: { heartbeatTimeoutMs: 150 },
  })
  cluster.startAll()
  await cluster.run(10_000, () => cluster.totals.operations > 50)
  const leader = cluster.view.leading()?.node as SimNode
  const [one, other] = cluster.nodes.filter((node) => node !== leader) as [SimNode, SimNode]
  return { cluster, leader, followers: [one, other] }
}

/** Both directions between it and everyone else. */
export function cutOff(cluster: SimCluster, node: SimNode): void {
  const others = cluster.nodes.filter((other) => other !== node).map(({ address }) => address)
  cluster.network.partition([node.address], others)
}
