import type { NodeId, Term } from '../../lib/core/types.js'
import { messageOf } from '../../lib/fsm/errors.js'
import type { ActorLogger } from '../../lib/runtime/actor.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import { type SnapshotId, sameSnapshot } from '../../lib/snapshot/order.js'
import type { SnapshotWriter, StoredSnapshot } from '../../lib/snapshot/store.js'
import type { SnapshotMessage, SnapshotMeta, SnapshotReply } from './protocol.js'
import type { SnapshotLibrary } from './snapshot-library.js'

type StoreChunk = Extract<SnapshotMessage, { kind: 'storeChunk' }>

/** What one leader sends in one term. Its transfers of one snapshot carry the same bytes. */
interface Stream {
  readonly leader: NodeId
  readonly leaderTerm: Term
  readonly meta: SnapshotMeta
}

interface Receiving extends Stream {
  readonly writer: SnapshotWriter
}

/**
 * Takes a snapshot from a leader, chunk by chunk. Whoever sends a chunk that is not the next one is told
 * how much is held, so a broken transfer goes on where it was, over whatever connection.
 */
export class Receiver {
  readonly #library: SnapshotLibrary
  readonly #log: ActorLogger
  readonly #reply: (reply: SnapshotReply) => void
  #receiving: Receiving | null = null
  /** The last one taken: its last chunk may come again when the answer to it was lost. */
  #received: Stream | null = null

  constructor(library: SnapshotLibrary, log: ActorLogger, reply: (reply: SnapshotReply) => void) {
    this.#library = library
    this.#log = log
    this.#reply = reply
  }

  *store(chunk: StoreChunk): Steps {
    try {
      if (yield* this.#isReceived(chunk)) return this.#announce(chunk)
      const receiving = yield* this.#stream(chunk)
      if (receiving === null) return this.#answer(chunk, 0)
      const { writer, meta } = receiving
      if (chunk.offset !== writer.written) return this.#answer(chunk, writer.written)
      yield* step(writer.write(chunk.bytes))
      if (writer.written > meta.size || (chunk.done && writer.written !== meta.size)) {
        throw wrongSize(meta, writer.written)
      }
      if (!chunk.done) return this.#answer(chunk, writer.written)
      yield* this.#finish(receiving)
      this.#announce(chunk)
    } catch (error) {
      if (!(error instanceof StaleLeader)) yield* this.#drop()
      this.#answer(chunk, 0, error)
    }
  }

  /** The core has no use for it. */
  *discard(id: SnapshotId): Steps {
    if (this.#received !== null && sameSnapshot(this.#received.meta, id)) this.#received = null
    // One that this node made, or that its state machine holds, is not discarded: its log begins there.
    if (!this.#library.isUnsettled(id)) return
    const snapshot = yield* this.#library.find(id)
    if (snapshot !== null) yield* this.#library.remove(snapshot)
    yield* this.#library.prune()
  }

  abandon(): void | Promise<void> {
    return runSteps(this.#drop())
  }

  *#isReceived(chunk: StoreChunk): Steps<boolean> {
    const received = this.#received
    if (received === null || !sameStream(received, chunk)) return false
    return (yield* this.#library.find(received.meta)) !== null
  }

  /** The stream that the chunk belongs to, begun anew when it is a first chunk; null: not begun. */
  *#stream(chunk: StoreChunk): Steps<Receiving | null> {
    const current = this.#receiving
    if (current !== null && sameStream(current, chunk)) return current
    if (current !== null && chunk.leaderTerm < current.leaderTerm) {
      throw new StaleLeader(chunk, current)
    }
    if (chunk.offset !== 0) return null
    yield* this.#drop()
    const { leader, leaderTerm, meta } = chunk
    const { index, term, configuration } = meta
    const writer = yield* step(this.#library.store.create({ index, term, configuration }))
    this.#receiving = { leader, leaderTerm, meta, writer }
    return this.#receiving
  }

  *#finish(receiving: Receiving): Steps {
    const { meta, leader, leaderTerm, writer } = receiving
    const existing = yield* this.#library.find(meta)
    if (existing !== null && (yield* this.#library.isGood(existing))) {
      // The state at an index is the same everywhere, and this copy may be the one the log begins at.
      yield* this.#drop()
    } else {
      const stored = yield* step(writer.commit())
      this.#receiving = null
      this.#library.written(stored, existing !== null)
      yield* this.#verify(stored)
    }
    this.#received = { leader, leaderTerm, meta }
  }

  *#verify(stored: StoredSnapshot): Steps {
    if (yield* this.#library.isGood(stored)) return
    yield* this.#library.remove(stored)
    throw new SnapshotStoreError(
      'RAFT_CORRUPT',
      `the snapshot received at index ${stored.index} does not read back as it was written`,
    )
  }

  *#drop(): Steps {
    const receiving = this.#receiving
    this.#receiving = null
    if (receiving === null) return
    try {
      yield* step(receiving.writer.abort())
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'an unfinished snapshot could not be removed')
    }
  }

  #announce(chunk: StoreChunk): void {
    const { connection, transfer, leader, leaderTerm, meta } = chunk
    this.#answer(chunk, meta.size)
    this.#reply({ kind: 'snapshotReceived', connection, transfer, leader, leaderTerm, meta })
  }

  #answer(chunk: StoreChunk, offset: number, error: unknown = null): void {
    const { connection, transfer } = chunk
    const failure = error === null ? null : toWireError(error)
    this.#reply({ kind: 'chunkStored', connection, transfer, offset, error: failure })
  }
}

function sameStream(stream: Stream, other: Stream): boolean {
  return (
    stream.leader === other.leader &&
    stream.leaderTerm === other.leaderTerm &&
    stream.meta.size === other.meta.size &&
    sameSnapshot(stream.meta, other.meta)
  )
}

/** Its chunks do not disturb what the leader of a later term sends. */
class StaleLeader extends SnapshotStoreError {
  constructor(chunk: StoreChunk, current: Stream) {
    super(
      'RAFT_STORE_FAILED',
      `a snapshot from ${chunk.leader} of term ${chunk.leaderTerm} comes while ${current.leader} of term ${current.leaderTerm} sends one`,
    )
  }
}

function wrongSize(meta: SnapshotMeta, written: number): SnapshotStoreError {
  return new SnapshotStoreError(
    'RAFT_CORRUPT',
    `the snapshot at index ${meta.index} was announced with ${meta.size} bytes, received ${written}`,
  )
}
