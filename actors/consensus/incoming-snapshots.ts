import { assert } from '../../lib/core/assert.js'
import type { Term } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import { sameSnapshot } from '../../lib/snapshot/order.js'
import { ProgressMeter } from '../../lib/snapshot/progress-meter.js'
import type { SnapshotChunk, SnapshotChunkReply } from '../inbound/protocol.js'
import type { SnapshotMeta, SnapshotReply } from '../snapshot/protocol.js'
import type { Links } from './links.js'

type Of<Union extends { kind: string }, Kind extends Union['kind']> = Extract<Union, { kind: Kind }>

/** Bytes held of a snapshot that a leader sends. */
interface Arriving {
  readonly meta: SnapshotMeta
  readonly meter: ProgressMeter
}

/** A chunk in the hands of the snapshot actor. */
interface Storing {
  readonly connection: number
  readonly transfer: number
}

/** A snapshot from a leader: its chunks to the snapshot actor, and the answers to them. */
export class IncomingSnapshots {
  readonly #context: ActorContext
  readonly #links: Links
  readonly #failed: (meta: SnapshotMeta | null, reason: string) => void
  readonly #progress: (done: number, total: number) => void
  #arriving: Arriving | null = null
  #storing: Storing | null = null

  constructor(parts: {
    readonly context: ActorContext
    readonly links: Links
    readonly failed: (meta: SnapshotMeta | null, reason: string) => void
    readonly progress: (done: number, total: number) => void
  }) {
    this.#context = parts.context
    this.#links = parts.links
    this.#failed = parts.failed
    this.#progress = parts.progress
  }

  receive(connection: number, request: SnapshotChunk, bytes: Uint8Array): void {
    const { leader, term, transfer, meta, offset, length, compressed, done } = request
    assert(offset >= 0, 'a chunk has an offset', { offset })
    this.#expect(meta)
    const from = { connection, leader, leaderTerm: term, transfer, meta }
    const chunk = { offset, length, compressed, bytes, done }
    const message = { kind: 'storeChunk', ...from, ...chunk } as const
    // Unanswered the leader drops its connection, and goes on over the next one.
    if (this.#links.snapshot?.tell(message, bytes.length) === true) {
      this.#storing = { connection, transfer }
    }
  }

  /** `term`: this node's. */
  stored(reply: Of<SnapshotReply, 'chunkStored'>, term: Term): void {
    const { connection, transfer, offset, error } = reply
    this.#storing = null
    const failed = error !== null
    if (failed) {
      this.#context.log.warn({ error: error.message }, 'a snapshot chunk was not stored')
      this.#failed(this.#arriving?.meta ?? null, error.message)
    } else if (this.#arriving !== null) {
      this.#arriving.meter.report(offset, this.#arriving.meta.size)
    }
    this.answer(connection, { term, transfer, offset, installed: false, failed })
  }

  /** All of it is here and durable. */
  received(meta: SnapshotMeta): void {
    const arriving = this.#arriving
    this.#arriving = null
    if (arriving !== null && sameSnapshot(arriving.meta, meta)) arriving.meter.finish(meta.size)
  }

  /** The snapshot actor is gone, and with it what it held: the leader begins anew. */
  interrupted(term: Term): void {
    const storing = this.#storing
    this.#storing = null
    this.#arriving = null
    if (storing === null) return
    this.answer(storing.connection, {
      term,
      transfer: storing.transfer,
      offset: 0,
      installed: false,
      failed: true,
    })
  }

  answer(connection: number, reply: Omit<SnapshotChunkReply, 'kind'>): void {
    const message = { kind: 'snapshotChunkReply', ...reply } as const
    this.#links.inbound?.control({ kind: 'reply', connection, reply: message })
  }

  #expect(meta: SnapshotMeta): void {
    if (this.#arriving !== null && sameSnapshot(this.#arriving.meta, meta)) return
    const meter = new ProgressMeter(() => this.#context.now(), this.#progress)
    this.#arriving = { meta, meter }
  }
}
