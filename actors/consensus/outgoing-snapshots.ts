import type { LogIndex, NodeId } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { ReplicatorReply } from '../replicator/protocol.js'
import type { SnapshotMeta, SnapshotReply } from '../snapshot/protocol.js'
import type { LagMeter } from './lag-meter.js'
import type { Links } from './links.js'

type Of<Union extends { kind: string }, Kind extends Union['kind']> = Extract<Union, { kind: Kind }>

interface Sending {
  readonly transfer: number
  /** Bytes that had been appended to the log when it began. */
  readonly appendedBytes: number
  /** Unknown until its first chunk is read. */
  meta: SnapshotMeta | null
  /** A chunk was asked of the snapshot actor and has not come. */
  asked: boolean
}

const NO_CHUNK = { meta: null, offset: 0, length: 0, compressed: false, done: false, failed: true }

/**
 * Snapshots on their way to followers: the chunks from the snapshot actor to the replicators, and what
 * of the log must stay for who gets one (S13).
 */
export class OutgoingSnapshots {
  readonly #context: ActorContext
  readonly #links: Links
  readonly #lag: LagMeter
  readonly #chunkBytes: number
  readonly #maxLogBytes: number
  readonly #deflate: () => boolean
  readonly #unreadable: (meta: SnapshotMeta | null, reason: string) => void
  readonly #sent: (meta: SnapshotMeta) => void
  readonly #sending = new Map<NodeId, Sending>()

  constructor(parts: {
    readonly context: ActorContext
    readonly links: Links
    readonly lag: LagMeter
    readonly chunkBytes: number
    /** Log written since a transfer began that is kept for its follower. */
    readonly maxLogBytes: number
    /** Whoever gets a chunk can inflate it. */
    readonly deflate: () => boolean
    /** Nothing can be read to send. */
    readonly unreadable: (meta: SnapshotMeta | null, reason: string) => void
    /** A follower has installed it. */
    readonly sent: (meta: SnapshotMeta) => void
  }) {
    this.#context = parts.context
    this.#links = parts.links
    this.#lag = parts.lag
    this.#chunkBytes = parts.chunkBytes
    this.#maxLogBytes = parts.maxLogBytes
    this.#deflate = parts.deflate
    this.#unreadable = parts.unreadable
    this.#sent = parts.sent
  }

  /**
   * S13: followers that are being sent a snapshot go on with the log behind it, so nothing above this
   * index is compacted; null: nobody needs it, or it has grown past its bound.
   */
  get keepAbove(): LogIndex | null {
    let lowest: LogIndex | null = null
    for (const { meta, appendedBytes } of this.#sending.values()) {
      if (meta === null || this.#lag.appendedBytes - appendedBytes > this.#maxLogBytes) continue
      if (lowest === null || meta.index < lowest) lowest = meta.index
    }
    return lowest
  }

  want({ peer, transfer, offset }: Of<ReplicatorReply, 'wantChunk'>): void {
    let sending = this.#sending.get(peer)
    if (sending?.transfer !== transfer) {
      const { appendedBytes } = this.#lag
      sending = { transfer, appendedBytes, meta: null, asked: false }
      this.#sending.set(peer, sending)
    }
    const message = {
      kind: 'readChunk',
      peer,
      transfer,
      offset,
      maxBytes: this.#chunkBytes,
      deflate: this.#deflate(),
    } as const
    sending.asked = this.#links.snapshot?.tell(message) ?? false
    // Without a snapshot actor nothing comes: the replicator tries again, later and later.
    if (!sending.asked) this.#fail(peer, transfer)
  }

  read(reply: Of<SnapshotReply, 'chunkRead'>): void {
    const { peer, transfer, meta, offset, length, compressed, bytes, done } = reply
    const sending = this.#sending.get(peer)
    if (sending?.transfer !== transfer) return
    sending.asked = false
    sending.meta = meta
    const chunk = { transfer, meta, offset, length, compressed, bytes, done, failed: false }
    this.#links.replicators.get(peer)?.ref.tell({ kind: 'snapshotChunk', ...chunk }, bytes.length)
  }

  failed({ peer, transfer, error }: Of<SnapshotReply, 'chunkFailed'>): void {
    const sending = this.#sending.get(peer)
    if (sending?.transfer !== transfer) return
    this.#context.log.warn({ peer, error: error.message }, 'no snapshot could be read to send')
    this.#unreadable(sending.meta, error.message)
    this.#fail(peer, transfer)
  }

  sent({ peer, transfer }: Of<ReplicatorReply, 'snapshotSent'>): void {
    const sending = this.#sending.get(peer)
    if (sending?.transfer !== transfer) return
    if (sending.meta !== null) this.#sent(sending.meta)
    this.stop(peer)
  }

  /** Nothing more is sent to that peer: its snapshot may be pruned, the log behind it compacted. */
  stop(peer: NodeId): void {
    const sending = this.#sending.get(peer)
    if (sending === undefined) return
    this.#sending.delete(peer)
    const { transfer } = sending
    this.#links.snapshot?.tell({ kind: 'endTransfer', peer, transfer })
  }

  /** This node leads no more. */
  stopAll(): void {
    for (const peer of [...this.#sending.keys()]) this.stop(peer)
  }

  /** The snapshot actor is gone, and with it what it was asked for. */
  interrupted(): void {
    for (const [peer, { transfer, asked }] of [...this.#sending]) {
      if (asked) this.#fail(peer, transfer)
    }
  }

  #fail(peer: NodeId, transfer: number): void {
    const sending = this.#sending.get(peer)
    if (sending !== undefined) sending.asked = false
    const message = { kind: 'snapshotChunk', transfer, ...NO_CHUNK, bytes: NOTHING } as const
    this.#links.replicators.get(peer)?.ref.tell(message)
  }
}

const NOTHING = new Uint8Array(0)
