import type { NodeId } from '../../lib/core/types.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import type { StoredSnapshot } from '../../lib/snapshot/store.js'
import type { SnapshotMessage, SnapshotReply } from './protocol.js'
import type { SnapshotLibrary } from './snapshot-library.js'

type ReadChunk = Extract<SnapshotMessage, { kind: 'readChunk' }>

interface Transfer {
  readonly number: number
  readonly snapshot: StoredSnapshot
  readonly release: () => void
}

/** Snapshots on their way to followers: each transfer keeps the snapshot it began with (S13). */
export class Transfers {
  readonly #library: SnapshotLibrary
  readonly #byPeer = new Map<NodeId, Transfer>()

  constructor(library: SnapshotLibrary) {
    this.#library = library
  }

  *read(message: ReadChunk): Steps<SnapshotReply> {
    const { peer, transfer } = message
    try {
      const { snapshot } = yield* this.#transfer(peer, transfer)
      const bytes = yield* this.#bytes(snapshot, message)
      const { offset } = message
      const done = offset + bytes.length === snapshot.size
      return { kind: 'chunkRead', peer, transfer, meta: snapshot, offset, bytes, done }
    } catch (error) {
      // The next transfer looks for a snapshot that can be read.
      this.#release(peer)
      return { kind: 'chunkFailed', peer, transfer, error: toWireError(error) }
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
    const transfer = { number, snapshot, release: this.#library.use(snapshot) }
    this.#byPeer.set(peer, transfer)
    return transfer
  }

  /** In shared memory of its own, so that no thread on the way to the socket copies it. */
  *#bytes(snapshot: StoredSnapshot, { offset, maxBytes }: ReadChunk): Steps<Uint8Array> {
    if (offset > snapshot.size) {
      throw new SnapshotStoreError(
        'RAFT_STORE_FAILED',
        `the snapshot at index ${snapshot.index} has ${snapshot.size} bytes, asked for offset ${offset}`,
      )
    }
    try {
      const read = yield* step(this.#library.store.read(snapshot, offset, maxBytes))
      const bytes = new Uint8Array(new SharedArrayBuffer(read.length))
      bytes.set(read)
      return bytes
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
