import { isRaftError, jsonCodec, stateMachine } from 'troupe'
import { startTestCluster } from 'troupe/testing'
import type { Command } from './counter.js'

/** The state machine of counter.ts on three nodes of this process: typed commands, results and queries. */
const counter = () =>
  stateMachine<typeof import('./counter.js')>(
    new URL('./counter.js', import.meta.url),
    { start: 5 },
    { codec: jsonCodec<Command>() },
  )

await using cluster = await startTestCluster({ stateMachine: counter })
const leader = await cluster.leader()

const { result } = await leader.apply({ add: 3 })
console.log(`5 and 3 are ${result}`)

const refused = await leader.apply({ add: -9 }).catch((error: unknown) => error)
if (isRaftError(refused, 'RAFT_COMMAND_REJECTED')) console.log(`refused: ${refused.message}`)

for (const id of cluster.ids) {
  console.log(`${id} answers ${await cluster.node(id).queries().total()}`)
}
