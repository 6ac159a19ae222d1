import { EventEmitter, once } from 'node:events'
import { inlineStateMachine, type RaftNode } from 'troupe'
import { startTestCluster } from 'troupe/testing'

/** Nothing is replicated but who leads. */
const nothing = () =>
  inlineStateMachine(() => ({
    apply: () => undefined,
    snapshot: () => ({ persist: () => {} }),
    restore: () => {},
  }))

/**
 * The work that only one program at a time shall do. `signal` says when to stop; a program that stood still
 * learns of it late, so whatever is written elsewhere carries `term`: the next leader's is larger, and
 * who keeps the writings refuses a smaller one (see lock/).
 */
function workWhileLeading(node: RaftNode, stage: EventEmitter): Promise<void> {
  return node.whileLeader(async ({ term, signal }) => {
    console.log(`${node.id} works, fencing token ${term}`)
    stage.emit('working', node)
    if (!signal.aborted) await once(signal, 'abort')
    console.log(`${node.id} has stopped`)
  })
}

await using cluster = await startTestCluster({ stateMachine: nothing })
const stage = new EventEmitter()
for (const node of cluster.nodes) workWhileLeading(node, stage)

const [first] = (await once(stage, 'working')) as [RaftNode]
const another = once(stage, 'working')
await first.transferLeadership()
await another
