import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import {
  allocateControlBlock,
  ControlBlockWriter,
} from '../../../actors/consensus/control-block.js'
import { createActor } from '../../../actors/inbound/inbound-actor.js'
import type { InboundInit, InboundMessage, InboundReply } from '../../../actors/inbound/protocol.js'
import { encodeBatch } from '../../../lib/log/batch.js'
import { batchBytes, PIN_CONSENSUS, pinned, unpin } from '../../../lib/log/slab.js'
import type { ActorRef, Behavior } from '../../../lib/runtime/actor.js'
import { createActorSystem } from '../../../lib/runtime/actor-system.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'
import { encodeFrameHead } from '../../../lib/transport/frame.js'
import { encodeHello } from '../../../lib/transport/handshake.js'
import {
  encodeAppendEntries,
  encodeHeartbeat,
  FrameType,
  frameOf,
} from '../../../lib/transport/messages.js'
import type { Frame, Purpose } from '../../../lib/transport/transport.js'
import { tcpTransport } from '../../../lib/transport/transports.js'
import { helloOfN1 } from '../../transport/support/identities.js'
import { FakeConsensus } from './support/bench.js'

/** Admits everyone; the test plays the rest. */
function consensusActor(told: FakeConsensus): () => Behavior<InboundReply> {
  let inbound: ActorRef<InboundMessage> | null = null
  return () => ({
    linked(_name, ref) {
      inbound = ref as ActorRef<InboundMessage>
    },
    receive(message) {
      if (message.kind === 'hello') {
        inbound?.control({
          kind: 'admit',
          connection: message.connection,
          refusal: null,
          vouches: false,
        })
      }
      told.control(message)
    },
  })
}

/** The inbound actor of n2 on a thread of its own, listening on a free port. */
async function threaded(t: Test) {
  const system = createActorSystem()
  t.teardown(() => system.close())
  const controlBlock = allocateControlBlock()
  const logAlive = new SharedWords(SharedWords.allocate(1))
  logAlive.store(0, 1)
  const init: InboundInit = {
    nodeId: 'n2',
    cluster: 'orders',
    incarnation: 'inc-2',
    transport: tcpTransport({ listen: '127.0.0.1:0' }),
    controlBlock,
    logAliveWord: logAlive.memory,
    arena: { slabBytes: 1024 * 1024, maxIdleSlabs: 2 },
    maxUnansweredBytes: 8 * 1024 * 1024,
  }
  const module = new URL('../../../actors/inbound/inbound-actor.js', import.meta.url)
  const inbound = await system.spawn<InboundInit, InboundMessage>({
    name: 'inbound',
    module,
    create: createActor,
    init,
    placement: 'thread',
  })
  const told = new FakeConsensus()
  const consensus = await system.spawn({
    name: 'consensus',
    module,
    create: consensusActor(told),
    init: null,
    placement: 'inline',
  })
  system.link(consensus, 'inbound', inbound)
  system.link(inbound, 'consensus', consensus)
  const { address } = await inbound.ref.ask<{ address: string }>({ kind: 'address' })
  const dial = (purpose: Purpose) => dialRaw(t, address, purpose)
  return { told, dial, block: new ControlBlockWriter(new SharedWords(controlBlock)) }
}

/** A connection whose writes reach the kernel before `write` returns. */
async function dialRaw(t: Test, address: string, purpose: Purpose): Promise<Socket> {
  const [host = '', port] = address.split(':')
  const socket = connect({ host, port: Number(port), noDelay: true })
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(encodeHello({ ...helloOfN1, purpose }))
  await once(socket, 'data')
  return socket
}

function bytesOf(frame: Frame): Buffer {
  return Buffer.concat([encodeFrameHead(frame), ...frame.payload])
}

t.test(
  'S9: a heartbeat is answered while the thread of the consensus actor is blocked',
  async (t) => {
    const { dial, block } = await threaded(t)
    const socket = await dial('heartbeat')
    block.publish({ term: 3, leader: 'n1', addedAt: 1, leaseMs: 500 })
    const head = encodeHeartbeat({
      kind: 'heartbeat',
      term: 3,
      leader: 'n1',
      addedAt: 1,
      incarnation: 'inc-2',
      probe: 1,
      sentAt: 5,
      leaseMs: 500,
    })
    socket.write(bytesOf(frameOf(FrameType.heartbeat, head)))
    const deadline = process.hrtime.bigint() + 10_000_000_000n
    while (block.contact() === null && process.hrtime.bigint() < deadline);
    t.not(block.contact(), null, 'seen without one turn of this thread')
    const [reply] = await once(socket, 'data')
    t.equal(reply[8], FrameType.heartbeatReply)
  },
)

t.test('S7: a batch received on one thread is read and let go on another', async (t) => {
  const { dial, told } = await threaded(t)
  const socket = await dial('data')
  const entries = [{ type: 0 as const, data: new Uint8Array(200_000).fill(7) }]
  const batch = encodeBatch(entries, { firstIndex: 1, term: 3, prevTerm: 0, time: 1 })
  const request = {
    kind: 'appendEntries',
    term: 3,
    leader: 'n1',
    addedAt: 1,
    incarnation: 'inc-2',
    request: 1,
    prevLogIndex: 0,
    prevLogTerm: 0,
    leaderCommit: 0,
    batches: [{ firstIndex: 1, lastIndex: 1, term: 3 }],
  } as const
  const head = encodeAppendEntries(request, [batch])
  const frame = bytesOf(frameOf(FrameType.appendEntries, head, [batchBytes(batch)]))
  for (let at = 0; at < frame.length; at += 9973) socket.write(frame.subarray(at, at + 9973))
  const [received] = (await told.next('rpcAppendEntries')).batches
  if (received === undefined) return t.fail('one batch')
  t.equal(Buffer.compare(batchBytes(received), batchBytes(batch)), 0)
  t.ok(pinned(received.memory))
  unpin(received, PIN_CONSENSUS)
  t.notOk(pinned(received.memory))
})

t.test('a connection that breaks inside a batch is told, and the next one is served', async (t) => {
  const { dial, told } = await threaded(t)
  const socket = await dial('data')
  const header = encodeFrameHead({
    type: FrameType.forwardRequest,
    head: new Uint8Array(10),
    payload: [new Uint8Array(100)],
  })
  socket.end(header)
  await told.next('connectionClosed')
  await dial('heartbeat')
  t.match(await told.next('hello', 2), { purpose: 'heartbeat' })
})
