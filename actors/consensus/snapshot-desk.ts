import { assert } from '../../lib/core/assert.js'
import type { IndexedConfiguration, LogIndex } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { FsmReply } from '../fsm/protocol.js'
import type { SnapshotChunk, SnapshotChunkReply } from '../inbound/protocol.js'
import type { ReplicatorReply } from '../replicator/protocol.js'
import type { SnapshotReply } from '../snapshot/protocol.js'
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
}

/** When this node takes snapshots, and the way of their chunks between the snapshot actor and peers. */
export class SnapshotDesk {
  readonly #context: ActorContext
  readonly #links: Links
  readonly #feed: ApplyFeed
  readonly #policy: SnapshotPolicy
  readonly #configurations: () => readonly IndexedConfiguration[]
  /** Requests of the node side that wait for the running snapshot, and the policy's own. */
  #wanted: number[] = []
  #running: { readonly request: number; readonly ids: readonly number[] } | null = null
  #request = 0
  /** The newest snapshot cannot be read: another is due although nothing new was applied. */
  #forced = false

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
    const { snapshotIntervalMs, snapshotThreshold } = this.#policy
    const delay = snapshotIntervalMs * (1 + this.#context.random())
    this.#context.after(delay, () => {
      if (this.#feed.applied - snapshotIndex() >= snapshotThreshold) this.want(POLICY)
      this.watch(snapshotIndex)
    })
  }

  want(id: number): void {
    if (id !== POLICY || !this.#wanted.includes(POLICY)) this.#wanted.push(id)
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
    this.#finish(reply.index, null)
    return true
  }

  failed(reply: Of<FsmReply, 'snapshotFailed'>): void {
    if (this.#running?.request === reply.request) this.#finish(0, reply.error)
  }

  /** The FSM or snapshot actor died in the middle of it (R-04: the next attempt is free to succeed). */
  interrupted(error: WireError): void {
    if (this.#running !== null) this.#finish(0, error)
  }

  #finish(index: LogIndex, error: WireError | null): void {
    const ids = this.#running?.ids ?? []
    this.#running = null
    for (const id of ids) {
      if (id !== POLICY) this.#links.node.tell({ kind: 'snapshotDone', id, index, error })
    }
  }

  // -- towards a follower

  wantChunk(reply: Of<ReplicatorReply, 'wantChunk'>): void {
    const { peer, transfer, offset } = reply
    const maxBytes = this.#policy.snapshotChunkBytes
    this.#links.snapshot?.tell({ kind: 'readChunk', peer, transfer, offset, maxBytes })
  }

  chunkRead(reply: Of<SnapshotReply, 'chunkRead'>): void {
    const { peer, transfer, meta, offset, bytes, done } = reply
    const message = {
      kind: 'snapshotChunk',
      transfer,
      meta,
      offset,
      bytes,
      done,
      failed: false,
    } as const
    this.#links.replicators.get(peer)?.ref.tell(message, bytes.length)
  }

  /** Nothing to send, or unreadable: a new snapshot is what helps. */
  chunkFailed(reply: Of<SnapshotReply, 'chunkFailed'>): void {
    const { peer, transfer } = reply
    this.#context.log.warn(
      { peer, error: reply.error.message },
      'no snapshot could be read to send',
    )
    this.#forced = true
    this.want(POLICY)
    const nothing = { meta: null, offset: 0, bytes: new Uint8Array(0), done: false, failed: true }
    const message = { kind: 'snapshotChunk', transfer, ...nothing } as const
    this.#links.replicators.get(peer)?.ref.tell(message)
  }

  endTransfer(reply: Of<ReplicatorReply, 'snapshotSent'>): void {
    const { peer, transfer } = reply
    this.#links.snapshot?.tell({ kind: 'endTransfer', peer, transfer })
  }

  // -- from a leader

  receive(connection: number, request: SnapshotChunk, bytes: Uint8Array): void {
    const { leader, term, transfer, meta, offset, done } = request
    assert(offset >= 0, 'a chunk has an offset', { offset })
    const chunk = { connection, leader, leaderTerm: term, transfer, meta, offset, bytes, done }
    this.#links.snapshot?.tell({ kind: 'storeChunk', ...chunk }, bytes.length)
  }

  chunkStored(reply: Of<SnapshotReply, 'chunkStored'>, term: number): void {
    if (reply.error !== null) {
      this.#context.log.warn({ error: reply.error.message }, 'a snapshot chunk was not stored')
    }
    const { connection, transfer, offset } = reply
    this.answer(connection, {
      term,
      transfer,
      offset,
      installed: false,
      failed: reply.error !== null,
    })
  }

  answer(connection: number, reply: Omit<SnapshotChunkReply, 'kind'>): void {
    const message = { kind: 'snapshotChunkReply', ...reply } as const
    this.#links.inbound?.control({ kind: 'reply', connection, reply: message })
  }
}
