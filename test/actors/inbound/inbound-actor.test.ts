import t from 'tap'
import type { AppendEntries, Heartbeat, RequestVote } from '../../../lib/core/rpc.js'
import { type BatchRef, encodeBatch } from '../../../lib/log/batch.js'
import { batchBytes, PIN_CONSENSUS, pinned, unpin } from '../../../lib/log/slab.js'
import { memoryNetwork, memoryTransport } from '../../../lib/transport/memory-transport.js'
import {
  decodeAppendReply,
  decodeHeartbeatReply,
  encodeAppendEntries,
  encodeForwardRequest,
  encodeHeartbeat,
  encodeRequestVote,
  encodeSnapshotChunk,
  encodeTimeoutNow,
  FrameType,
  frameOf,
  type SnapshotChunk,
} from '../../../lib/transport/messages.js'
import { inboundBench, type Peer } from './support/bench.js'

const heartbeat: Heartbeat = {
  kind: 'heartbeat',
  term: 3,
  leader: 'n1',
  addedAt: 1,
  incarnation: 'inc-2',
  probe: 8,
  sentAt: 123.5,
  leaseMs: 500,
}
const block = { term: 3, leader: 'n1', addedAt: 1, leaseMs: 500 }

const requestVote: RequestVote = {
  kind: 'requestVote',
  preVote: false,
  term: 4,
  candidate: 'n1',
  lastLogIndex: 1,
  lastLogTerm: 1,
  transfer: false,
  round: 1,
}

function batchOf(firstIndex: number, size: number): BatchRef {
  const entries = [{ type: 0 as const, data: new Uint8Array(size).fill(firstIndex & 0xff) }]
  return encodeBatch(entries, {
    firstIndex,
    term: 3,
    prevTerm: firstIndex === 1 ? 0 : 3,
    time: 1000,
  })
}

function appendOf(request: number, batches: readonly BatchRef[]): AppendEntries {
  const first = batches[0]?.firstIndex ?? 1
  const spans = batches.map(({ firstIndex, count, term }) => ({
    firstIndex,
    lastIndex: firstIndex + count - 1,
    term,
  }))
  return {
    kind: 'appendEntries',
    term: 3,
    leader: 'n1',
    addedAt: 1,
    incarnation: 'inc-2',
    request,
    prevLogIndex: first - 1,
    prevLogTerm: first === 1 ? 0 : 3,
    leaderCommit: 0,
    batches: spans,
  }
}

function sendAppend({ channel }: Peer, request: number, batches: readonly BatchRef[]): void {
  const head = encodeAppendEntries(appendOf(request, batches), batches)
  channel.send(frameOf(FrameType.appendEntries, head, batches.map(batchBytes)))
}

const quiet = async (turns = 10): Promise<void> => {
  for (let i = 0; i < turns; i++) await new Promise(setImmediate)
}

t.test('a hello is put before the consensus actor, and admitted when it says so', async (t) => {
  const { link, dial, consensus, tell } = await inboundBench(t)
  link()
  const handler = dial({ purpose: 'heartbeat' })
  const hello = await consensus.next('hello')
  t.match(hello, { peer: 'n1', incarnation: 'inc-1', purpose: 'heartbeat' })
  t.equal(handler.channel, null)
  tell({ kind: 'admit', connection: hello.connection, refusal: null, vouches: true })
  await handler.opened()
  const welcome = { cluster: 'orders', nodeId: 'n2', incarnation: 'inc-2', vouches: true }
  t.match(handler.welcome, welcome)
})

t.test('a hello that came before the link is asked once it is there', async (t) => {
  const { link, dial, consensus } = await inboundBench(t)
  dial()
  await quiet()
  t.same(consensus.messages, [])
  link()
  t.equal(consensus.of('hello').length, 1)
})

t.test('S16: an unwelcome incarnation gets the refusal with its code', async (t) => {
  const { link, dial, consensus, tell } = await inboundBench(t)
  link()
  const handler = dial()
  const { connection } = await consensus.next('hello')
  const refusal = { code: 'RAFT_LOST_STATE', message: 'another incarnation is known' }
  tell({ kind: 'admit', connection, refusal, vouches: false })
  await handler.closed()
  t.same(handler.refusal, refusal)
  t.same(consensus.of('connectionClosed'), [])
})

t.test(
  'another cluster, another node, the own name and another version are refused at once',
  async (t) => {
    const { link, dial, consensus, context } = await inboundBench(t)
    link()
    const wrong = [
      [{ cluster: 'payments' }, 'RAFT_CLUSTER_MISMATCH'],
      [{ to: 'n3' }, 'RAFT_CLUSTER_MISMATCH'],
      [{ nodeId: 'n2' }, 'RAFT_CLUSTER_MISMATCH'],
      [{ version: 9 }, 'RAFT_VERSION_MISMATCH'],
    ] as const
    for (const [hello, code] of wrong) {
      const handler = dial(hello)
      await handler.closed()
      t.equal(handler.refusal?.code, code)
    }
    t.same(consensus.messages, [])
    t.equal(context.warnings.length, 1, 'one warning, not four')
  },
)

t.test('a known pair opens at once and is still put before the consensus actor', async (t) => {
  const { link, dial, consensus, connect, tell } = await inboundBench(t)
  link()
  await connect('data')
  const again = dial({ purpose: 'heartbeat' })
  await again.opened()
  const { connection } = await consensus.next('hello', 2)
  tell({
    kind: 'admit',
    connection,
    refusal: { code: 'RAFT_LOST_STATE', message: 'no longer welcome' },
    vouches: false,
  })
  await again.closed()
})

t.test('connection numbers differ from those of an earlier actor of the process', async (t) => {
  const first = await inboundBench(t)
  first.link()
  await first.connect('data')
  const { connection: before } = await first.connect('data')
  const restarted = await inboundBench(t, {}, 1001)
  restarted.link()
  const { connection: after } = await restarted.connect('data')
  t.ok(after > before, `${before} < ${after}`)
})

t.test(
  'dropPeer closes every connection of that peer and forgets that it was welcome',
  async (t) => {
    const { link, connect, dial, tell, consensus } = await inboundBench(t)
    link()
    const data = await connect('data')
    const beats = await connect('heartbeat')
    tell({ kind: 'dropPeer', peer: 'n1' })
    await Promise.all([data.handler.closed(), beats.handler.closed()])
    await consensus.next('connectionClosed', 2)
    const next = dial()
    await consensus.next('hello', 3)
    await quiet()
    t.equal(next.channel, null)
  },
)

t.test('S9: a heartbeat that equals the control block is answered here', async (t) => {
  const { link, connect, consensus, block: writer, actor } = await inboundBench(t)
  link()
  const { channel, handler } = await connect('heartbeat')
  writer.publish(block)
  channel.send(frameOf(FrameType.heartbeat, encodeHeartbeat(heartbeat)))
  await handler.received(1)
  t.same(decodeHeartbeatReply(handler.frames[0]?.head ?? new Uint8Array(0)), {
    kind: 'heartbeatReply',
    term: 3,
    accepted: true,
    probe: 8,
    sentAt: 123.5,
    leaseMs: 500,
  })
  t.equal(writer.contact(), 1000)
  t.same(consensus.of('rpcHeartbeat'), [])
  t.match(actor.answer?.({ kind: 'stats' }), { heartbeatsAnswered: 1, connections: 1 })
})

t.test(
  'S9: what does not match, a foreign incarnation or a dead log goes to the core',
  async (t) => {
    const { link, connect, consensus, block: writer, logAlive } = await inboundBench(t)
    link()
    const { channel, handler, connection } = await connect('heartbeat')
    const send = (beat: Heartbeat) =>
      channel.send(frameOf(FrameType.heartbeat, encodeHeartbeat(beat)))
    send(heartbeat)
    await consensus.next('rpcHeartbeat', 1)
    writer.publish(block)
    send({ ...heartbeat, term: 4 })
    send({ ...heartbeat, incarnation: 'inc-1' })
    await consensus.next('rpcHeartbeat', 3)
    logAlive.store(0, 0)
    send(heartbeat)
    const last = await consensus.next('rpcHeartbeat', 4)
    t.same(last, { kind: 'rpcHeartbeat', connection, request: heartbeat })
    t.equal(handler.frames.length, 0)
    t.equal(writer.contact(), null)
  },
)

t.test(
  'votes and TimeoutNow are control messages, their replies find their connection',
  async (t) => {
    const { link, connect, consensus, tell } = await inboundBench(t)
    link()
    const { channel, handler, connection } = await connect('heartbeat')
    channel.send(frameOf(FrameType.requestVote, encodeRequestVote(requestVote)))
    const timeoutNow = { kind: 'timeoutNow', term: 3, leader: 'n1' } as const
    channel.send(frameOf(FrameType.timeoutNow, encodeTimeoutNow(timeoutNow)))
    t.same(await consensus.next('rpcRequestVote'), {
      kind: 'rpcRequestVote',
      connection,
      request: requestVote,
    })
    t.same((await consensus.next('rpcTimeoutNow')).request, timeoutNow)
    const reply = {
      kind: 'voteReply',
      preVote: false,
      term: 4,
      granted: true,
      round: 1,
      reason: '',
      outsideSince: 0,
    } as const
    tell({ kind: 'reply', connection, reply })
    tell({ kind: 'reply', connection: connection + 1, reply })
    await handler.received(1)
    t.equal(handler.frames[0]?.type, FrameType.voteReply)
  },
)

t.test(
  'S7: batches arrive verified, in shared memory, pinned for the consensus actor',
  async (t) => {
    const { link, connect, consensus } = await inboundBench(t)
    link()
    const peer = await connect('data')
    const sent = [batchOf(1, 300), batchOf(2, 7)]
    sendAppend(peer, 5, sent)
    const message = await consensus.next('rpcAppendEntries')
    t.same(message.request, appendOf(5, sent))
    t.same(
      message.batches.map((batch) => Buffer.from(batchBytes(batch))),
      sent.map((batch) => Buffer.from(batchBytes(batch))),
    )
    const [first, second] = message.batches
    if (first === undefined || second === undefined) return t.fail('two batches')
    t.match(first, { firstIndex: 1, count: 1, term: 3, prevTerm: 0, pinned: true })
    unpin(first, PIN_CONSENSUS)
    t.ok(pinned(first.memory))
    unpin(second, PIN_CONSENSUS)
    t.notOk(pinned(first.memory), 'the receiving side holds nothing any more')
  },
)

t.test('an AppendEntries without batches needs no memory', async (t) => {
  const { link, connect, consensus } = await inboundBench(t)
  link()
  sendAppend(await connect('data'), 1, [])
  t.same((await consensus.next('rpcAppendEntries')).batches, [])
})

t.test('a batch that fails its checksum closes the connection and is not told', async (t) => {
  const { link, connect, consensus } = await inboundBench(t)
  link()
  const peer = await connect('data')
  const other = await connect('data')
  const batch = batchOf(1, 300)
  const bytes = batchBytes(batch)
  bytes[200] = (bytes[200] ?? 0) ^ 1
  sendAppend(peer, 1, [batch])
  await peer.handler.closed()
  t.same(consensus.of('rpcAppendEntries'), [])
  t.equal((await consensus.next('connectionClosed')).connection, peer.connection)
  sendAppend(other, 1, [batchOf(1, 10)])
  await consensus.next('rpcAppendEntries')
})

t.test('a batch that is another than its head says closes the connection', async (t) => {
  const { link, connect, consensus } = await inboundBench(t)
  link()
  const { channel, handler } = await connect('data')
  const batch = batchOf(2, 10)
  const lie = { ...batch, prevTerm: 2 }
  const head = encodeAppendEntries(appendOf(1, [lie]), [lie])
  channel.send(frameOf(FrameType.appendEntries, head, [batchBytes(batch)]))
  await handler.closed()
  t.same(consensus.of('rpcAppendEntries'), [])
})

t.test('a connection that breaks inside a batch gives its memory back', async (t) => {
  const { link, consensus, connect, network } = await inboundBench(t)
  link()
  const peer = await connect('data')
  const batch = batchOf(1, 200)
  sendAppend(peer, 1, [batch])
  const { batches } = await consensus.next('rpcAppendEntries')
  const [held] = batches
  if (held === undefined) return t.fail('one batch')
  unpin(held, PIN_CONSENSUS)
  const head = encodeAppendEntries(appendOf(2, [batch]), [batch])
  const frame = frameOf(FrameType.appendEntries, head, [batchBytes(batch)])
  t.ok(peer.channel.send(frame))
  network.reset('n1:1', 'n2:1')
  await consensus.next('connectionClosed')
  t.notOk(pinned(held.memory))
})

t.test(
  'S18: past maxUnansweredBytes the connection is paused until replies make room',
  async (t) => {
    const { link, connect, consensus, tell } = await inboundBench(t)
    link()
    const peer = await connect('data')
    sendAppend(peer, 1, [batchOf(1, 600)])
    sendAppend(peer, 2, [batchOf(2, 600)])
    await consensus.next('rpcAppendEntries', 2)
    sendAppend(peer, 3, [batchOf(3, 600)])
    await quiet()
    t.equal(consensus.of('rpcAppendEntries').length, 2)
    t.ok(peer.channel.bufferedBytes > 0, 'the sender feels it')
    const reply = {
      kind: 'appendReply',
      term: 3,
      request: 2,
      success: true,
      matchIndex: 2,
    } as const
    tell({ kind: 'reply', connection: peer.connection, reply })
    await consensus.next('rpcAppendEntries', 3)
    await peer.handler.received(1)
    t.same(decodeAppendReply(peer.handler.frames[0]?.head ?? new Uint8Array(0)), reply)
  },
)

t.test('a full mailbox closes the connection and keeps no memory', async (t) => {
  const { link, connect, consensus } = await inboundBench(t)
  link()
  const peer = await connect('data')
  sendAppend(peer, 1, [batchOf(1, 10)])
  const [batch] = (await consensus.next('rpcAppendEntries')).batches
  if (batch === undefined) return t.fail('one batch')
  unpin(batch, PIN_CONSENSUS)
  consensus.full = true
  sendAppend(peer, 2, [batchOf(2, 10)])
  await peer.handler.closed()
  t.notOk(pinned(batch.memory))
})

t.test('a snapshot chunk is verified and lies in shared memory of its own', async (t) => {
  const { link, connect, consensus } = await inboundBench(t)
  link()
  const { channel, handler } = await connect('data')
  const servers = [{ id: 'n1', address: 'n1:1', suffrage: 'voter', addedAt: 1 }] as const
  const configuration = { index: 1, configuration: { servers } }
  const { term, leader, addedAt, incarnation } = heartbeat
  const request: SnapshotChunk = {
    kind: 'snapshotChunk',
    term,
    leader,
    addedAt,
    incarnation,
    transfer: 1,
    meta: { index: 9, term: 2, size: 3, checksum: 7, configuration },
    offset: 0,
    length: 3,
    compressed: false,
    done: true,
  }
  const bytes = Uint8Array.from([1, 2, 3])
  const head = encodeSnapshotChunk(request, bytes)
  channel.send(frameOf(FrameType.snapshotChunk, head, [bytes]))
  const message = await consensus.next('rpcSnapshotChunk')
  t.same(message.request, request)
  t.same([...message.bytes], [1, 2, 3])
  t.ok(message.bytes.buffer instanceof SharedArrayBuffer)
  channel.send(frameOf(FrameType.snapshotChunk, head, [Uint8Array.from([1, 2, 4])]))
  await handler.closed()
})

t.test('a forwarded request goes up with its peer and its reply comes back', async (t) => {
  const { link, connect, consensus, tell } = await inboundBench(t)
  link()
  const { channel, handler, connection } = await connect('client')
  const body = Uint8Array.from([5, 6])
  const head = encodeForwardRequest({ kind: 'forwardRequest', request: 3, timeoutMs: 100 }, body)
  channel.send(frameOf(FrameType.forwardRequest, head, [body]))
  t.match(await consensus.next('rpcForward'), { connection, request: 3, peer: 'n1', body })
  const reply = { kind: 'forwardReply', request: 3, body: Uint8Array.from([7]) } as const
  tell({ kind: 'reply', connection, reply })
  await handler.received(1)
  t.same(handler.frames[0]?.payload, reply.body)
})

t.test(
  'a frame that its connection does not carry, or that speaks for another, closes it',
  async (t) => {
    const { link, connect, consensus } = await inboundBench(t)
    link()
    const wrong = [
      ['data', frameOf(FrameType.heartbeat, encodeHeartbeat(heartbeat))],
      ['client', frameOf(FrameType.requestVote, encodeRequestVote(requestVote))],
      ['heartbeat', frameOf(FrameType.heartbeat, encodeHeartbeat({ ...heartbeat, leader: 'n3' }))],
      ['heartbeat', frameOf(FrameType.heartbeat, encodeHeartbeat(heartbeat), [new Uint8Array(1)])],
      ['heartbeat', frameOf(FrameType.heartbeatReply, new Uint8Array(3))],
      ['data', frameOf(FrameType.appendEntries, new Uint8Array(3), [new Uint8Array(9)])],
    ] as const
    for (const [purpose, frame] of wrong) {
      const { channel, handler } = await connect(purpose)
      channel.send(frame)
      await handler.closed()
    }
    const kinds = new Set(consensus.messages.map(({ kind }) => kind))
    t.same([...kinds].sort(), ['connectionClosed', 'hello'])
  },
)

t.test('the bound address is answered, and a port in use is an error at the start', async (t) => {
  const { actor } = await inboundBench(t)
  t.same(actor.answer?.({ kind: 'address' }), { address: 'n2:1' })
  const network = memoryNetwork()
  const transport = memoryTransport(network, 'n2:1')
  await inboundBench(t, { transport })
  await t.rejects(inboundBench(t, { transport }), { code: 'EADDRINUSE' })
})

t.test('stopping frees the port and closes every connection', async (t) => {
  const network = memoryNetwork()
  const transport = memoryTransport(network, 'n2:1')
  const { actor } = await inboundBench(t, { transport })
  await actor.stop?.()
  await inboundBench(t, { transport })
  t.pass('the port was free')
})
