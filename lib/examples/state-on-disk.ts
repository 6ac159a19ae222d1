import { jsonCodec, RaftNode, stateMachine, tcpTransport } from 'troupe'
import type { Command } from './lmdb-table.js'

/** One node whose table lives in LMDB (lmdb-table.ts): run it twice, and it goes on where it was. */
await using node = await RaftNode.start({
  cluster: 'tables',
  id: 'n1',
  dataDir: './data/tables',
  transport: tcpTransport({ listen: '127.0.0.1:7811' }),
  bootstrap: [{ id: 'n1', address: '127.0.0.1:7811' }],
  stateMachine: stateMachine<typeof import('./lmdb-table.js')>(
    new URL('./lmdb-table.js', import.meta.url),
    {},
    { codec: jsonCodec<Command>() },
  ),
})

// A run of commands is one call of applyBatch there, and one transaction.
const colours = ['red', 'green', 'blue'].map((colour, i) => ({ set: colour, to: `${i}` }))
await node.waitFor({ state: 'leader' })
const { results } = await node.applyBatch(colours)

const before = results.map((outcome) => (outcome.ok ? outcome.value : outcome.error.code))
console.log(`there was ${before.map(String).join(', ')}`)
console.log(`there are ${await node.queries().count()} rows now`)
