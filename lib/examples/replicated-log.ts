import { json } from 'node:stream/consumers'
import { type Entry, inlineStateMachine, RaftNode, tcpTransport } from 'troupe'

let log: string[] = []
const node = await RaftNode.start({
  cluster: 'demo',
  id: 'n1',
  dataDir: './data/n1',
  transport: tcpTransport({ listen: '127.0.0.1:7801' }),
  bootstrap: [{ id: 'n1', address: '127.0.0.1:7801' }],
  stateMachine: inlineStateMachine(() => ({
    apply: ({ command }: Entry) => log.push(Buffer.from(command).toString()),
    snapshot: (state = JSON.stringify(log)) => ({ persist: (to) => to.write(Buffer.from(state)) }),
    restore: async (source) => {
      log = (await json(source)) as string[]
    },
  })),
})
await node.apply(Buffer.from('hello'), { forward: true })
console.log(`${node.state} has ${log.join(', ')}`)
await node.close()
