import { messageOf } from '../../lib/fsm/errors.js'
import type { ActorLogger } from '../../lib/runtime/actor.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import type { NewSnapshot, SnapshotWriter, StoredSnapshot } from '../../lib/snapshot/store.js'
import type { RestoreBegun, SnapshotMessage } from './protocol.js'
import type { SnapshotLibrary } from './snapshot-library.js'

type Of<Kind extends SnapshotMessage['kind']> = Extract<SnapshotMessage, { kind: Kind }>

/**
 * The snapshot of a user's restore on its way into the store, one at a time. It is written under a
 * temporary name; where it will stand in the log is known only when all of it is here.
 */
export class Restores {
  readonly #library: SnapshotLibrary
  readonly #log: ActorLogger
  #current: { readonly number: number; readonly writer: SnapshotWriter } | null = null
  #lastNumber = 0

  constructor(library: SnapshotLibrary, log: ActorLogger) {
    this.#library = library
    this.#log = log
  }

  *begin({ index, term, configuration }: Of<'beginRestore'>): Steps<RestoreBegun> {
    if (this.#current !== null) {
      throw new SnapshotStoreError(
        'RAFT_SNAPSHOT_IN_PROGRESS',
        'another restore is being received on this node',
      )
    }
    const place: NewSnapshot = { index, term, configuration, restored: true }
    const writer = yield* step(this.#library.store.create(place))
    const restore = ++this.#lastNumber
    this.#current = { number: restore, writer }
    return { restore }
  }

  *write({ restore, bytes }: Of<'writeRestore'>): Steps<number> {
    const { writer } = this.#find(restore)
    yield* step(writer.write(bytes))
    return writer.written
  }

  /** Durable under its final name when it returns, and of no consequence until the core says so. */
  *finish(message: Of<'finishRestore'>): Steps<StoredSnapshot> {
    const { restore, index, term, configuration } = message
    const { writer } = this.#find(restore)
    const stored = yield* step(writer.commit({ index, term, configuration, restored: true }))
    this.#current = null
    this.#library.written(stored, false)
    if (yield* this.#library.isGood(stored)) return stored
    yield* this.#library.remove(stored)
    throw new SnapshotStoreError(
      'RAFT_CORRUPT',
      `the restored snapshot at index ${index} does not read back as it was written`,
    )
  }

  *abort({ restore }: Of<'abortRestore'>): Steps {
    if (this.#current?.number === restore) yield* this.#drop()
  }

  abandon(): void | Promise<void> {
    return runSteps(this.#drop())
  }

  *#drop(): Steps {
    const current = this.#current
    this.#current = null
    if (current === null) return
    try {
      yield* step(current.writer.abort())
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'an unfinished snapshot could not be removed')
    }
  }

  #find(number: number): { readonly writer: SnapshotWriter } {
    if (this.#current?.number === number) return this.#current
    throw new SnapshotStoreError(
      'RAFT_STORE_FAILED',
      `restore ${number} is over: the snapshot actor was restarted`,
    )
  }
}
