import { assert } from '../../lib/core/assert.js'
import type {
  HardState,
  IndexedConfiguration,
  LogIndex,
  NodeId,
  Term,
} from '../../lib/core/types.js'
import { readSealed, sealed } from '../../lib/log/sealed-value.js'
import { DataDirForeignError, type Store, StoreCorruptError } from '../../lib/log/store.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import type { KnownIncarnations } from './protocol.js'

/** Who this directory belongs to. The incarnation is drawn when the directory is made (S16). */
export interface Identity {
  readonly cluster: string
  readonly nodeId: NodeId
  readonly incarnation: string
}

/** The list a directory was bootstrapped with, and the entry that it became. */
export interface BootstrapRecord {
  readonly configuration: IndexedConfiguration
  readonly term: Term
  readonly time: number
}

export interface VoteFloor {
  readonly index: LogIndex
  readonly term: Term
}

const NOTHING: HardState = { term: 0, votedFor: null, promisedLeaseMs: 0 }

/** The small durable facts of a node, beside its log. Each is sealed and kept twice (S15). */
export class NodeState {
  readonly #store: Store
  readonly identity: Identity
  #hardState: HardState
  #incarnations: KnownIncarnations
  #bootstrap: BootstrapRecord | null
  #voteFloor: VoteFloor | null

  private constructor(
    store: Store,
    identity: Identity,
    found: {
      readonly hardState: HardState | null
      readonly incarnations: KnownIncarnations | null
      readonly bootstrap: BootstrapRecord | null
      readonly voteFloor: VoteFloor | null
    },
  ) {
    this.#store = store
    this.identity = identity
    this.#hardState = found.hardState ?? NOTHING
    this.#incarnations = found.incarnations ?? {}
    this.#bootstrap = found.bootstrap
    this.#voteFloor = found.voteFloor
  }

  /**
   * Reads the facts; gives an empty directory its identity.
   * @throws DataDirForeignError, StoreCorruptError
   */
  static *load(
    store: Store,
    owner: { readonly cluster: string; readonly nodeId: NodeId },
    logIsEmpty: boolean,
    drawIncarnation: () => string,
  ): Steps<NodeState> {
    const hardState = yield* read<HardState>(store, 'hard-state')
    const found = {
      hardState,
      incarnations: yield* read<KnownIncarnations>(store, 'incarnations'),
      bootstrap: yield* read<BootstrapRecord>(store, 'bootstrap'),
      voteFloor: yield* read<VoteFloor>(store, 'vote-floor'),
    }
    const identity = yield* read<Identity>(store, 'identity')
    if (identity !== null) {
      checkOwner(identity, owner)
      return new NodeState(store, identity, found)
    }
    if (!logIsEmpty || hardState !== null) {
      throw new StoreCorruptError('the data directory has a log or a term but no identity', 0)
    }
    const { cluster, nodeId } = owner
    const drawn = { cluster, nodeId, incarnation: drawIncarnation() }
    yield* step(store.set(seal('identity', drawn)))
    return new NodeState(store, drawn, found)
  }

  get hardState(): HardState {
    return this.#hardState
  }

  get incarnations(): KnownIncarnations {
    return this.#incarnations
  }

  get bootstrap(): BootstrapRecord | null {
    return this.#bootstrap
  }

  get voteFloor(): VoteFloor | null {
    return this.#voteFloor
  }

  /** S5: one atomic durable write of term and vote. */
  *saveHardState(next: HardState): Steps {
    const now = this.#hardState
    assert(
      next.term > now.term ||
        (next.term === now.term && (now.votedFor === null || next.votedFor === now.votedFor)),
      'a term never goes back and a vote never changes within it (Raft §5.2)',
      { now, next },
    )
    yield* step(this.#store.set(seal('hard-state', next)))
    this.#hardState = next
  }

  *saveIncarnations(incarnations: KnownIncarnations): Steps {
    yield* step(this.#store.set(seal('incarnations', incarnations)))
    this.#incarnations = incarnations
  }

  /** The list and its term in one write: a crash before the entry is in the log is made good at start. */
  *saveBootstrap(record: BootstrapRecord): Steps {
    const hardState = { ...NOTHING, term: record.term }
    const values = { ...seal('bootstrap', record), ...seal('hard-state', hardState) }
    yield* step(this.#store.set(values))
    this.#bootstrap = record
    this.#hardState = hardState
  }

  /** S15: outlives the batch that it was read from. Null once the log is past it. */
  *saveVoteFloor(floor: VoteFloor | null): Steps {
    yield* step(this.#store.set(seal('vote-floor', floor)))
    this.#voteFloor = floor
  }
}

function checkOwner(
  found: Identity,
  expected: { readonly cluster: string; readonly nodeId: NodeId },
): void {
  if (found.cluster === expected.cluster && found.nodeId === expected.nodeId) return
  throw new DataDirForeignError(
    `the data directory belongs to node ${found.nodeId} of cluster ${found.cluster}, ` +
      `not to node ${expected.nodeId} of cluster ${expected.cluster}; give each node a directory of its own`,
  )
}

function seal(name: string, value: unknown): Record<string, Uint8Array> {
  return sealed(name, new TextEncoder().encode(JSON.stringify(value)))
}

function* read<T>(store: Store, name: string): Steps<T | null> {
  const bytes = yield* readSealed((key) => store.get(key), name)
  // The checksum vouches for the bytes, and nobody else writes under these names.
  return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as T)
}
