import { crc32 } from 'node:zlib'
import type { NodeId, Term } from '../../lib/core/types.js'
import { messageOf } from '../../lib/fsm/errors.js'
import type { ActorLogger } from '../../lib/runtime/actor.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import { inflateInto } from '../../lib/snapshot/deflate.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import { type SnapshotId, sameSnapshot } from '../../lib/snapshot/order.js'
import type { SnapshotWriter, StoredSnapshot } from '../../lib/snapshot/store.js'
import type { SnapshotMessage, SnapshotMeta, SnapshotReply } from './protocol.js'
import type { SnapshotLibrary } from './snapshot-library.js'

type StoreChunk = Extract<SnapshotMessage, { kind: 'storeChunk' }>

/** What leaders send: the same snapshot, size and checksum are the same bytes, whoever sends them. */
interface Stream {
  leader: NodeId
  leaderTerm: Term
  readonly meta: SnapshotMeta
}

interface Receiving extends Stream {
  readonly writer: SnapshotWriter
  /** CRC-32 of what is written so far. */
  checksum: number
}

/**
 * Takes a snapshot from a leader, chunk by chunk. Whoever sends a chunk that is not the next one is told
 * how much is held, so a broken transfer goes on where it was, over whatever connection and from whatever
 * leader that has the same bytes.
 */
export class Receiver {
  readonly #library: SnapshotLibrary
  readonly #log: ActorLogger
  readonly #reply: (reply: SnapshotReply) => void
  /** Where compressed chunks are inflated, one after the other. */
  #room = new Uint8Array(0)
  #receiving: Receiving | null = null
  /** The last one taken: its last chunk may come again when the answer to it was lost. */
  #received: Stream | null = null

  constructor(parts: {
    readonly library: SnapshotLibrary
    readonly log: ActorLogger
    readonly reply: (reply: SnapshotReply) => void
  }) {
    this.#library = parts.library
    this.#log = parts.log
    this.#reply = parts.reply
  }

  *store(chunk: StoreChunk): Steps {
    try {
      if (yield* this.#isReceived(chunk)) return this.#announce(chunk)
      const receiving = yield* this.#stream(chunk)
      if (receiving === null) return this.#answer(chunk, 0)
      const { writer, meta } = receiving
      if (chunk.offset !== writer.written) return this.#answer(chunk, writer.written)
      const bytes = this.#stateOf(chunk)
      yield* step(writer.write(bytes))
      receiving.checksum = crc32(bytes, receiving.checksum)
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
  *discard(id: SnapshotId & { readonly undone?: true }): Steps {
    if (this.#received !== null && sameSnapshot(this.#received.meta, id)) this.#received = null
    // One that this node made, or that its state machine holds, is not discarded: its log begins there.
    if (id.undone !== true && !this.#library.isUnsettled(id)) return
    const snapshot = yield* this.#library.find(id)
    if (snapshot !== null) yield* this.#library.remove(snapshot)
    yield* this.#library.prune()
  }

  abandon(): void | Promise<void> {
    return runSteps(this.#drop())
  }

  #stateOf({ compressed, bytes, length }: StoreChunk): Uint8Array {
    if (!compressed) return bytes
    if (this.#room.length < length) this.#room = new Uint8Array(length)
    const state = this.#room.subarray(0, length)
    inflateInto(bytes, state)
    return state
  }

  *#isReceived(chunk: StoreChunk): Steps<boolean> {
    const received = this.#received
    if (received === null || !sameState(received.meta, chunk.meta)) return false
    return (yield* this.#library.find(received.meta)) !== null
  }

  /** The stream that the chunk belongs to, begun anew when it is a first chunk; null: not begun. */
  *#stream(chunk: StoreChunk): Steps<Receiving | null> {
    const current = this.#receiving
    const { leader, leaderTerm, meta } = chunk
    if (current !== null && leaderTerm < current.leaderTerm) throw new StaleLeader(chunk, current)
    if (current !== null && sameState(current.meta, meta)) {
      return Object.assign(current, { leader, leaderTerm })
    }
    if (chunk.offset !== 0) return null
    yield* this.#drop()
    const { index, term, configuration, restored } = meta
    const place = { index, term, configuration, ...(restored === true && { restored }) }
    const writer = yield* step(this.#library.store.create(place))
    this.#receiving = { leader, leaderTerm, meta, writer, checksum: 0 }
    return this.#receiving
  }

  *#finish(receiving: Receiving): Steps {
    const { meta, leader, leaderTerm, writer, checksum } = receiving
    if (checksum !== meta.checksum) throw wrongChecksum(meta, checksum)
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

function sameState(meta: SnapshotMeta, other: SnapshotMeta): boolean {
  return meta.size === other.size && meta.checksum === other.checksum && sameSnapshot(meta, other)
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

function wrongChecksum(meta: SnapshotMeta, found: number): SnapshotStoreError {
  return new SnapshotStoreError(
    'RAFT_CORRUPT',
    `the snapshot at index ${meta.index} was announced with checksum ${meta.checksum}, received ${found}`,
  )
}
