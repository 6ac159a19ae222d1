import type { NodeId } from '../../lib/core/types.js'
import type { ReplicatorReply } from './protocol.js'

/** R-43: so much of the followers' timeout without an answer and the observers hear of it. */
const LATE_SHARE = 0.8

/**
 * What observers are told of a peer: its heartbeat connection is up or down, whether this node leads or
 * not; and while it leads, that its heartbeats are not answered, and are answered again. Once each.
 */
export class PeerHealth {
  readonly #peer: NodeId
  readonly #config: { readonly heartbeatTimeoutMs: number }
  readonly #tell: (reply: ReplicatorReply) => void
  #connected: boolean | null = null
  /** Since when answers are expected; null: no leadership. */
  #since: number | null = null
  #answeredAt: number | null = null
  #failed = false

  constructor(
    peer: NodeId,
    config: { readonly heartbeatTimeoutMs: number },
    tell: (reply: ReplicatorReply) => void,
  ) {
    this.#peer = peer
    this.#config = config
    this.#tell = tell
  }

  connection(up: boolean, now: number, reason: string): void {
    if (!up) this.#fail(now, reason)
    if (up === this.#connected) return
    this.#connected = up
    this.#report(up ? 'active' : 'inactive', null, reason)
  }

  /** A leadership begins: from now on heartbeats are sent. */
  begin(now: number): void {
    this.#since = now
    this.#failed = false
  }

  end(): void {
    this.#since = null
    this.#failed = false
  }

  answered(now: number): void {
    const before = this.#answeredAt
    this.#answeredAt = now
    if (this.#since === null || !this.#failed) return
    this.#failed = false
    const silentMs = before === null ? null : now - before
    this.#report('resumed', silentMs, 'heartbeats are answered')
  }

  /** To be called now and then while this node leads. */
  check(now: number): void {
    if (this.#since === null || this.#failed) return
    const silentMs = now - Math.max(this.#since, this.#answeredAt ?? 0)
    if (silentMs < this.#config.heartbeatTimeoutMs * LATE_SHARE) return
    this.#fail(now, `no answer to heartbeats for ${Math.round(silentMs)} ms`)
  }

  #fail(now: number, reason: string): void {
    if (this.#since === null || this.#failed) return
    this.#failed = true
    this.#report('failed', this.#answeredAt === null ? null : now - this.#answeredAt, reason)
  }

  #report(
    change: Extract<ReplicatorReply, { kind: 'peerHealth' }>['change'],
    lastContactMs: number | null,
    reason: string,
  ): void {
    this.#tell({ kind: 'peerHealth', peer: this.#peer, change, lastContactMs, reason })
  }
}
