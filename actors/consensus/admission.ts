import { hasQuorum } from '../../lib/core/quorum.js'
import type { Configuration, NodeId } from '../../lib/core/types.js'

type Verdict = { readonly code: string; readonly message: string } | null

/**
 * S16: which incarnation of each other node is known here. The first one seen is made durable before it
 * is taken; another one later has lost what the first acknowledged and is turned away.
 */
export class Admission {
  readonly #known: Map<NodeId, string>
  readonly #save: (seq: number, incarnations: Readonly<Record<NodeId, string>>) => void
  #seq = 0
  #savedSeq = 0
  #waiting: { readonly seq: number; readonly decided: (verdict: Verdict) => void }[] = []
  /** Members that took this node's own incarnation, by handshake. */
  readonly #confirmedBy = new Set<NodeId>()

  constructor(
    known: Readonly<Record<NodeId, string>>,
    save: (seq: number, incarnations: Readonly<Record<NodeId, string>>) => void,
  ) {
    this.#known = new Map(Object.entries(known))
    this.#save = save
  }

  /** `decided` is called at once, or when a first sight is durable. */
  decide(peer: NodeId, incarnation: string, decided: (verdict: Verdict) => void): void {
    const known = this.#known.get(peer)
    if (known === undefined) {
      this.#known.set(peer, incarnation)
      this.#save(++this.#seq, Object.fromEntries(this.#known))
    } else if (known !== incarnation) {
      decided({
        code: 'RAFT_LOST_STATE',
        message:
          `node ${peer} was known here as incarnation ${known} and came as ${incarnation}: ` +
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

  /** `peer` has taken this node's handshake, so it knows no earlier incarnation of this node. */
  confirmedBy(peer: NodeId): void {
    this.#confirmedBy.add(peer)
  }

  /** A quorum, this node included, has found no trace of an earlier life of this node. */
  isFresh(configuration: Configuration, self: NodeId): boolean {
    return hasQuorum(configuration, (id) => id === self || this.#confirmedBy.has(id))
  }
}
