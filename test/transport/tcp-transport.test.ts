import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { TransportError, type TransportErrorCode } from '../../lib/transport/errors.js'
import { encodeFrameHead } from '../../lib/transport/frame.js'
import { encodeHello } from '../../lib/transport/handshake.js'
import { FrameType } from '../../lib/transport/messages.js'
import { createTransport } from '../../lib/transport/tcp-transport.js'
import type { Channel } from '../../lib/transport/transport.js'
import type { TcpOptions } from '../../lib/transport/transports.js'
import { helloOfN1, welcomeOfN2 } from './support/identities.js'
import { ManualContext } from './support/manual-context.js'
import { ChannelRecorder, ListenRecorder } from './support/recorder.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const codeOf = (error: Error | null | undefined): TransportErrorCode | undefined =>
  error instanceof TransportError ? error.code : undefined

/** n2 listening on a free port, and a transport that n1 dials with. */
async function pair(t: Test, options: Partial<TcpOptions> = {}) {
  const context = new ManualContext()
  const transport = createTransport({ listen: '127.0.0.1:0', ...options }, context)
  const listening = new ListenRecorder(welcomeOfN2)
  const listener = await transport.listen(listening)
  t.teardown(() => listener.close())
  t.teardown(() => context.throwFailure())
  const dial = (hello = helloOfN1) => {
    const handler = new ChannelRecorder()
    transport.dial(listener.address, hello, handler)
    return handler
  }
  const socket = (allowHalfOpen = false) => rawSocket(t, listener.address, allowHalfOpen)
  return { context, transport, listening, listener, dial, socket }
}

async function rawSocket(t: Test, address: string, allowHalfOpen = false): Promise<Socket> {
  const [host, port] = address.split(':')
  const socket = connect({ host: host ?? '', port: Number(port), allowHalfOpen })
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** A reset closes it too. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** A channel and its other end, both open. */
async function openPair(t: Test, options: Partial<TcpOptions> = {}) {
  const both = await pair(t, options)
  const client = both.dial()
  const channel = await client.opened()
  const server = both.listening.accepted[0] ?? new ChannelRecorder()
  return { ...both, client, server, channel, back: await server.opened() }
}

function written(channel: Channel, payload: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    channel.send({ type: FrameType.appendEntries, head: bytes(1), payload: [payload] }, resolve)
  })
}

t.test('a dialled channel and its other end exchange frames both ways', async (t) => {
  const { listening, client, server, channel, back } = await openPair(t)
  t.same(listening.hellos, [helloOfN1])
  t.same(client.welcome, welcomeOfN2)
  t.ok(channel.send({ type: FrameType.heartbeat, head: bytes(1, 2, 3), payload: [] }))
  await server.received(1)
  t.same(server.frames[0]?.head, bytes(1, 2, 3))
  back.send({ type: FrameType.heartbeatReply, head: bytes(4), payload: [bytes(5)] })
  await client.received(1)
  t.same(client.frames[0]?.payload, bytes(5))
})

t.test('closing one end closes the other, in peace, once, and nothing more is sent', async (t) => {
  const { client, server, channel } = await openPair(t)
  channel.close()
  channel.close()
  await Promise.all([client.closed(), server.closed()])
  t.same([client.error, server.error, client.closes, server.closes], [null, null, 1, 1])
  t.equal(channel.send({ type: FrameType.heartbeat, head: bytes(1), payload: [] }), false)
})

t.test('nothing is sent before the Welcome', async (t) => {
  const { transport, listener } = await pair(t)
  const handler = new ChannelRecorder()
  const channel = transport.dial(listener.address, helloOfN1, handler)
  t.equal(channel.send({ type: FrameType.heartbeat, head: bytes(1), payload: [] }), false)
  await handler.opened()
})

t.test(
  '16 MiB of shared memory arrive whole, and `written` tells when they are read',
  async (t) => {
    const { server, channel } = await openPair(t)
    const payload = new Uint8Array(new SharedArrayBuffer(16 * 1024 * 1024))
    for (let i = 0; i < payload.length; i += 4093) payload[i] = i & 0xff
    const sent = written(channel, payload)
    t.ok(channel.bufferedBytes >= payload.length)
    await Promise.all([sent, server.received(1)])
    t.equal(channel.bufferedBytes, 0)
    t.equal(Buffer.compare(Buffer.from(payload), server.frames[0]?.payload ?? bytes()), 0)
  },
)

t.test('a run of large and small frames keeps its order and counts every `written`', async (t) => {
  const { server, channel } = await openPair(t)
  let count = 0
  const sizes = Array.from({ length: 200 }, (_, i) => (i % 7 === 0 ? 200_000 : i))
  for (const size of sizes) {
    const payload = [new Uint8Array(size).fill(size), new Uint8Array(3)]
    channel.send({ type: FrameType.appendEntries, head: bytes(size & 0xff), payload }, () => {
      count += 1
    })
  }
  await server.received(sizes.length)
  t.same(
    server.frames.map(({ payload }) => payload.length),
    sizes.map((size) => size + 3),
  )
  await written(channel, bytes(1))
  t.equal(count, sizes.length)
})

t.test('`written` is called when the channel closes before its bytes are out', async (t) => {
  const { client, back, channel } = await openPair(t)
  back.pause()
  let count = 0
  const payload = [new Uint8Array(8 * 1024 * 1024)]
  for (let i = 0; i < 4; i++) {
    channel.send({ type: FrameType.appendEntries, head: bytes(i), payload }, () => {
      count += 1
    })
  }
  channel.close()
  await client.closed()
  t.equal(count, 4)
})

t.test('a paused channel takes nothing until it is resumed', async (t) => {
  const { server, back, channel } = await openPair(t)
  back.pause()
  const sent = written(channel, new Uint8Array(15 * 1024 * 1024))
  await new Promise(setImmediate)
  t.equal(server.frames.length, 0)
  t.ok(channel.bufferedBytes > 0)
  back.resume()
  await Promise.all([sent, server.received(1)])
})

t.test('the receiver chooses the memory of a payload', async (t) => {
  const { listening, dial } = await pair(t)
  const memory = new Uint8Array(new SharedArrayBuffer(64), 8, 3)
  listening.makeHandler = () => Object.assign(new ChannelRecorder(), { allocate: () => memory })
  const channel = await dial().opened()
  await written(channel, bytes(7, 8, 9))
  await listening.accepted[0]?.received(1)
  t.equal(listening.accepted[0]?.frames[0]?.payload, memory)
  t.same([...memory], [7, 8, 9])
})

t.test('a TransportError thrown by a handler closes its channel only', async (t) => {
  const { listening, dial } = await pair(t)
  const malformed = new TransportError('RAFT_MESSAGE_MALFORMED', 'not understood')
  const other = dial()
  await other.opened()
  listening.makeHandler = () =>
    Object.assign(new ChannelRecorder(), {
      onFrame() {
        throw malformed
      },
    })
  const client = dial()
  const channel = await client.opened()
  channel.send({ type: FrameType.heartbeat, head: bytes(1), payload: [] })
  await client.closed()
  await listening.accepted[1]?.closed()
  t.equal(listening.accepted[1]?.error, malformed)
  t.equal(other.closes, 0)
})

t.test('HTTP spoken to the port is turned away and nobody else notices', async (t) => {
  const { listening, socket, server, channel } = await openPair(t)
  const http = await socket()
  http.write('GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await closing(http)
  t.equal(codeOf(listening.refused[0]), 'RAFT_HANDSHAKE_INVALID')
  t.match(listening.refused[0]?.message, /HTTP/)
  await written(channel, bytes(1))
  await server.received(1)
})

t.test('random bytes are turned away', async (t) => {
  const { listening, socket } = await pair(t)
  const raw = await socket()
  raw.write(Buffer.from('a5f00dbad0c0ffee'.repeat(64), 'hex'))
  await closing(raw)
  t.equal(codeOf(listening.refused[0]), 'RAFT_HANDSHAKE_INVALID')
})

t.test('half a handshake and then silence ends at handshakeTimeoutMs', async (t) => {
  const { context, listening, socket } = await pair(t, { handshakeTimeoutMs: 700 })
  const raw = await socket()
  raw.write(encodeHello(helloOfN1).subarray(0, 20))
  while (context.pendingTimers === 0) await new Promise(setImmediate)
  context.advance(699)
  t.same(listening.refused, [])
  context.advance(1)
  await closing(raw)
  t.equal(codeOf(listening.refused[0]), 'RAFT_HANDSHAKE_TIMEOUT')
})

t.test('a listener that never answers ends the dial at handshakeTimeoutMs', async (t) => {
  const { context, transport } = await pair(t, { handshakeTimeoutMs: 700 })
  const mute = createServer(() => {})
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const connected = once(mute, 'connection')
  const handler = new ChannelRecorder()
  transport.dial(`127.0.0.1:${(mute.address() as { port: number }).port}`, helloOfN1, handler)
  const [socket] = await connected
  t.teardown(() => {
    socket.destroy()
    mute.close()
  })
  context.advance(700)
  await handler.closed()
  t.equal(codeOf(handler.error), 'RAFT_HANDSHAKE_TIMEOUT')
})

t.test('a dialler that goes on before it is welcome is turned away', async (t) => {
  const { listening, socket } = await pair(t)
  listening.decide = () => {}
  const raw = await socket()
  raw.write(Buffer.concat([encodeHello(helloOfN1), bytes(0)]))
  await closing(raw)
  t.equal(codeOf(listening.refused[0]), 'RAFT_HANDSHAKE_INVALID')
})

t.test('a refusal in the Welcome reaches the dialler with its code', async (t) => {
  const { listening, dial } = await pair(t)
  const refusal = { code: 'RAFT_LOST_STATE', message: 'this incarnation is not known' }
  const refused = new ChannelRecorder()
  listening.decide = (_hello, accept) => accept({ ...welcomeOfN2, refusal }, refused)
  const client = dial()
  await Promise.all([client.closed(), refused.closed()])
  t.equal(codeOf(client.error), 'RAFT_REFUSED')
  t.same(client.refusal, refusal)
  t.equal(refused.channel, null)
})

t.test('a refused dialler that stays is cut off at handshakeTimeoutMs', async (t) => {
  const { context, listening, socket } = await pair(t, { handshakeTimeoutMs: 700 })
  const refusal = { code: 'RAFT_LOST_STATE', message: 'this incarnation is not known' }
  const refused = new ChannelRecorder()
  listening.decide = (_hello, accept) => accept({ ...welcomeOfN2, refusal }, refused)
  const raw = await socket(true)
  raw.write(encodeHello(helloOfN1))
  await once(raw, 'data')
  t.equal(refused.closes, 0)
  context.advance(700)
  await refused.closed()
  t.equal(refused.error, null)
})

t.test('another node or cluster than the dialler meant is not taken', async (t) => {
  const { dial } = await pair(t)
  for (const hello of [
    { ...helloOfN1, to: 'n3' },
    { ...helloOfN1, cluster: 'payments' },
  ]) {
    const client = dial(hello)
    await client.closed()
    t.equal(codeOf(client.error), 'RAFT_CLUSTER_MISMATCH')
  }
})

t.test('a decision after the dialler has gone closes the handler at once', async (t) => {
  const { context, listening, socket } = await pair(t)
  let decide: () => void = () => {}
  const late = new ChannelRecorder()
  listening.decide = (_hello, accept) => {
    decide = () => accept(welcomeOfN2, late)
  }
  const raw = await socket()
  raw.write(encodeHello(helloOfN1))
  await listening.until(() => listening.hellos.length === 1)
  raw.end()
  await closing(raw)
  while (context.pendingTimers > 0) await new Promise(setImmediate)
  decide()
  t.equal(late.closes, 1)
  t.equal(late.channel, null)
})

t.test(
  'frames beyond the limits or damaged on their way close that channel with a typed error',
  async (t) => {
    const { listening, socket } = await pair(t, { maxPayloadBytes: 1000 })
    const large = encodeFrameHead({
      type: FrameType.appendEntries,
      head: bytes(1),
      payload: [new Uint8Array(1001)],
    })
    const damaged = Buffer.from(
      encodeFrameHead({ type: FrameType.heartbeat, head: bytes(1, 2), payload: [] }),
    )
    damaged[17] = 9
    for (const [frame, code] of [
      [large, 'RAFT_FRAME_TOO_LARGE'],
      [damaged, 'RAFT_FRAME_CORRUPT'],
    ] as const) {
      const raw = await socket()
      raw.write(encodeHello(helloOfN1))
      await once(raw, 'data')
      raw.write(frame)
      await closing(raw)
      t.equal(codeOf(listening.accepted.at(-1)?.error), code)
    }
  },
)

t.test('a connection cut inside a frame is an error', async (t) => {
  const { listening, socket } = await pair(t)
  const raw = await socket()
  raw.write(encodeHello(helloOfN1))
  await once(raw, 'data')
  raw.end(Buffer.alloc(5))
  await listening.accepted[0]?.closed()
  t.equal(codeOf(listening.accepted[0]?.error), 'RAFT_CONNECTION_LOST')
})

t.test(
  'a dial that nobody answers, or that has no address, closes with a typed error',
  async (t) => {
    const { transport, listener } = await pair(t)
    await listener.close()
    const gone = new ChannelRecorder()
    transport.dial(listener.address, helloOfN1, gone)
    await gone.closed()
    t.equal(codeOf(gone.error), 'RAFT_CONNECTION_LOST')
    t.match(gone.error?.message, /ECONNREFUSED/)
    const wrong = new ChannelRecorder()
    transport.dial('nowhere', helloOfN1, wrong)
    await wrong.closed()
    t.equal(codeOf(wrong.error), 'RAFT_ADDRESS_INVALID')
  },
)

t.test(
  'connections past maxConnections are closed and room is made by those that end',
  async (t) => {
    const { listening, dial } = await pair(t, { maxConnections: 2 })
    const first = dial()
    const second = dial()
    const channel = await first.opened()
    await second.opened()
    const third = dial()
    await third.closed()
    t.equal(codeOf(listening.refused[0]), 'RAFT_TOO_MANY_CONNECTIONS')
    channel.close()
    await listening.accepted[0]?.closed()
    await dial().opened()
  },
)

t.test('a port in use rejects listen with its system error', async (t) => {
  const { listener, context } = await pair(t)
  const second = createTransport({ listen: listener.address }, context)
  await t.rejects(Promise.resolve(second.listen(new ListenRecorder(welcomeOfN2))), {
    code: 'EADDRINUSE',
  })
})

t.test('closing the listener frees the port and closes what it accepted', async (t) => {
  const { listener, client, server, context } = await openPair(t)
  await listener.close()
  await Promise.all([client.closed(), server.closed()])
  const again = await createTransport({ listen: listener.address }, context).listen(
    new ListenRecorder(welcomeOfN2),
  )
  t.equal(again.address, listener.address)
  await again.close()
})

t.test('the sockets of an actor that is gone are closed, its port too', async (t) => {
  const context = new ManualContext()
  const transport = createTransport({ listen: '127.0.0.1:0' }, context)
  const listener = await transport.listen(new ListenRecorder(welcomeOfN2))
  context.alive = false
  const raw = await rawSocket(t, listener.address)
  await closing(raw)
  const next = createTransport({ listen: listener.address }, new ManualContext())
  const again = await next.listen(new ListenRecorder(welcomeOfN2))
  await again.close()
})

t.test('thousands of small frames a second', async (t) => {
  const { server, channel } = await openPair(t)
  const frames = 20_000
  const started = process.hrtime.bigint()
  const head = new Uint8Array(100)
  for (let sent = 0; sent < frames; sent += 100) {
    for (let i = 0; i < 100; i++) {
      channel.send({ type: FrameType.heartbeat, head, payload: [] })
    }
    await new Promise(setImmediate)
  }
  await server.received(frames)
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  t.comment(`${Math.round(frames / seconds)} frames/s of 100 bytes, both ends on one thread`)
})
