import t from 'tap'
import type { ActorContext } from '../../lib/runtime/actor.js'
import { SimScheduler } from '../../lib/runtime/sim-scheduler.js'
import { FrameType } from '../../lib/transport/messages.js'
import { openTransport } from '../../lib/transport/open-transport.js'
import { type NetworkFaults, SimNetwork, simTransport } from '../../lib/transport/sim-transport.js'
import type { Channel, Transport } from '../../lib/transport/transport.js'
import { helloOfN1, welcomeOfN2 } from './support/identities.js'
import { ManualContext } from './support/manual-context.js'
import { ChannelRecorder, ListenRecorder } from './support/recorder.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** An actor's context in virtual time. */
class SimContext extends ManualContext {
  readonly #scheduler: SimScheduler

  constructor(name: string, scheduler: SimScheduler) {
    super(name)
    this.#scheduler = scheduler
  }

  override now(): number {
    return this.#scheduler.now()
  }

  override after(delayMs: number, callback: () => void): ReturnType<ActorContext['after']> {
    return this.#scheduler.after(delayMs, () => this.turn(callback))
  }
}

class World {
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly trace: string[] = []

  constructor(seed: number, faults: Partial<NetworkFaults> = {}) {
    this.scheduler = new SimScheduler({ seed })
    this.network = new SimNetwork({
      time: this.scheduler,
      faults,
      onEvent: (event) => this.trace.push(JSON.stringify(event)),
    })
  }

  node(address: string) {
    const context = new SimContext(address, this.scheduler)
    const transport = openTransport(simTransport(this.network, address), context) as Transport
    const listening = new ListenRecorder(welcomeOfN2)
    transport.listen(listening)
    const dial = () => {
      const handler = new ChannelRecorder()
      return { handler, channel: transport.dial('n2:1', helloOfN1, handler) }
    }
    return { context, listening, dial }
  }

  run(forMs: number): Promise<number> {
    return this.scheduler.run({ forMs })
  }
}

async function open(seed: number, faults: Partial<NetworkFaults> = {}) {
  const world = new World(seed)
  const n1 = world.node('n1:1')
  const n2 = world.node('n2:1')
  const { handler: client, channel } = n1.dial()
  await world.run(10)
  world.network.setFaults(faults)
  const server = n2.listening.accepted[0] ?? new ChannelRecorder()
  return { world, n1, n2, client, channel, server, failures: n2.context.failures }
}

function sendAll(channel: Channel, count: number): void {
  for (let i = 1; i <= count; i++) {
    channel.send({ type: FrameType.heartbeat, head: bytes(i & 0xff, i >> 8), payload: [] })
  }
}

const values = (recorder: ChannelRecorder): number[] =>
  recorder.frames.map(({ head }) => (head[0] ?? 0) + 256 * (head[1] ?? 0))

const ascending = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

t.test('without faults every frame arrives in order, in virtual time', async (t) => {
  const { world, channel, server, client } = await open(1)
  t.same(client.welcome, welcomeOfN2)
  sendAll(channel, 300)
  await world.run(10)
  t.same(values(server), ascending(300))
  t.same(world.trace, [])
})

t.test('equal seeds give equal runs, other seeds other ones', async (t) => {
  const faults = { dropRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1 }
  const run = async (seed: number) => {
    const { world, channel, server } = await open(seed, faults)
    sendAll(channel, 300)
    await world.run(20)
    return JSON.stringify([world.trace, values(server), world.network.counts])
  }
  t.equal(await run(7), await run(7))
  t.not(await run(7), await run(8))
})

t.test('frames are lost, doubled and reordered within a channel, never damaged', async (t) => {
  const faults = { dropRate: 0.1, duplicateRate: 0.1, reorderRate: 0.2, maxDelayMs: 5 }
  const { world, channel, server } = await open(3, faults)
  sendAll(channel, 1000)
  await world.run(100)
  const found = values(server)
  const { dropped, duplicated, reordered } = world.network.counts
  t.ok(dropped > 50 && duplicated > 50 && reordered > 100, JSON.stringify(world.network.counts))
  t.equal(found.length, 1000 - dropped + duplicated)
  t.notSame(
    found,
    [...found].sort((a, b) => a - b),
  )
  t.equal(server.error, null)
})

t.test('different connections overtake each other', async (t) => {
  const { world, n1, n2, channel, server } = await open(5, { minDelayMs: 0, maxDelayMs: 50 })
  const { channel: second } = n1.dial()
  await world.run(200)
  sendAll(channel, 1)
  sendAll(second, 1)
  let firstLater = 0
  for (let i = 0; i < 20; i++) {
    const [before, other] = [server.frames.length, n2.listening.accepted[1]?.frames.length ?? 0]
    sendAll(channel, 1)
    sendAll(second, 1)
    await world.scheduler.run({
      until: () =>
        server.frames.length + (n2.listening.accepted[1]?.frames.length ?? 0) > before + other,
    })
    if (server.frames.length === before) firstLater += 1
    await world.run(100)
  }
  t.ok(firstLater > 0 && firstLater < 20, `${firstLater} of 20`)
})

t.test('a cut holds one direction back; what waited comes late and in order', async (t) => {
  const { world, channel, client, server } = await open(1)
  world.network.cut('n1:1', 'n2:1')
  sendAll(channel, 3)
  server.channel?.send({ type: FrameType.heartbeatReply, head: bytes(1), payload: [] })
  await world.run(100)
  t.same([server.frames.length, client.frames.length], [0, 1])
  world.network.healOneWay('n1:1', 'n2:1')
  sendAll(channel, 2)
  await world.run(100)
  t.same(values(server), [1, 2, 3, 1, 2])
})

t.test('a connection that is cut for longer than holdMs breaks on both sides', async (t) => {
  const { world, channel, client, server } = await open(1, { holdMs: 1000 })
  world.network.partition(['n1:1'], ['n2:1'])
  sendAll(channel, 3)
  await world.run(999)
  t.equal(client.closes + server.closes, 0)
  await world.run(3000)
  t.same([client.closes, server.closes], [1, 1])
  t.ok(client.error)
  t.ok(server.error)
})

t.test('a dial into a cut ends at the handshake timeout', async (t) => {
  const { world, n1 } = await open(1)
  world.network.partition(['n1:1'], ['n2:1', 'n3:1'])
  const { handler } = n1.dial()
  await world.run(4900)
  t.equal(handler.closes, 0)
  await world.run(200)
  t.match(handler.error, { code: 'RAFT_HANDSHAKE_TIMEOUT' })
})

t.test('frames of a former connection still arrive, on their own channel', async (t) => {
  const { world, n1, n2, channel, server } = await open(11, { minDelayMs: 30, maxDelayMs: 40 })
  sendAll(channel, 20)
  world.network.setFaults({ minDelayMs: 0, maxDelayMs: 1, maxLingerMs: 500 })
  channel.close()
  const { handler: next, channel: successor } = n1.dial()
  await world.scheduler.run({ until: () => next.channel !== null })
  sendAll(successor, 1)
  const late = 20 - server.frames.length
  await world.run(50)
  t.ok(late > 0, `${late} were under way`)
  t.equal(server.frames.length, 20)
  t.equal(server.closes, 0, 'the old one is not known to be closed yet')
  t.equal(n2.listening.accepted[1]?.frames.length, 1)
  await world.run(600)
  t.equal(server.closes, 1)
})

t.test('a closed channel takes nothing, whatever still arrives for it', async (t) => {
  const { world, channel, server, client } = await open(1, { maxLingerMs: 300 })
  channel.close()
  server.channel?.send({ type: FrameType.heartbeatReply, head: bytes(1), payload: [] })
  await world.run(1000)
  t.same([client.frames.length, client.closes, client.error], [0, 1, null])
})

t.test('resets break connections with an error', async (t) => {
  const { world, channel, client, server } = await open(2, { resetRate: 0.05 })
  sendAll(channel, 200)
  await world.run(100)
  t.ok(client.error)
  t.ok(server.error)
  t.same(values(server), ascending(server.frames.length), 'what came before it is in order')
})

t.test('a slow link delays by its rate, the other direction not', async (t) => {
  const { world, channel, client, server } = await open(1)
  world.network.slow('n1:1', 'n2:1', { extraDelayMs: 20, bytesPerMs: 100 })
  const payload = [new Uint8Array(10_000)]
  channel.send({ type: FrameType.appendEntries, head: bytes(1), payload })
  server.channel?.send({ type: FrameType.appendReply, head: bytes(1), payload })
  await world.run(5)
  t.same([server.frames.length, client.frames.length], [0, 1])
  await world.run(100)
  t.equal(server.frames.length, 0)
  await world.run(20)
  t.equal(server.frames.length, 1)
})

t.test('a crash is noticed by the others, and a new process takes the address', async (t) => {
  const { world, n1, n2, client, server } = await open(1)
  n2.context.alive = false
  world.network.crash('n2:1')
  await world.run(10)
  t.same([client.closes, server.closes], [1, 0])
  t.ok(client.error)
  world.node('n2:1')
  const { handler } = n1.dial()
  await world.run(10)
  t.ok(handler.channel)
})

t.test('memory that is reused before `written` is found out by its reader', async (t) => {
  const { world, channel, server } = await open(1)
  const payload = bytes(1, 1)
  let writtenAt = -1
  const sentAt = world.scheduler.now()
  channel.send({ type: FrameType.appendEntries, head: bytes(1), payload: [payload] }, () => {
    writtenAt = world.scheduler.now()
  })
  payload.fill(2)
  await world.run(10)
  t.same(server.frames[0]?.payload, bytes(2, 2))
  t.ok(writtenAt > sentAt)
})
