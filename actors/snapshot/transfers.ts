import type { NodeId } from '../../lib/core/types.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import type { ChunkCodec } from '../../lib/snapshot/chunk-codec.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import type { StoredSnapshot } from '../../lib/snapshot/store.js'
import { ChunkRooms } from './chunk-rooms.js'
import type { SnapshotMessage, SnapshotReply, StateChunk } from './protocol.js'
import type { SnapshotLibrary } from './snapshot-library.js'

type ReadChunk = Extract<SnapshotMessage, { kind: 'readChunk' }>

interface Transfer {
  readonly number: number
  readonly snapshot: StoredSnapshot
  readonly rooms: ChunkRooms
  readonly release: () => void
}

/** Snapshots on their way to followers: each transfer keeps the snapshot it began with (S13). */
export class Transfers {
  readonly #library: SnapshotLibrary
  readonly #codec: ChunkCodec
  readonly #byPeer = new Map<NodeId, Transfer>()

  constructor(library: SnapshotLibrary, codec: ChunkCodec) {
    this.#library = library
    this.#codec = codec
  }

  *read(message: ReadChunk): Steps<SnapshotReply> {
    const { peer, transfer: number } = message
    try {
      const transfer = yield* this.#transfer(peer, number)
      const chunk = yield* this.#chunk(transfer, message)
      return { kind: 'chunkRead', peer, transfer: number, meta: transfer.snapshot, ...chunk }
    } catch (error) {
      // The next transfer looks for a snapshot that can be read.
      this.#release(peer)
      return { kind: 'chunkFailed', peer, transfer: number, error: toWireError(error) }
    }
  }

  *end(peer: NodeId, transfer: number): Steps {
    if (this.#byPeer.get(peer)?.number !== transfer) return
    this.#release(peer)
    yield* this.#library.prune()
  }

  *#transfer(peer: NodeId, number: number): Steps<Transfer> {
    const running = this.#byPeer.get(peer)
    if (running?.number === number) return running
    this.#release(peer)
    const snapshot = yield* this.#library.newest()
    if (snapshot === null) {
      throw new SnapshotStoreError('RAFT_STORE_FAILED', 'there is no snapshot to send')
    }
    const release = this.#library.use(snapshot)
    const transfer = { number, snapshot, rooms: new ChunkRooms(), release }
    this.#byPeer.set(peer, transfer)
    return transfer
  }

  /** In shared memory, so that no thread on the way to the socket copies it. */
  *#chunk(transfer: Transfer, { offset, maxBytes, deflate }: ReadChunk): Steps<StateChunk> {
    const { snapshot, rooms } = transfer
    if (offset > snapshot.size) throw pastTheEnd(snapshot, offset)
    const room = rooms.next(maxBytes)
    const length = yield* this.#read(snapshot, offset, room.state(maxBytes))
    const done = offset + length === snapshot.size
    const state = room.state(length)
    const deflated = deflate ? yield* step(this.#codec.deflate(state, room.deflated(length))) : 0
    const compressed = deflated > 0
    const bytes = compressed ? room.deflated(deflated) : state
    return { offset, length, compressed, bytes, done }
  }

  *#read(snapshot: StoredSnapshot, offset: number, into: Uint8Array): Steps<number> {
    try {
      return yield* this.#library.read(snapshot, offset, into)
    } catch (error) {
      const corrupt = error instanceof SnapshotStoreError && error.code === 'RAFT_CORRUPT'
      if (corrupt) this.#library.markDamaged(snapshot, error.message)
      throw error
    }
  }

  #release(peer: NodeId): void {
    this.#byPeer.get(peer)?.release()
    this.#byPeer.delete(peer)
  }
}

function pastTheEnd({ index, size }: StoredSnapshot, offset: number): SnapshotStoreError {
  return new SnapshotStoreError(
    'RAFT_STORE_FAILED',
    `the snapshot at index ${index} has ${size} bytes, asked for offset ${offset}`,
  )
}
