import type t from 'tap'
import type { RaftEvent } from '../../../lib/node/events.js'
import type { TcpCluster } from './tcp-cluster.js'

type Tap = Pick<typeof t, 'same' | 'equal' | 'match'>

/** Runs `trouble` and asserts that the nodes of the cluster neither noticed nor stopped working. */
export async function undisturbed(
  t: Tap,
  cluster: TcpCluster,
  trouble: () => Promise<void>,
): Promise<void> {
  await cluster.settle()
  const events: RaftEvent[] = []
  const listeners = cluster.nodes.flatMap((node) => [
    node.on('state', (event) => events.push(event)),
    node.on('leader', (event) => events.push(event)),
    node.on('vote', (event) => events.push(event)),
    // Connections may still come up; none may go down.
    node.on('heartbeat', (event) => event.healthy || events.push(event)),
  ])
  const leader = await cluster.leader()
  const { term } = leader.stats()
  await trouble()
  for (const node of cluster.nodes) {
    await node.apply(Buffer.from('goes on'), { forward: true })
    t.match(node.stats(), { term, leader: leader.id }, `${node.id} has its term and leader`)
  }
  t.same(events, [], 'no vote, no change, no connection lost')
  for (const forget of listeners) forget()
}
