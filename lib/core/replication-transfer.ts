import type { ChunkReply, FedChunk, Position } from './replication-messages.js'

export type ChunkAnswer =
  /** Go on: `next` is called again. */
  | 'stored'
  /** The follower holds another offset than expected: go on there. */
  | 'resumed'
  /** Begin anew with a new transfer. */
  | 'failed'
  | 'installed'
  /** An answer to something else. */
  | 'ignored'

/**
 * One snapshot on its way to the follower (Raft Figure 13, in chunks): one chunk in flight, the next one
 * read meanwhile. The follower counts what it holds of this transfer; after a broken connection
 * the transfer goes on there.
 */
export class SnapshotTransfer<C extends FedChunk> {
  readonly number: number
  #meta: NonNullable<C['meta']> | null = null
  /** Bytes the follower is known to hold. */
  #held = 0
  /** Offset asked of the snapshot actor and not come yet. */
  #asked: number | null = null
  #askedAt = 0
  #ready: C | null = null
  #flying: C | null = null
  #sentAt = 0
  /** When the last byte was acknowledged as stored: the follower is installing since. */
  #installingSince: number | null = null
  /** When to ask, by an empty AppendEntries behind the snapshot, whether it is installed by now. */
  #verifyAt: number | null = null
  /** Answers in a row that made no progress. */
  #setbacks = 0

  constructor(number: number) {
    this.number = number
  }

  get meta(): NonNullable<C['meta']> | null {
    return this.#meta
  }

  /** The snapshot's last entry: a follower that has it has installed it. */
  get position(): Position | null {
    return this.#meta === null ? null : { index: this.#meta.index, term: this.#meta.term }
  }

  get setbacks(): number {
    return this.#setbacks
  }

  get installingSince(): number | null {
    return this.#installingSince
  }

  /** Nothing is sent meanwhile: what was lost with a connection may have been the last answer. */
  get verifyAt(): number | null {
    return this.#verifyAt
  }

  /** When the chunk in flight was sent, or null. */
  get sentAt(): number | null {
    return this.#flying === null ? null : this.#sentAt
  }

  /** When the chunk asked for was asked for, or null. */
  get askedAt(): number | null {
    return this.#asked === null ? null : this.#askedAt
  }

  /** The offset to ask for now, or null when the next chunk is here, on its way or not needed. */
  ask(now: number): number | null {
    if (this.#asked !== null || this.#ready !== null || this.#installingSince !== null) return null
    if (this.#flying?.done) return null
    this.#asked = this.#flying === null ? this.#held : endOf(this.#flying)
    this.#askedAt = now
    return this.#asked
  }

  /** A chunk was read. False when it says that nothing can be read. */
  fed(chunk: C): boolean {
    if (chunk.transfer !== this.number) return true
    const { meta } = chunk
    if (chunk.failed || meta === null) return false
    if (chunk.offset !== this.#asked) return true
    this.#asked = null
    this.#meta ??= meta
    // Chunks of another snapshot must never be joined to these.
    if (meta.index !== this.#meta.index || meta.term !== this.#meta.term) return false
    this.#ready = chunk
    return true
  }

  /** The chunk to send now, if there is one and none is in flight. */
  next(now: number): C | null {
    if (this.#flying !== null || this.#ready === null) return null
    const chunk = this.#ready
    this.#ready = null
    this.#flying = chunk
    this.#sentAt = now
    return chunk
  }

  /** `verifyMs`: how long an install is left alone before it is asked after. */
  answered(now: number, reply: ChunkReply, verifyMs: number): ChunkAnswer {
    if (reply.transfer !== this.number || this.#meta === null) return 'ignored'
    if (reply.installed) return 'installed'
    if (reply.failed) return 'failed'
    const flying = this.#flying
    if (flying === null) return 'ignored'
    this.#flying = null
    if (reply.offset === endOf(flying)) {
      this.#held = reply.offset
      this.#setbacks = 0
      if (flying.done) {
        this.#installingSince = now
        this.#verifyAt = now + verifyMs
      }
      return 'stored'
    }
    if (reply.offset < 0 || reply.offset > this.#meta.size) return 'failed'
    if (reply.offset <= flying.offset) this.#setbacks++
    this.#held = reply.offset
    this.#ready = null
    this.#asked = null
    return 'resumed'
  }

  /** The connection broke: what was in flight is lost, what the follower holds is not. */
  interrupt(now: number): void {
    this.#flying = null
    this.#ready = null
    this.#asked = null
    this.#verifyAt = this.#meta === null ? null : now
  }

  /** The follower does not have the snapshot yet: go on sending, or leave it more time to install. */
  notInstalled(now: number, verifyMs: number): void {
    this.#verifyAt = this.#installingSince === null ? null : now + verifyMs
  }
}

function endOf(chunk: FedChunk): number {
  return chunk.offset + chunk.length
}
