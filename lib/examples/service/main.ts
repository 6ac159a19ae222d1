import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { httpStatus, isRaftError, jsonCodec, RaftNode, stateMachine, tcpTransport } from 'troupe'
import type { Command } from '../counter.js'

/**
 * A service with a node inside that stops without its clients noticing: requests under way are answered,
 * leadership is handed over, everything is closed.
 *
 *   node main.js n1 8801 n1=127.0.0.1:7801 n2=127.0.0.1:7802 n3=127.0.0.1:7803
 */
const [id = '', httpPort = '', ...list] = process.argv.slice(2)
const members = list.map((entry) => {
  const [name = '', address = ''] = entry.split('=')
  return { id: name, address }
})

const node = await RaftNode.start({
  cluster: 'counts',
  id,
  dataDir: `./data/service-${id}`,
  transport: tcpTransport({ listen: members.find((member) => member.id === id)?.address ?? '' }),
  bootstrap: members,
  stateMachine: stateMachine<typeof import('../counter.js')>(
    new URL('../counter.js', import.meta.url),
    { start: 0 },
    { codec: jsonCodec<Command>() },
  ),
})

let stopping = false

async function answer({ method, url }: IncomingMessage): Promise<readonly [number, string]> {
  switch (`${method} ${url}`) {
    case 'GET /healthz': // Restart me if this fails: says nothing of the others.
      return node.state === 'closed' ? [503, 'closed'] : [200, 'ok']
    case 'GET /readyz': // Send me requests only while this succeeds.
      return stopping || node.leader === null ? [503, 'not ready'] : [200, 'ready']
    case 'POST /count':
      return [200, `${(await node.apply({ add: 1 }, { forward: true })).result}`]
    default:
      return [404, 'there is POST /count, GET /healthz and GET /readyz']
  }
}

const server = createServer((request, response) => {
  answer(request)
    .catch((error: unknown) =>
      isRaftError(error) ? ([httpStatus(error), error.code] as const) : ([500, 'failed'] as const),
    )
    .then(([status, text]) => {
      response.writeHead(status, stopping ? { connection: 'close' } : {}).end(`${text}\n`)
    })
})
server.listen(Number(httpPort), '127.0.0.1')
await once(server, 'listening')
await node.waitFor({ leader: true })
console.log('ready')

// Whatever comes first; a node that has failed or was removed is no use any more.
const stopped = once(process, 'SIGTERM').then(() => 'asked to')
const reason = await Promise.race([stopped, node.closed.then(({ reason }) => `node ${reason}`)])
stopping = true
console.log(`stopping: ${reason}`)

server.close()
await once(server, 'close')
console.log('every request is answered')

await node.close({ transfer: true })
console.log('leadership handed over, all closed')
