import type { IndexedConfiguration, LogIndex } from '../../lib/core/types.js'
import type { ActorContext, Timer } from '../../lib/runtime/actor.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { FsmReply } from '../fsm/protocol.js'
import type { ApplyFeed } from './apply-feed.js'
import type { Links } from './links.js'

type Of<Union extends { kind: string }, Kind extends Union['kind']> = Extract<Union, { kind: Kind }>

/** In the place of a request of the node side. */
const POLICY = 0

export interface SnapshotPolicy {
  readonly snapshotIntervalMs: number
  /** Entries applied since the last snapshot that make another one due. */
  readonly snapshotThreshold: number
  readonly snapshotChunkBytes: number
  /** Log written while a follower is sent a snapshot and kept for it. */
  readonly maxInstallLogBytes: number
}

/** When this node takes snapshots, and who waits for them. */
export class SnapshotDesk {
  readonly #context: ActorContext
  readonly #links: Links
  readonly #feed: ApplyFeed
  #policy: SnapshotPolicy
  readonly #configurations: () => readonly IndexedConfiguration[]
  /** Requests of the node side that wait for the running snapshot, and the policy's own. */
  #wanted: number[] = []
  #running: { readonly request: number; readonly ids: readonly number[] } | null = null
  #request = 0
  /** The newest snapshot cannot be read: another is due although nothing new was applied. */
  #forced = false
  #nextLook: Timer | null = null
  #snapshotIndex: () => LogIndex = () => 0

  constructor(options: {
    readonly context: ActorContext
    readonly links: Links
    readonly feed: ApplyFeed
    readonly policy: SnapshotPolicy
    readonly configurations: () => readonly IndexedConfiguration[]
  }) {
    this.#context = options.context
    this.#links = options.links
    this.#feed = options.feed
    this.#policy = options.policy
    this.#configurations = options.configurations
  }

  /** Checks the policy from interval to interval, with jitter so that nodes do not all write at once. */
  watch(snapshotIndex: () => LogIndex): void {
    this.#snapshotIndex = snapshotIndex
    const delay = this.#policy.snapshotIntervalMs * (1 + this.#context.random())
    this.#nextLook = this.#context.after(delay, () => {
      const { snapshotThreshold } = this.#policy
      if (this.#feed.applied - snapshotIndex() >= snapshotThreshold) this.want(POLICY)
      this.watch(snapshotIndex)
    })
  }

  /** The options were changed: another interval begins now. */
  reload(policy: SnapshotPolicy): void {
    const before = this.#policy
    this.#policy = policy
    if (policy.snapshotIntervalMs === before.snapshotIntervalMs || this.#nextLook === null) return
    this.#nextLook.cancel()
    this.watch(this.#snapshotIndex)
  }

  want(id: number): void {
    if (id !== POLICY || !this.#wanted.includes(POLICY)) this.#wanted.push(id)
  }

  /** The newest snapshot cannot be read: one is made although nothing was applied since. */
  force(): void {
    // The one that is being written will do.
    if (this.#running !== null) return
    this.#forced = true
    this.want(POLICY)
  }

  /**
   * S14: while a snapshot is wanted, and until it is taken, the state machine is fed no further than the
   * log is flushed.
   */
  get holdsBack(): boolean {
    return this.#wanted.length > 0 || this.#running !== null
  }

  /** Starts what is wanted once everything fed is flushed. */
  pump(flushedIndex: LogIndex): void {
    if (this.#wanted.length === 0 || this.#running !== null) return
    if (!this.#feed.running || this.#feed.fed > flushedIndex) return
    this.#running = { request: ++this.#request, ids: this.#wanted }
    this.#wanted = []
    const configurations = this.#configurations()
    const force = this.#forced
    this.#forced = false
    const message = { kind: 'takeSnapshot', request: this.#request, configurations, force } as const
    this.#links.fsm?.control(message)
  }

  /** Returns false for the answer to an attempt that is not the current one. */
  taken(reply: Of<FsmReply, 'snapshotTaken'>): boolean {
    if (this.#running?.request !== reply.request) return false
    this.#finish(reply, null)
    return true
  }

  /** Returns false likewise. */
  failed(reply: Of<FsmReply, 'snapshotFailed'>): boolean {
    if (this.#running?.request !== reply.request) return false
    this.#finish(null, reply.error)
    return true
  }

  /** The FSM or snapshot actor died in the middle of it (R-04: the next attempt is free to succeed). */
  interrupted(error: WireError): void {
    if (this.#running !== null) this.#finish(null, error)
  }

  #finish(taken: Of<FsmReply, 'snapshotTaken'> | null, error: WireError | null): void {
    const { index = 0, term = 0, bytes = 0 } = taken ?? {}
    const ids = this.#running?.ids ?? []
    this.#running = null
    for (const id of ids) {
      if (id !== POLICY)
        this.#links.node.tell({ kind: 'snapshotDone', id, index, term, bytes, error })
    }
  }
}
