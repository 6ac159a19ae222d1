import t from 'tap'
import { allocateControlBlock } from '../../../actors/consensus/control-block.js'
import { BatchReceiver } from '../../../actors/inbound/batch-receiver.js'
import { ConsensusLink } from '../../../actors/inbound/consensus-link.js'
import { inboundFigures } from '../../../actors/inbound/figures.js'
import { HeartbeatAnswerer } from '../../../actors/inbound/heartbeat-answerer.js'
import { PeerConnection } from '../../../actors/inbound/peer-connection.js'
import { RefusalLog } from '../../../actors/inbound/refusal-log.js'
import { Unanswered } from '../../../actors/inbound/unanswered.js'
import { encodeBatch } from '../../../lib/log/batch.js'
import { type Allocation, pinned } from '../../../lib/log/slab.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'
import { encodeAppendEntries, FrameType } from '../../../lib/transport/messages.js'
import type { Channel } from '../../../lib/transport/transport.js'
import { ManualContext } from '../../transport/support/manual-context.js'

const channel: Channel = {
  send: () => true,
  bufferedBytes: 0,
  pause() {},
  resume() {},
  close() {},
}

class WatchedReceiver extends BatchReceiver {
  readonly allocations: Allocation[] = []

  override allocate(bytes: number): Allocation {
    const allocation = super.allocate(bytes)
    this.allocations.push(allocation)
    return allocation
  }
}

t.test('S7: a connection that closes while a batch arrives gives its memory back', async (t) => {
  const batches = new WatchedReceiver({ slabBytes: 4096, maxIdleSlabs: 1 })
  const connection = new PeerConnection(1, 'n1', 'data', {
    consensus: new ConsensusLink(),
    heartbeats: new HeartbeatAnswerer('inc-2', allocateControlBlock(), SharedWords.allocate(1)),
    batches,
    maxUnansweredBytes: 1000,
    figures: inboundFigures(),
    now: () => 0,
    closed: () => {},
  })
  const batch = encodeBatch([{ type: 1, data: new Uint8Array(0) }], {
    firstIndex: 1,
    term: 1,
    prevTerm: 0,
    time: 0,
  })
  const spans = [{ firstIndex: 1, lastIndex: 1, term: 1 }]
  const session = { leader: 'n1', addedAt: 1, incarnation: 'inc-2' }
  const position = { prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0 }
  const head = encodeAppendEntries(
    { kind: 'appendEntries', term: 1, request: 1, batches: spans, ...session, ...position },
    [batch],
  )
  connection.onOpen(channel)
  connection.allocate(FrameType.appendEntries, head, batch.length)
  const memory = batches.allocations[0]?.memory ?? new SharedArrayBuffer(256)
  t.ok(pinned(memory))
  connection.onClose(channel, null)
  t.notOk(pinned(memory))
})

t.test('S1: a success answers all earlier requests, a rejection its own', async (t) => {
  const unanswered = new Unanswered()
  for (const request of [1, 2, 3, 4, 5]) unanswered.append(request, 10 ** request)
  const reply = { kind: 'appendReply', term: 1, matchIndex: 0 } as const
  unanswered.answered({ ...reply, request: 3, success: false })
  t.equal(unanswered.bytes, 110_110)
  unanswered.answered({ ...reply, request: 3, success: true })
  t.equal(unanswered.bytes, 110_000)
  unanswered.answered({ ...reply, request: 3, success: true })
  unanswered.answered({ ...reply, request: 9, success: true })
  t.equal(unanswered.bytes, 0)
})

t.test('chunks and forwarded requests count until they are answered', async (t) => {
  const unanswered = new Unanswered()
  unanswered.chunk(100)
  unanswered.forward(7, 10)
  unanswered.forward(8, 1)
  unanswered.answered({ kind: 'forwardReply', request: 7, body: new Uint8Array(0) })
  unanswered.answered({ kind: 'forwardReply', request: 7, body: new Uint8Array(0) })
  t.equal(unanswered.bytes, 101)
  const chunk = { term: 1, transfer: 1, offset: 100, installed: false, failed: false }
  unanswered.answered({ kind: 'snapshotChunkReply', ...chunk })
  t.equal(unanswered.bytes, 1)
})

t.test('strangers cause one line in ten seconds, which counts the others', async (t) => {
  const context = new ManualContext()
  const log = new RefusalLog(context)
  for (let i = 0; i < 5; i++) log.refused('10.0.0.9:1', new Error('garbage'))
  t.equal(context.warnings.length, 1)
  context.advance(10_000)
  log.refused('10.0.0.9:1', new Error('garbage'))
  t.match(context.warnings[1]?.fields, { unmentioned: 4, remote: '10.0.0.9:1' })
  t.equal(log.count, 6)
})
