import type { LogIndex, Term } from '../../lib/core/types.js'
import { messageOf } from '../../lib/fsm/errors.js'
import type { ActorLogger } from '../../lib/runtime/actor.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import { type SnapshotId, sameSnapshot, snapshotKey } from '../../lib/snapshot/order.js'
import type { SnapshotStore, StoredSnapshot } from '../../lib/snapshot/store.js'

/**
 * The snapshots of this node: which of them are good, which are in use, and which may go.
 *
 * A snapshot received from a leader is `unsettled` until the state machine opens it or the core turns it
 * down: until then the log and the snapshots before it are what this node would restart from, so nothing
 * older is pruned for its sake.
 */
export class SnapshotLibrary {
  readonly store: SnapshotStore
  readonly #retain: number
  readonly #log: ActorLogger
  /** How many use it: transfers to followers, and a state machine that reads it. */
  readonly #uses = new Map<string, number>()
  readonly #damaged = new Set<string>()
  readonly #unsettled = new Set<string>()

  constructor(store: SnapshotStore, retain: number, log: ActorLogger) {
    this.store = store
    this.#retain = Math.max(1, retain)
    this.#log = log
  }

  /** Newest first, damaged ones included. */
  list(): Steps<readonly StoredSnapshot[]> {
    return step(this.store.list())
  }

  /** The newest one whose checksums hold. */
  *newest(): Steps<StoredSnapshot | null> {
    for (const snapshot of yield* this.list()) {
      if (yield* this.isGood(snapshot)) return snapshot
    }
    return null
  }

  /** A restored snapshot that came to nothing, and was not deleted before this process began. */
  *removeUndone(id: SnapshotId): Steps {
    const snapshot = yield* this.find(id)
    if (snapshot?.restored === true) yield* this.remove(snapshot)
  }

  *find(id: SnapshotId): Steps<StoredSnapshot | null> {
    const list = yield* this.list()
    return list.find((snapshot) => sameSnapshot(snapshot, id)) ?? null
  }

  /** @throws SnapshotStoreError when it is not there, damaged, or cannot be read now */
  *require(index: LogIndex, term: Term): Steps<StoredSnapshot> {
    const snapshot = yield* this.find({ index, term })
    if (snapshot === null) throw unusable('RAFT_STORE_FAILED', { index, term }, 'does not exist')
    if (yield* this.#verified(snapshot)) return snapshot
    throw unusable('RAFT_CORRUPT', snapshot, 'is damaged')
  }

  *isGood(snapshot: StoredSnapshot): Steps<boolean> {
    try {
      return yield* this.#verified(snapshot)
    } catch (error) {
      // It may be readable later: a disk error is no proof of damage.
      const { index, term } = snapshot
      this.#log.error({ index, term, error: messageOf(error) }, 'a snapshot could not be read')
      return false
    }
  }

  *#verified(snapshot: StoredSnapshot): Steps<boolean> {
    if (this.#damaged.has(snapshotKey(snapshot))) return false
    try {
      if (yield* step(this.store.verify(snapshot))) return true
      this.markDamaged(snapshot, 'its checksums do not match')
    } catch (error) {
      if (!(error instanceof SnapshotStoreError && error.code === 'RAFT_CORRUPT')) throw error
      this.markDamaged(snapshot, error.message)
    }
    return false
  }

  markDamaged(id: SnapshotId, reason: string): void {
    const { index, term } = id
    this.#damaged.add(snapshotKey(id))
    this.#log.error({ index, term, reason }, 'a snapshot is damaged; an older one is used instead')
  }

  /** Fills `into` with state from `offset` on; returns how many bytes there were. */
  *read(snapshot: StoredSnapshot, offset: number, into: Uint8Array): Steps<number> {
    const { store } = this
    if (store.readInto !== undefined) return yield* step(store.readInto(snapshot, offset, into))
    const bytes = yield* step(store.read(snapshot, offset, into.length))
    into.set(bytes)
    return bytes.length
  }

  /** Keeps it from being pruned until the returned function is called. */
  use(id: SnapshotId): () => void {
    const key = snapshotKey(id)
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      const left = (this.#uses.get(key) ?? 1) - 1
      if (left > 0) this.#uses.set(key, left)
      else this.#uses.delete(key)
    }
  }

  /** It was written anew: what was known of its bytes holds no more. */
  written(id: SnapshotId, settled: boolean): void {
    const key = snapshotKey(id)
    this.#damaged.delete(key)
    if (settled) this.#unsettled.delete(key)
    else this.#unsettled.add(key)
  }

  /** The state machine takes it over. */
  settle(id: SnapshotId): void {
    this.#unsettled.delete(snapshotKey(id))
  }

  isUnsettled(id: SnapshotId): boolean {
    return this.#unsettled.has(snapshotKey(id))
  }

  /** Removes what is neither among the newest `retain` good ones nor in use. */
  *prune(): Steps {
    let kept = 0
    for (const snapshot of yield* this.list()) {
      const key = snapshotKey(snapshot)
      if (this.#unsettled.has(key)) continue
      const damaged = this.#damaged.has(key)
      if (!damaged && kept++ < this.#retain) continue
      // A damaged one newer than every good one stays for whoever wants to look at it.
      if (kept > 0 && !this.#uses.has(key)) yield* this.remove(snapshot)
    }
  }

  /** A failure is only reported: the next prune tries again. */
  *remove(snapshot: StoredSnapshot): Steps {
    const key = snapshotKey(snapshot)
    try {
      yield* step(this.store.remove(snapshot))
      this.#damaged.delete(key)
      this.#unsettled.delete(key)
    } catch (error) {
      const { index, term } = snapshot
      this.#log.warn({ index, term, error: messageOf(error) }, 'a snapshot could not be deleted')
    }
  }
}

function unusable(
  code: 'RAFT_STORE_FAILED' | 'RAFT_CORRUPT',
  { index, term }: SnapshotId,
  what: string,
): SnapshotStoreError {
  const message = `the snapshot at index ${index} of term ${term} ${what}`
  return new SnapshotStoreError(code, message, { details: { index, term } })
}
