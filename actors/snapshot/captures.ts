import { messageOf } from '../../lib/fsm/errors.js'
import type { ActorLogger } from '../../lib/runtime/actor.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import { newestFirst } from '../../lib/snapshot/order.js'
import type { NewSnapshot, SnapshotWriter, StoredSnapshot } from '../../lib/snapshot/store.js'
import type { CaptureBegun, FsmLinkMessage } from './fsm-link.js'
import type { SnapshotLibrary } from './snapshot-library.js'

type BeginCapture = Extract<FsmLinkMessage, { kind: 'beginCapture' }>

interface Capture {
  readonly number: number
  readonly snapshot: NewSnapshot
  readonly writer: SnapshotWriter
}

/** The state machine's captured state on its way into the store, one at a time. */
export class Captures {
  readonly #library: SnapshotLibrary
  readonly #log: ActorLogger
  #current: Capture | null = null
  #lastNumber = 0

  constructor(library: SnapshotLibrary, log: ActorLogger) {
    this.#library = library
    this.#log = log
  }

  *begin({ index, term, configuration, restored }: BeginCapture): Steps<CaptureBegun> {
    yield* this.#drop()
    const snapshot = { index, term, configuration, ...(restored === true && { restored }) }
    const writer = yield* step(this.#library.store.create(snapshot))
    const number = ++this.#lastNumber
    this.#current = { number, snapshot, writer }
    return { capture: number }
  }

  *write(number: number, bytes: Uint8Array): Steps {
    yield* step(this.#find(number).writer.write(bytes))
  }

  *commit(number: number): Steps<StoredSnapshot> {
    const { snapshot, writer } = this.#find(number)
    // A recovery puts another configuration in the place of the one that a snapshot there may have.
    const existing = snapshot.restored === true ? null : yield* this.#notOlderThan(snapshot)
    if (existing !== null) {
      yield* this.#drop()
      if (newestFirst(existing, snapshot) === 0) return this.#settled(existing)
      throw superseded(snapshot, existing)
    }
    const stored = yield* step(writer.commit())
    this.#current = null
    this.#settled(stored)
    yield* this.#library.prune()
    return stored
  }

  *abort(number: number): Steps {
    if (this.#current?.number === number) yield* this.#drop()
  }

  /** Its state machine is gone. */
  abandon(): void | Promise<void> {
    return runSteps(this.#drop())
  }

  /** S13: a local snapshot older than the newest is discarded. */
  *#notOlderThan(snapshot: NewSnapshot): Steps<StoredSnapshot | null> {
    for (const stored of yield* this.#library.list()) {
      if (newestFirst(stored, snapshot) > 0) return null
      if (yield* this.#library.isGood(stored)) return stored
    }
    return null
  }

  #settled(stored: StoredSnapshot): StoredSnapshot {
    this.#library.written(stored, true)
    return stored
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

  #find(number: number): Capture {
    if (this.#current?.number === number) return this.#current
    throw new SnapshotStoreError(
      'RAFT_STORE_FAILED',
      `snapshot capture ${number} is over: another one began, or the snapshot actor was restarted`,
    )
  }
}

function superseded(snapshot: NewSnapshot, newest: StoredSnapshot): SnapshotStoreError {
  return new SnapshotStoreError(
    'RAFT_NOTHING_TO_SNAPSHOT',
    `the snapshot at index ${snapshot.index} is not needed: a newer one at index ${newest.index} arrived while it was written`,
    { details: { index: snapshot.index, newestIndex: newest.index } },
  )
}
