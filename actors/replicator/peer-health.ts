import type { NodeId } from '../../lib/core/types.js'
import type { ReplicatorReply } from './protocol.js'

/** Tells observers when the peer's heartbeat connection goes down and comes up again, once each. */
export class PeerHealth {
  readonly #peer: NodeId
  readonly #tell: (reply: ReplicatorReply) => void
  #healthy: boolean | null = null

  constructor(peer: NodeId, tell: (reply: ReplicatorReply) => void) {
    this.#peer = peer
    this.#tell = tell
  }

  report(healthy: boolean, reason: string): void {
    if (healthy === this.#healthy) return
    this.#healthy = healthy
    this.#tell({ kind: 'peerHealth', peer: this.#peer, healthy, reason })
  }
}
