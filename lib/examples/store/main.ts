import { jsonCodec, RaftNode, stateMachine, tcpTransport } from 'troupe'
import { storeContract } from 'troupe/store'
import type { Command } from '../counter.js'
import { createStore } from './file-store.js'

/** A node on a store of one's own. First the contract that every store is held to; in tests it belongs. */
const checks = storeContract(createStore)
for (const check of checks) await check.run()
console.log(`${checks.length} checks of the contract hold`)

await using node = await RaftNode.start({
  cluster: 'counts',
  id: 'n1',
  dataDir: './data/counts',
  transport: tcpTransport({ listen: '127.0.0.1:7821' }),
  store: { module: new URL('./file-store.js', import.meta.url) },
  bootstrap: [{ id: 'n1', address: '127.0.0.1:7821' }],
  stateMachine: stateMachine<typeof import('../counter.js')>(
    new URL('../counter.js', import.meta.url),
    { start: 0 },
    { codec: jsonCodec<Command>() },
  ),
})
const { result } = await node.apply({ add: 1 }, { forward: true })
console.log(`counted to ${result}`)
