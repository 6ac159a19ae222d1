import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { memoryStore } from '../../lib/log/stores.js'
import { encodeHello, PROTOCOL_VERSION } from '../../lib/transport/handshake.js'
import type { Hello } from '../../lib/transport/transport.js'
import { tcpTransport } from '../../lib/transport/transports.js'
import { fateOf } from '../node/fixtures/callers.js'
import { logRecorder } from './support/log-recorder.js'
import { undisturbed } from './support/quiet.js'
import { TcpCluster } from './support/tcp-cluster.js'

/** Whoever knocks at the Raft port and is no member is turned away, and nothing else suffers. */

const config = { heartbeatTimeoutMs: 800 }

t.test('a node of another cluster that dials is refused and told why', async (t) => {
  const own = logRecorder()
  const cluster = await TcpCluster.start(t, { config, options: () => ({ logger: own.logger }) })
  const other = logRecorder()
  const stranger = await TcpCluster.make({ nodes: 1 })
  t.teardown(() => stranger.remove())
  await undisturbed(t, cluster, async () => {
    const bootstrap = [
      ...stranger.members.map((member) => ({ ...member, id: 'x1' })),
      ...cluster.members,
    ]
    const { logger } = other
    const node = await stranger.start('n1', { cluster: 'another', id: 'x1', bootstrap, logger })
    t.equal(node.leader, null)
    t.equal(await fateOf(node.apply(new Uint8Array(1))), 'RAFT_NO_LEADER rejected')
  })
  const code = 'RAFT_CLUSTER_MISMATCH'
  const message = /^this is cluster integration, the hello is of cluster another/
  t.match(
    other.records.filter((record) => 'code' in record && record.code === code),
    ['n1', 'n2', 'n3'].map(() => ({ code, message })),
    'the stranger is told by each',
  )
  t.match(own.records[0], { message: 'a connection was turned away', error: /MISMATCH: / })
})

t.test('a member’s address that leads to another cluster is reported, and mended', async (t) => {
  const cluster = await TcpCluster.start(t)
  const [follower] = await cluster.followers()
  const id = follower?.id ?? ''
  await cluster.stop(id)
  const leader = await cluster.leader()
  const refused = new Promise((resolve) => {
    leader.on('peer', (event) => {
      if (event.change === 'refused') resolve(event)
    })
  })
  await cluster.start(id, { cluster: 'another', store: memoryStore() })
  const reason = /RAFT_CLUSTER_MISMATCH: this is cluster another/
  t.match(await refused, { kind: 'peer', peer: id, change: 'refused', reason })
  await cluster.stop(id)
  const { index } = await leader.apply(Buffer.from('meanwhile'))
  const right = await cluster.start(id)
  await right.waitFor({ applied: index }, { timeoutMs: 20_000 })
})

const HANDSHAKE_MS = 500

const rudeness: Readonly<Record<string, (address: string) => Promise<void>>> = {
  'HTTP is spoken': async (address) => {
    const asked = request(`http://${address}/kv/key`)
    asked.end()
    await once(asked, 'error')
  },
  'TLS is spoken': async (address) => {
    const [host = '', port] = address.split(':')
    const socket = connectTls({ host, port: Number(port) })
    await once(socket, 'error')
  },
  'random bytes are sent': (address) => say(address, randomBytes(1024 * 1024)),
  'nothing is said': (address) => say(address, new Uint8Array(0)),
  'half a handshake is sent': (address) => say(address, hello().subarray(0, 20)),
  'a handshake with a flipped bit is sent': (address) => {
    const bytes = hello()
    bytes[30] = (bytes[30] ?? 0) ^ 1
    return say(address, bytes)
  },
  'another version of the protocol is spoken': (address) =>
    say(address, hello({ version: 9, to: memberAt(address) })),
  'the names of members are taken': (address) => {
    const to = memberAt(address)
    return say(address, ...members.map(({ id: nodeId }) => hello({ nodeId, to })))
  },
  'garbage follows a good handshake': async (address) => {
    const socket = dial(address)
    socket.write(hello({ nodeId: 'n9', to: memberAt(address) }))
    await once(socket, 'data')
    socket.write(randomBytes(4096))
    await closed(socket)
  },
  'connections come and go': async (address) => {
    const sockets = Array.from({ length: 100 }, () => dial(address))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets) socket.destroy()
    await Promise.all(sockets.map(closed))
  },
}

t.test('whoever is rude at the Raft port loses the connection', async (t) => {
  const cluster = await TcpCluster.start(t, {
    config,
    options: (_, listen) => ({
      transport: tcpTransport({ listen, handshakeTimeoutMs: HANDSHAKE_MS }),
    }),
  })
  members = cluster.members
  for (const [what, act] of Object.entries(rudeness)) {
    await t.test(what, (t) =>
      undisturbed(t, cluster, async () => {
        await Promise.all(cluster.members.map(({ address }) => act(address)))
      }),
    )
  }
})

let members: TcpCluster['members'] = []

function memberAt(address: string): string {
  return members.find((member) => member.address === address)?.id ?? ''
}

function hello(what: Partial<Hello> = {}): Uint8Array {
  return encodeHello({
    version: PROTOCOL_VERSION,
    cluster: 'integration',
    nodeId: 'n9',
    incarnation: 'a stranger',
    purpose: 'data',
    to: 'n1',
    ...what,
  })
}

/** Each on a connection of its own, until the other side has closed them. */
async function say(address: string, ...messages: readonly Uint8Array[]): Promise<void> {
  await Promise.all(
    messages.map(async (bytes) => {
      const socket = dial(address)
      socket.write(bytes)
      await closed(socket)
    }),
  )
}

/** Whatever is said to it is read, so that its end is seen. */
function dial(address: string): Socket {
  const [host, port] = address.split(':')
  const socket = connect({ host, port: Number(port) })
  socket.on('error', () => {})
  socket.resume()
  return socket
}

/** In whatever way. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}
