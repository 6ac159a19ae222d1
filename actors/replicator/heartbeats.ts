import type { Heartbeat, HeartbeatReply } from '../../lib/core/rpc.js'
import type { NodeId, Session } from '../../lib/core/types.js'
import type { ActorContext, Timer } from '../../lib/runtime/actor.js'
import type { ReplicatorCounts } from './figures.js'
import type { Leadership } from './leadership.js'
import type { PeerHealth } from './peer-health.js'
import type { ReplicatorConfig, ReplicatorReply } from './protocol.js'

/** Unanswered heartbeats that are remembered; an answer to an older one counts for nothing. */
const MAX_UNANSWERED = 1024

export interface HeartbeatParts {
  readonly nodeId: NodeId
  readonly peer: NodeId
  readonly context: ActorContext
  readonly config: ReplicatorConfig
  readonly leadership: Leadership
  readonly figures: ReplicatorCounts
  /** Over the heartbeat connection; false when it is not up, or not to that incarnation. */
  readonly send: (heartbeat: Heartbeat) => boolean
  readonly tell: (reply: ReplicatorReply) => void
  readonly health: PeerHealth
  /** The oldest unanswered heartbeat on this connection is this old. */
  readonly late: (ageMs: number) => void
}

/**
 * The heartbeats of one session (S9, S10): at once when it begins, then each heartbeatIntervalMs, and at
 * once for each new probe number. An answer counts only if it echoes a heartbeat of this session
 * that was sent on the connection it came by.
 */
export class Heartbeats {
  readonly #parts: HeartbeatParts
  #session: Session | null = null
  #probe = 0
  #due = false
  #sentAt = Number.NEGATIVE_INFINITY
  #unanswered: Heartbeat[] = []
  #timer: Timer | null = null

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
  }

  begin(session: Session, probe: number): void {
    this.end()
    this.#session = session
    this.#probe = probe
    this.#due = true
    this.#parts.health.begin(this.#parts.context.now())
    this.#arm(this.#parts.config.heartbeatIntervalMs)
  }

  /** The options were reloaded: a shorter interval begins now. */
  reload(): void {
    if (this.#timer === null) return
    this.#timer.cancel()
    const { context, config } = this.#parts
    const since = context.now() - this.#sentAt
    this.#arm(Math.max(0, Math.min(config.heartbeatIntervalMs, config.heartbeatIntervalMs - since)))
  }

  end(): void {
    this.#session = null
    this.#due = false
    this.#unanswered = []
    this.#timer?.cancel()
    this.#timer = null
    this.#parts.health.end()
  }

  /** S10: several probes of one turn are one heartbeat, with the newest number. */
  probe(probe: number): void {
    if (this.#session === null || probe <= this.#probe) return
    this.#probe = probe
    this.#due = true
  }

  /** The connection is up: the follower must not wait for the next interval. */
  connected(): void {
    this.#due = this.#session !== null
  }

  disconnected(): void {
    this.#unanswered = []
  }

  /** Ends a turn: sends the heartbeat that is due. */
  flush(): void {
    if (!this.#due) return
    this.#due = false
    this.#send()
  }

  answered(reply: HeartbeatReply): void {
    const { leadership, context, peer, tell } = this.#parts
    const session = this.#session
    if (session === null) return
    if (reply.term > session.term) {
      leadership.overtaken(reply.term)
      return
    }
    const position = this.#unanswered.findIndex((heartbeat) => isEcho(reply, heartbeat))
    if (!reply.accepted || position < 0) return
    this.#unanswered.splice(0, position + 1)
    const { probe, sentAt, leaseMs } = reply
    tell({
      kind: 'heartbeatAck',
      peer,
      session,
      probe,
      sentAt,
      leaseMs,
      receivedAt: context.now(),
    })
    const now = context.now()
    this.#parts.figures.record('heartbeatMs', now - sentAt)
    this.#parts.health.answered(now)
  }

  #send(): void {
    const { context, config, leadership, nodeId } = this.#parts
    const now = context.now()
    const session = leadership.speakFor(now)
    if (session === null || session !== this.#session) return
    const heartbeat: Heartbeat = {
      kind: 'heartbeat',
      term: session.term,
      leader: nodeId,
      addedAt: session.addedAt,
      incarnation: session.incarnation,
      probe: this.#probe,
      sentAt: now,
      leaseMs: config.leaderLeaseTimeoutMs,
    }
    if (!this.#parts.send(heartbeat)) return
    this.#parts.figures.add('heartbeats')
    this.#sentAt = now
    this.#unanswered.push(heartbeat)
    if (this.#unanswered.length > MAX_UNANSWERED) this.#unanswered.shift()
  }

  /** One timer for the session: a heartbeat sent for a probe puts the next one off. */
  #arm(delayMs: number): void {
    const { context, config } = this.#parts
    this.#timer = context.after(delayMs, () => {
      const since = context.now() - this.#sentAt
      const rest = config.heartbeatIntervalMs - since
      if (rest >= 1) {
        this.#arm(rest)
        return
      }
      this.#arm(config.heartbeatIntervalMs)
      this.#reportLateness()
      this.#due = true
      this.flush()
    })
  }

  #reportLateness(): void {
    const { context, health, late } = this.#parts
    const now = context.now()
    health.check(now)
    const oldest = this.#unanswered[0]
    if (oldest !== undefined) late(now - oldest.sentAt)
  }
}

function isEcho(reply: HeartbeatReply, heartbeat: Heartbeat): boolean {
  return (
    reply.term === heartbeat.term &&
    reply.probe === heartbeat.probe &&
    reply.sentAt === heartbeat.sentAt &&
    reply.leaseMs === heartbeat.leaseMs
  )
}
