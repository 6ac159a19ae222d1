import { hasQuorum, membersOf } from '../../lib/core/quorum.js'
import type { Configuration, IndexedConfiguration, LogIndex, NodeId } from '../../lib/core/types.js'
import type { KnownIncarnations } from '../log/protocol.js'

/** Who comes. `addedAt`: by which entry it says that it was added; null: it was met, as the member that it is. */
interface Comer {
  readonly incarnation: string
  readonly addedAt: LogIndex | null
}

type Verdict = { readonly code: string; readonly message: string } | null

/**
 * S16: which incarnation of each other member is known here. The first one seen is made durable before it
 * is taken; another one later has lost what the first acknowledged and is turned away, until the member
 * has been removed and is added again.
 */
export class Admission {
  readonly #known: Map<NodeId, KnownIncarnations[NodeId]>
  readonly #save: (seq: number, known: KnownIncarnations) => void
  #members: ReadonlyMap<NodeId, LogIndex> = new Map()
  #seq = 0
  #savedSeq = 0
  #waiting: { readonly seq: number; readonly decided: (verdict: Verdict) => void }[] = []
  /** Members that took this node's own incarnation, by handshake. */
  readonly #confirmedBy = new Set<NodeId>()

  constructor(known: KnownIncarnations, save: (seq: number, known: KnownIncarnations) => void) {
    this.#known = new Map(Object.entries(known))
    this.#save = save
  }

  /** A configuration is in force, or committed: only a committed one makes forget. */
  members({ index, configuration }: IndexedConfiguration, committed: boolean): void {
    const members = membersOf(configuration)
    this.#members = new Map(members.map(({ id, addedAt }) => [id, addedAt]))
    if (committed) this.#forget(index)
  }

  /**
   * `decided` is called at once, or when a first sight is durable. Who says that it was added by a later
   * entry than the one known here has read so in a log that this node lags behind. Who names an earlier one
   * than its own is taken at its word too: it may have been wiped since it said so, and added again.
   */
  decide(
    peer: NodeId,
    { incarnation, addedAt: said }: Comer,
    decided: (verdict: Verdict) => void,
  ): void {
    const known = this.#known.get(peer)
    const addedAt = said ?? this.#members.get(peer) ?? 0
    if (known === undefined) {
      // S3: who is no member here may be one elsewhere, and is heard. It is not remembered: by the time it
      // becomes a member here it may have been wiped.
      if (!this.#members.has(peer)) return decided(null)
      this.#remember(peer, incarnation, addedAt)
    } else if (addedAt > known.addedAt) {
      this.#remember(peer, incarnation, addedAt)
    } else if (known.incarnation !== incarnation) {
      decided({
        code: 'RAFT_LOST_STATE',
        message:
          `node ${peer} was known here as incarnation ${known.incarnation} and came as ${incarnation}: ` +
          'its data directory is not the one that acknowledged entries. ' +
          'Restore that directory, or remove the node and add it again',
      })
      return
    }
    if (this.#savedSeq === this.#seq) decided(null)
    else this.#waiting.push({ seq: this.#seq, decided })
  }

  saved(seq: number): void {
    this.#savedSeq = Math.max(this.#savedSeq, seq)
    const ready = this.#waiting.filter((entry) => entry.seq <= this.#savedSeq)
    this.#waiting = this.#waiting.filter((entry) => entry.seq > this.#savedSeq)
    for (const entry of ready) entry.decided(null)
  }

  /** Whether the peer is a member here since the entry that it says: an earlier life of it would be known. */
  isMember(peer: NodeId, addedAt: LogIndex): boolean {
    return this.#members.get(peer) === addedAt
  }

  /**
   * `peer` has taken this node's handshake, and has this node as a member since the same entry: it knows no
   * earlier incarnation. Of a peer that knows no members, or another history of them, it would mean nothing.
   */
  confirmedBy(peer: NodeId): void {
    this.#confirmedBy.add(peer)
  }

  /** A quorum, this node included, has found no trace of an earlier life of this node. */
  isFresh(configuration: Configuration, self: NodeId): boolean {
    return hasQuorum(configuration, (id) => id === self || this.#confirmedBy.has(id))
  }

  #remember(peer: NodeId, incarnation: string, addedAt: LogIndex): void {
    this.#known.set(peer, { incarnation, addedAt })
    this.#saveKnown()
  }

  /**
   * Removed, or removed and added again by a later entry: it may come as whoever it is now. A configuration
   * older than what is known of a member says nothing about it.
   */
  #forget(index: LogIndex): void {
    let changed = false
    for (const [peer, { addedAt }] of this.#known) {
      const current = this.#members.get(peer) ?? Number.POSITIVE_INFINITY
      if (current <= addedAt || index < addedAt) continue
      this.#known.delete(peer)
      changed = true
    }
    if (changed) this.#saveKnown()
  }

  #saveKnown(): void {
    this.#save(++this.#seq, Object.fromEntries(this.#known))
  }
}
