import t from 'tap'
import type { ConsensusInit } from '../../../actors/consensus/consensus-init.js'
import type { SnapshotMeta } from '../../../actors/snapshot/protocol.js'
import { toWireError } from '../../../lib/runtime/wire-error.js'
import type { SnapshotChunk } from '../../../lib/transport/wire-messages.js'
import { ConsensusBench, INCARNATION, initOf, logOf, present } from './support/consensus-bench.js'

const { configuration } = present(initOf(3).log.configurations[0])
const meta: SnapshotMeta = {
  index: 3,
  term: 2,
  configuration: { index: 1, configuration },
  size: 5000,
  checksum: 7,
}

const want = (offset = 0, transfer = 1, peer = 'n2') =>
  ({ kind: 'wantChunk', peer, term: 2, transfer, offset }) as const

function read(offset = 0, change: Partial<SnapshotMeta> = {}, transfer = 1, peer = 'n2') {
  const bytes = new Uint8Array(new SharedArrayBuffer(400))
  const chunk = { offset, length: 1000, compressed: true, bytes, done: false }
  return { kind: 'chunkRead', peer, transfer, meta: { ...meta, ...change }, ...chunk } as const
}

const sent = (transfer = 1, peer = 'n2') => ({ kind: 'snapshotSent', peer, transfer }) as const

/** Leads, without trailing entries, and has applied `entries` of its term. */
function leader(entries = 4): ConsensusBench {
  const bench = ConsensusBench.leading({ core: { ...initOf(3).core, trailingLogs: 0 } })
  for (let i = 0; i < entries; i++) commit(bench)
  bench.node.takeAll()
  return bench
}

function commit(bench: ConsensusBench, bytes = 10): void {
  bench.propose(1, bytes)
  bench.flush()
  bench.matched('n2', bench.status.lastLogIndex)
  bench.apply()
}

/** This node makes a snapshot of all it has applied. */
function takeSnapshot(bench: ConsensusBench): number {
  bench.tell({ kind: 'takeSnapshot', id: 1 })
  bench.pass(100)
  const { request } = present(bench.fsm.take('takeSnapshot')[0])
  const index = bench.status.commitIndex
  bench.tell({ kind: 'snapshotTaken', request, index, term: bench.term, bytes: 10 })
  return index
}

const snapshotEvents = (bench: ConsensusBench) =>
  bench.node
    .take('event')
    .map(({ event }) => event)
    .filter((event) => event.kind === 'snapshot')

t.test('a chunk goes from the snapshot actor to the follower’s replicator', async (t) => {
  const bench = leader()
  bench.tell(want(1000))
  t.match(bench.snapshot.take('readChunk'), [
    { peer: 'n2', transfer: 1, offset: 1000, maxBytes: 1000 },
  ])
  bench.replicator('n2').takeAll()
  bench.tell(read(1000))
  t.match(bench.replicator('n2').take('snapshotChunk'), [
    { transfer: 1, meta, offset: 1000, length: 1000, compressed: true, failed: false },
  ])
})

t.test('an installed snapshot is told with its own index and term, and let go', async (t) => {
  const bench = leader()
  bench.tell(want())
  bench.tell(read())
  takeSnapshot(bench)
  bench.node.takeAll()
  bench.tell(sent())
  t.match(snapshotEvents(bench), [{ index: 3, term: 2, change: 'sent' }])
  t.match(bench.snapshot.take('endTransfer'), [{ peer: 'n2', transfer: 1 }])
})

t.test('the log behind a snapshot that is being sent is kept (S13)', async (t) => {
  const bench = leader()
  bench.tell(want())
  bench.tell(read())
  t.ok(takeSnapshot(bench) > 3)
  t.equal(bench.status.baseIndex, 3)
  bench.tell(sent())
  commit(bench)
  const index = takeSnapshot(bench)
  t.equal(bench.status.baseIndex, index, 'and not once it is installed')
})

t.test('the lowest of several snapshots that are being sent counts', async (t) => {
  const bench = leader()
  bench.tell(want(), want(0, 1, 'n3'))
  bench.tell(read(0, { index: 4 }), read(0, {}, 1, 'n3'))
  takeSnapshot(bench)
  t.equal(bench.status.baseIndex, 3)
  bench.tell(sent(1, 'n3'))
  commit(bench)
  takeSnapshot(bench)
  t.equal(bench.status.baseIndex, 4)
})

t.test('a log that grows past maxInstallLogBytes meanwhile is not kept', async (t) => {
  const bench = leader()
  bench.tell(want())
  bench.tell(read())
  commit(bench, 1500)
  const index = takeSnapshot(bench)
  t.equal(bench.status.baseIndex, index)
})

t.test('an unreadable snapshot: the follower waits, and a new one is made', async (t) => {
  const bench = leader()
  bench.tell(want())
  const error = toWireError(new Error('it is damaged'))
  bench.tell({ kind: 'chunkFailed', peer: 'n2', transfer: 1, error })
  t.match(bench.replicator('n2').take('snapshotChunk'), [{ transfer: 1, failed: true }])
  t.match(snapshotEvents(bench), [{ change: 'failed', reason: 'it is damaged' }])
  t.match(bench.fsm.take('takeSnapshot'), [{ force: true }])
})

t.test('what a dead snapshot actor was asked for is tried again soon', async (t) => {
  const bench = leader()
  bench.tell(want(), want(0, 4, 'n3'))
  bench.tell(read())
  for (const peer of ['n2', 'n3']) bench.replicator(peer).takeAll()
  bench.unlink('snapshot')
  t.same(bench.replicator('n2').take('snapshotChunk'), [], 'its chunk is on the way')
  t.match(bench.replicator('n3').take('snapshotChunk'), [{ transfer: 4, failed: true }])
  bench.tell(want(1000))
  t.match(bench.replicator('n2').take('snapshotChunk'), [{ transfer: 1, failed: true }])
})

t.test('a leader that steps down lets go of what it was sending', async (t) => {
  const bench = leader()
  bench.tell(want(), want(0, 2, 'n3'))
  bench.tell({ kind: 'higherTerm', peer: 'n2', term: 9 })
  t.match(bench.snapshot.take('endTransfer'), [
    { peer: 'n2', transfer: 1 },
    { peer: 'n3', transfer: 2 },
  ])
})

t.test('a replicator that is gone sends nothing any more', async (t) => {
  const bench = leader()
  bench.tell(want())
  bench.unlink('replicator-n2')
  t.match(bench.snapshot.take('endTransfer'), [{ peer: 'n2', transfer: 1 }])
})

t.test('a failed snapshot is told with what it would have been', async (t) => {
  const bench = leader()
  bench.tell({ kind: 'takeSnapshot', id: 1 })
  bench.pass(100)
  const failed = { kind: 'snapshotFailed', request: 1, index: 5, term: 2 } as const
  bench.tell({ ...failed, error: toWireError(new Error('disk')) })
  t.match(snapshotEvents(bench), [{ index: 5, term: 2, change: 'failed', reason: 'disk' }])
})

// -- from a leader

function chunk(offset: number): SnapshotChunk {
  const session = { leader: 'n2', incarnation: INCARNATION, addedAt: 1 }
  const part = { offset, length: 1000, compressed: false, done: false }
  return { kind: 'snapshotChunk', term: 2, ...session, transfer: 1, meta, ...part }
}

function follower(change: Partial<ConsensusInit> = {}): ConsensusBench {
  const bench = new ConsensusBench(initOf(3, change))
  bench.tell({ kind: 'fsmReady', life: 1, lastApplied: 1 })
  bench.append({})
  bench.inbound.takeAll()
  bench.node.takeAll()
  return bench
}

function arrive(bench: ConsensusBench, offset: number, connection = 1): void {
  const bytes = new Uint8Array(new SharedArrayBuffer(1000))
  bench.tell({ kind: 'rpcSnapshotChunk', connection, request: chunk(offset), bytes })
}

const stored = (offset: number) =>
  ({ kind: 'chunkStored', connection: 1, transfer: 1, offset, error: null }) as const

const progressEvents = (bench: ConsensusBench) =>
  bench.node
    .take('event')
    .map(({ event }) => event)
    .filter((event) => event.kind === 'progress')

t.test('progress of an install is told once a second, and at its end', async (t) => {
  const bench = follower()
  const told = []
  for (let offset = 0; offset < 5000; offset += 1000) {
    arrive(bench, offset)
    bench.context.advance(400)
    bench.tell(stored(offset + 1000))
    told.push(...progressEvents(bench))
  }
  t.match(told, [{ what: 'install', done: 3000, total: 5000 }])
  const received = { connection: 1, transfer: 1, leader: 'n2', leaderTerm: 2, meta }
  bench.tell({ kind: 'snapshotReceived', ...received })
  t.match(progressEvents(bench), [{ what: 'install', done: 5000, total: 5000 }])
})

t.test('a chunk in the hands of a snapshot actor that dies is answered as failed', async (t) => {
  const bench = follower()
  arrive(bench, 0)
  t.match(bench.snapshot.take('storeChunk'), [{ meta, offset: 0, length: 1000 }])
  bench.unlink('snapshot')
  const [answer] = bench.inbound.take('reply')
  t.match(answer, { connection: 1, reply: { kind: 'snapshotChunkReply', failed: true } })
})

t.test('a chunk that could not be stored is told as a failure', async (t) => {
  const bench = follower()
  arrive(bench, 0)
  bench.tell({ ...stored(0), error: toWireError(new Error('no room')) })
  t.match(snapshotEvents(bench), [{ index: 3, term: 2, change: 'failed', reason: 'no room' }])
  t.match(bench.inbound.take('reply'), [{ reply: { failed: true, offset: 0 } }])
})

t.test('a nonvoter that missed some heartbeats goes on taking chunks of its term', async (t) => {
  const servers = configuration.servers.map((server) =>
    server.id === 'n1' ? { ...server, suffrage: 'nonvoter' as const } : server,
  )
  const known = [{ index: 1, configuration: { servers } }]
  const bench = follower({ log: logOf(1, { configurations: known }) })
  arrive(bench, 0)
  bench.tell(stored(1000))
  bench.pass(3000)
  t.match(bench.status, { role: 'follower', leader: null, term: 2 })
  bench.snapshot.takeAll()
  bench.inbound.takeAll()
  arrive(bench, 1000)
  t.match(bench.snapshot.take('storeChunk'), [{ offset: 1000 }])
  t.same(bench.inbound.take('reply'), [])
})
