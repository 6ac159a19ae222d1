import t, { type Test } from 'tap'
import { TransportError } from '../../lib/transport/errors.js'
import {
  type MemoryNetwork,
  memoryNetwork,
  memoryTransport,
} from '../../lib/transport/memory-transport.js'
import { FrameType } from '../../lib/transport/messages.js'
import { openTransport } from '../../lib/transport/open-transport.js'
import type { Channel } from '../../lib/transport/transport.js'
import { helloOfN1, welcomeOfN2 } from './support/identities.js'
import { ManualContext } from './support/manual-context.js'
import { ChannelRecorder, ListenRecorder } from './support/recorder.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

async function node(t: Test, network: MemoryNetwork, address: string) {
  const context = new ManualContext(address)
  t.teardown(() => context.throwFailure())
  const transport = await openTransport(memoryTransport(network, address), context)
  const listening = new ListenRecorder(welcomeOfN2)
  const listener = await transport.listen(listening)
  const dial = (to: string) => {
    const handler = new ChannelRecorder()
    return { handler, channel: transport.dial(to, helloOfN1, handler) }
  }
  return { context, transport, listening, listener, dial }
}

async function twoNodes(t: Test) {
  const network = memoryNetwork()
  const n1 = await node(t, network, 'n1:1')
  const n2 = await node(t, network, 'n2:1')
  const client = n1.dial('n2:1').handler
  const channel = await client.opened()
  const server = n2.listening.accepted[0] ?? new ChannelRecorder()
  return { network, n1, n2, client, channel, server, back: await server.opened() }
}

function send(channel: Channel, value: number): boolean {
  return channel.send({ type: FrameType.heartbeat, head: bytes(value), payload: [] })
}

const values = (recorder: ChannelRecorder): number[] =>
  recorder.frames.map(({ head }) => head[0] ?? -1)

t.test('frames cross in order, both ways, never in the turn that sends them', async (t) => {
  const { channel, back, client, server } = await twoNodes(t)
  for (let i = 1; i <= 5; i++) send(channel, i)
  t.equal(server.frames.length, 0)
  await server.received(5)
  t.same(values(server), [1, 2, 3, 4, 5])
  send(back, 9)
  await client.received(1)
})

t.test('memory is read when it arrives, and `written` tells', async (t) => {
  const { channel, server } = await twoNodes(t)
  const payload = bytes(1, 1, 1)
  let written = 0
  channel.send({ type: FrameType.appendEntries, head: bytes(1), payload: [payload] }, () => {
    written += 1
  })
  t.ok(channel.bufferedBytes > 0)
  payload.fill(2)
  await server.received(1)
  t.same(server.frames[0]?.payload, bytes(2, 2, 2), 'a sender that reuses it too early is found')
  t.same([written, channel.bufferedBytes], [1, 0])
})

t.test('a paused channel holds the sender', async (t) => {
  const { channel, back, server } = await twoNodes(t)
  back.pause()
  send(channel, 1)
  await turns()
  t.equal(server.frames.length, 0)
  t.ok(channel.bufferedBytes > 0)
  back.resume()
  await server.received(1)
  t.equal(channel.bufferedBytes, 0)
})

t.test('what a partition holds back arrives in order once it heals', async (t) => {
  const { network, n1, channel, server } = await twoNodes(t)
  network.partition('n1:1', 'n2:1')
  send(channel, 1)
  const second = n1.dial('n2:1').handler
  await turns()
  t.equal(server.frames.length, 0)
  t.equal(second.channel, null)
  send(channel, 2)
  network.heal()
  send(channel, 3)
  await server.received(3)
  t.same(values(server), [1, 2, 3])
  await second.opened()
})

t.test('a cut in one direction leaves the other alone', async (t) => {
  const { network, channel, back, client, server } = await twoNodes(t)
  network.partitionOneWay('n1:1', 'n2:1')
  send(channel, 1)
  send(back, 2)
  await client.received(1)
  t.equal(server.frames.length, 0)
})

t.test('a reset breaks the connection on both sides with an error', async (t) => {
  const { network, client, server } = await twoNodes(t)
  network.reset('n1:1', 'n2:1')
  await Promise.all([client.closed(), server.closed()])
  t.ok(client.error instanceof TransportError)
  t.ok(server.error instanceof TransportError)
})

t.test(
  'a crash closes what the others have with it, and a new listener takes its place',
  async (t) => {
    const { network, n1, n2, client, server } = await twoNodes(t)
    n2.context.alive = false
    network.crash('n2:1')
    await client.closed()
    t.equal(server.closes, 0, 'the dead are told nothing')
    const refused = n1.dial('n2:1').handler
    await refused.closed()
    t.match(refused.error?.message, /nobody listens/)
    await node(t, network, 'n2:1')
    await n1.dial('n2:1').handler.opened()
  },
)

t.test(
  'a dial closed before it is answered is closed once, and the listener forgets it',
  async (t) => {
    const { n1, n2 } = await twoNodes(t)
    const { handler, channel } = n1.dial('n2:1')
    channel.close()
    await handler.closed()
    await turns()
    t.same([handler.closes, handler.error, handler.channel], [1, null, null])
    t.equal(n2.listening.hellos.length, 1)
  },
)

t.test('closing the listener closes what it accepted', async (t) => {
  const { n2, client, server } = await twoNodes(t)
  await n2.listener.close()
  await Promise.all([client.closed(), server.closed()])
  t.same([client.error, server.error], [null, null])
})

t.test('a refused hello reaches the dialler', async (t) => {
  const { n1, n2 } = await twoNodes(t)
  const refusal = { code: 'RAFT_LOST_STATE', message: 'unknown' }
  n2.listening.decide = (_hello, accept) =>
    accept({ ...welcomeOfN2, refusal }, new ChannelRecorder())
  const { handler } = n1.dial('n2:1')
  await handler.closed()
  t.same(handler.refusal, refusal)
})
