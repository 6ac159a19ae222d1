import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { TransportError } from '../../lib/transport/errors.js'
import { encodeHello } from '../../lib/transport/handshake.js'
import { FrameType } from '../../lib/transport/messages.js'
import { createTransport } from '../../lib/transport/tcp-transport.js'
import type { Transport } from '../../lib/transport/transport.js'
import { type TcpSpec, tcpTransport } from '../../lib/transport/transports.js'
import { type Certified, TestAuthority } from '../helpers/certificates.js'
import { helloOfN1, welcomeOfN2 } from './support/identities.js'
import { ManualContext } from './support/manual-context.js'
import { ChannelRecorder, ListenRecorder } from './support/recorder.js'

const directory = t.testdir({ ours: {}, theirs: {} })
const authority = new TestAuthority(join(directory, 'ours'))
const stranger = new TestAuthority(join(directory, 'theirs'))
const n1 = authority.issue('n1', ['URI:troupe://orders/n1'])
const n2 = authority.issue('n2', ['URI:troupe://orders/n2', 'DNS:n2.internal'])
const n3 = authority.issue('n3', ['URI:troupe://orders/n3'])
const n1OfAnotherCluster = authority.issue('n1b', ['URI:troupe://payments/n1'])

function node(t: Test, tls: Certified | null, limits: Partial<TcpSpec> = {}): Transport {
  const context = new ManualContext()
  t.teardown(() => context.throwFailure())
  const given = tls === null ? {} : { tls }
  const spec = tcpTransport({ listen: '127.0.0.1:0', ...limits, ...given })
  return createTransport(spec.options as TcpSpec, context)
}

/** n2 listens with its certificate, or without TLS. */
async function listening(t: Test, tls: Certified | null = n2, limits: Partial<TcpSpec> = {}) {
  const transport = node(t, tls, limits)
  const handler = new ListenRecorder(welcomeOfN2)
  const listener = await transport.listen(handler)
  t.teardown(() => listener.close())
  return { transport, handler, address: listener.address }
}

function dial(transport: Transport, address: string, hello = helloOfN1): ChannelRecorder {
  const handler = new ChannelRecorder()
  transport.dial(address, hello, handler)
  return handler
}

function codeOf(error: Error | null | undefined): string | undefined {
  return error instanceof TransportError ? error.code : undefined
}

t.test('two nodes that prove who they are exchange frames, in memory of their own', async (t) => {
  const { handler, address } = await listening(t)
  const client = dial(node(t, n1), address)
  const channel = await client.opened()
  t.same(handler.hellos, [helloOfN1])
  const payload = new Uint8Array(new SharedArrayBuffer(8 * 1024 * 1024)).fill(7)
  const written = new Promise<void>((resolve) => {
    channel.send(
      { type: FrameType.appendEntries, head: Uint8Array.of(1), payload: [payload] },
      resolve,
    )
  })
  const server = handler.accepted[0] ?? new ChannelRecorder()
  await Promise.all([written, server.received(1)])
  t.equal(channel.bufferedBytes, 0)
  t.equal(Buffer.compare(payload, server.frames[0]?.payload ?? new Uint8Array(0)), 0)
})

t.test('S7: `written` is called once for each frame when the connection ends before', async (t) => {
  const { handler, address } = await listening(t)
  const client = dial(node(t, n1), address)
  const channel = await client.opened()
  const back = await handler.accepted[0]?.opened()
  back?.pause()
  let count = 0
  const payload = [new Uint8Array(8 * 1024 * 1024)]
  for (let i = 0; i < 4; i++) {
    channel.send({ type: FrameType.appendEntries, head: Uint8Array.of(i), payload }, () => {
      count += 1
    })
  }
  channel.close()
  await client.closed()
  t.equal(count, 4)
})

t.test('plain text and TLS do not meet, and each side says so', async (t) => {
  const secure = await listening(t)
  const plain = dial(node(t, null), secure.address)
  await plain.closed()
  await secure.handler.until(() => secure.handler.refused.length === 1)
  t.equal(codeOf(secure.handler.refused[0]), 'RAFT_TLS_FAILED')
  t.match(secure.handler.refused[0]?.message, /found plain text/)
  t.match(plain.error?.message, /TLS/)

  const open = await listening(t, null)
  const tls = dial(node(t, n1), open.address)
  await tls.closed()
  t.equal(codeOf(tls.error), 'RAFT_TLS_FAILED')
  t.match(tls.error?.message, /does it listen without TLS\?/)
  t.equal(codeOf(open.handler.refused[0]), 'RAFT_HANDSHAKE_INVALID')
  t.match(open.handler.refused[0]?.message, /TLS/)
})

t.test('a certificate of another authority opens nothing, on either side', async (t) => {
  const impostor = stranger.issue('n1', ['URI:troupe://orders/n1'])
  const { handler, address } = await listening(t)
  // It trusts n2's authority, so that the refusal is the listener's.
  const refused = dial(node(t, { ...impostor, ca: authority.ca }), address)
  await refused.closed()
  await handler.until(() => handler.refused.length === 1)
  t.equal(codeOf(handler.refused[0]), 'RAFT_TLS_FAILED')
  t.match(handler.refused[0]?.message, /certificate is not accepted/)

  const wary = dial(node(t, { ...n1, ca: stranger.ca }), address)
  await wary.closed()
  t.equal(codeOf(wary.error), 'RAFT_TLS_FAILED')
  t.match(wary.error?.message, /the peer's certificate is not accepted/)
  t.same(handler.hellos, [])
})

t.test('a dialler without a certificate, or with TLS 1.2, is turned away', async (t) => {
  const { handler, address } = await listening(t)
  const [host = '', port] = address.split(':')
  const to = { host, port: Number(port), ca: authority.ca, checkServerIdentity: () => undefined }
  for (const extra of [{}, { ...n1, maxVersion: 'TLSv1.2' as const }]) {
    const socket = connectTls({ ...to, ...extra })
    socket.on('error', () => {})
    socket.on('secureConnect', () => socket.write(encodeHello(helloOfN1)))
    await new Promise((resolve) => socket.once('close', resolve))
  }
  await handler.until(() => handler.refused.length === 2)
  t.same(handler.refused.map(codeOf), ['RAFT_TLS_FAILED', 'RAFT_TLS_FAILED'])
  t.same(handler.hellos, [])
})

t.test('a node is who its certificate says, not who its Hello says', async (t) => {
  const { handler, address } = await listening(t)
  for (const wrong of [n3, n1OfAnotherCluster]) {
    const client = dial(node(t, wrong), address)
    await client.closed()
    t.equal(codeOf(client.error), 'RAFT_CONNECTION_LOST')
  }
  t.same(handler.refused.map(codeOf), ['RAFT_IDENTITY_MISMATCH', 'RAFT_IDENTITY_MISMATCH'])
  t.match(handler.refused[0]?.message, /names troupe:\/\/orders\/n3, .* troupe:\/\/orders\/n1;/)
  t.same(handler.hellos, [])
})

t.test('a dialler says nothing to a node that is not the one it means', async (t) => {
  const { handler, address } = await listening(t, n3)
  const client = dial(node(t, n1), address)
  await client.closed()
  t.equal(codeOf(client.error), 'RAFT_IDENTITY_MISMATCH')
  t.same(handler.hellos, [])
})

t.test('a stranger that says nothing is cut off, and nobody else waits for it', async (t) => {
  const { handler, address } = await listening(t, n2, { handshakeTimeoutMs: 50 })
  const [host = '', port] = address.split(':')
  const mute = connect({ host, port: Number(port) })
  mute.on('error', () => {})
  await once(mute, 'close')
  t.equal(codeOf(handler.refused[0]), 'RAFT_TLS_FAILED')
  await dial(node(t, n1), address).opened()
})

t.test('a new certificate serves the next connection; those that are open stay', async (t) => {
  const { transport, handler, address } = await listening(t)
  const client = dial(node(t, n1), address)
  await client.opened()
  const renewed = authority.issue('n2-renewed', ['URI:troupe://orders/n9'])
  transport.refresh?.({ listen: '127.0.0.1:0', credentials: renewed })
  const next = dial(node(t, n1), address)
  await next.closed()
  t.equal(codeOf(next.error), 'RAFT_IDENTITY_MISMATCH', 'the new certificate was shown')
  t.equal(client.closes, 0)
  t.equal(handler.hellos.length, 1)
})

t.test('other authorities end every connection: each peer must prove itself anew', async (t) => {
  const { transport, address } = await listening(t)
  const client = dial(node(t, n1), address)
  await client.opened()
  const own = stranger.issue('n2', ['URI:troupe://orders/n2'])
  transport.refresh?.({ listen: '127.0.0.1:0', credentials: { ...own, ca: stranger.ca } })
  await client.closed()
  const again = dial(node(t, { ...n1, ca: stranger.ca }), address)
  await again.closed()
  t.not(again.error, null)
})
