import type { LogIndex, Term } from '../../lib/core/types.js'
import type { Steps } from '../../lib/runtime/steps.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import type { StoredSnapshot } from '../../lib/snapshot/store.js'
import type { SnapshotOpened } from './protocol.js'
import type { SnapshotLibrary } from './snapshot-library.js'

interface Reading {
  readonly snapshot: StoredSnapshot
  readonly release: () => void
}

/** Snapshots that are being read on this node: by the state machine, or by the program. */
export class Readings {
  readonly #library: SnapshotLibrary
  readonly #open = new Map<number, Reading>()
  #lastNumber = 0

  constructor(library: SnapshotLibrary) {
    this.#library = library
  }

  *open(index: LogIndex, term: Term): Steps<SnapshotOpened> {
    const snapshot = yield* this.#library.require(index, term)
    const reading = ++this.#lastNumber
    this.#open.set(reading, { snapshot, release: this.#library.use(snapshot) })
    return { reading, meta: snapshot }
  }

  /** Returns how many bytes of `into` it has filled. */
  *read(reading: number, offset: number, into: Uint8Array): Steps<number> {
    const open = this.#open.get(reading)
    if (open === undefined) {
      throw new SnapshotStoreError(
        'RAFT_STORE_FAILED',
        `reading ${reading} of a snapshot is not open: the snapshot actor was restarted`,
      )
    }
    return yield* this.#library.read(open.snapshot, offset, into)
  }

  *close(reading: number): Steps {
    this.#open.get(reading)?.release()
    this.#open.delete(reading)
    yield* this.#library.prune()
  }

  /** The state machine is gone. */
  abandon(): void {
    for (const { release } of this.#open.values()) release()
    this.#open.clear()
  }
}
