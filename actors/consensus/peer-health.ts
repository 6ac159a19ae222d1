import type { Progress } from '../../lib/core/leader-state.js'
import type { NodeId } from '../../lib/core/types.js'
import type { PeerReport } from './protocol.js'

/** What an operator asks of each peer and the protocol has no use for. */
export class PeerHealth {
  readonly #roundTripMs = new Map<NodeId, number>()
  /** S16: turned away since it was last admitted. */
  readonly #lost = new Set<NodeId>()

  answered(peer: NodeId, roundTripMs: number): void {
    this.#roundTripMs.set(peer, roundTripMs)
  }

  admitted(peer: NodeId): void {
    this.#lost.delete(peer)
  }

  lost(peer: NodeId): void {
    this.#lost.add(peer)
  }

  /** Its replicator has ended: what was measured over it is not known any more. */
  gone(peer: NodeId): void {
    this.#roundTripMs.delete(peer)
    this.#lost.delete(peer)
  }

  /** Whom the leader does not follow up any more has lost entries that it had acknowledged (S16). */
  report(peer: NodeId, progress: Readonly<Progress> | undefined, now: number): PeerReport {
    const roundTripMs = this.#roundTripMs.get(peer) ?? null
    if (progress === undefined) {
      return { id: peer, matchIndex: 0, lastContactMs: null, roundTripMs, incarnation: 'lost' }
    }
    const { matchIndex, lastAckAt, incarnation } = progress
    return {
      id: peer,
      matchIndex,
      lastContactMs: Math.max(0, now - lastAckAt),
      roundTripMs,
      incarnation: this.#lost.has(peer) ? 'lost' : incarnation === null ? 'unseen' : 'known',
    }
  }
}
