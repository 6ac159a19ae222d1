import { inlineStateMachine, isRaftError, jsonCodec } from 'troupe'
import { startTestCluster } from 'troupe/testing'
import { type Command, Counter } from './counter.js'

/** A test of one's own state machine on a cluster in this process that loses its leader. */
await using cluster = await startTestCluster({
  stateMachine: () =>
    inlineStateMachine(() => new Counter(0), {
      codec: jsonCodec<Command>(),
      entryData: 'borrowed',
    }),
})
const leader = await cluster.leader()
await leader.apply({ add: 1 })

// Cut off, it cannot commit; what it was given ends as what it is: nobody knows yet.
cluster.isolate(leader.id)
const lost = await leader.apply({ add: 10 }, { timeoutMs: 100 }).catch((error: unknown) => error)
if (isRaftError(lost)) console.log(`cut off, and nobody knows: ${lost.outcome}`)

const others = cluster.nodes.filter((node) => node !== leader)
const [witness] = others
await Promise.any(others.map((node) => node.waitFor({ state: 'leader' })))
const { result } = await (witness ?? leader).apply({ add: 2 }, { forward: true })
console.log(`the others go on: ${result}`)

// Back again, it follows, and what it alone had is gone.
cluster.heal()
console.log(`everyone agrees: ${await leader.queries().total()}`)
