import type { RequestVote } from '../../lib/core/rpc.js'
import type { LogIndex, NodeId, Session, Term } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import {
  decodeHeartbeatReply,
  decodeVoteReply,
  encodeHeartbeat,
  encodeRemoved,
  encodeRequestVote,
  encodeTimeoutNow,
  FrameType,
  frameOf,
} from '../../lib/transport/messages.js'
import type { ReplicatorCounts } from './figures.js'
import { Heartbeats } from './heartbeats.js'
import type { Leadership } from './leadership.js'
import type { PeerConnection } from './peer-connection.js'
import type { PeerHealth } from './peer-health.js'
import type { ReplicatorConfig, ReplicatorReply } from './protocol.js'
import { unexpectedFrame } from './unexpected-frame.js'

/** A vote request that finds the connection down waits for it this many heartbeat intervals. */
const VOTE_PATIENCE_INTERVALS = 10

export interface ControlLaneParts {
  readonly nodeId: NodeId
  readonly peer: NodeId
  readonly context: ActorContext
  readonly config: ReplicatorConfig
  readonly leadership: Leadership
  readonly figures: ReplicatorCounts
  readonly connection: () => PeerConnection
  readonly health: PeerHealth
  readonly tell: (reply: ReplicatorReply) => void
}

/**
 * What must never wait behind data (DESIGN §2.6): heartbeats, votes and TimeoutNow, over a connection
 * that is up whether this node leads or not, so that a candidate needs no new one.
 */
export class ControlLane {
  readonly #parts: ControlLaneParts
  readonly #heartbeats: Heartbeats
  /** The newest vote request that could not be sent, and until when it is worth sending. */
  #held: { readonly request: RequestVote; readonly until: number } | null = null
  /** The oldest vote request on this connection that nothing was heard after. */
  #askedAt: number | null = null

  constructor(parts: ControlLaneParts) {
    this.#parts = parts
    const { nodeId, peer, context, config, leadership, figures, health, tell } = parts
    this.#heartbeats = new Heartbeats({
      nodeId,
      peer,
      context,
      config,
      leadership,
      figures,
      health,
      tell,
      send: (heartbeat) => {
        const connection = parts.connection()
        if (connection.incarnation !== heartbeat.incarnation) return false
        return connection.send(frameOf(FrameType.heartbeat, encodeHeartbeat(heartbeat)))
      },
      late: (ageMs) => this.#late(ageMs),
    })
  }

  lead(session: Session, probe: number): void {
    this.#held = null
    this.#heartbeats.begin(session, probe)
  }

  unlead(): void {
    this.#heartbeats.end()
  }

  /** The options were reloaded. */
  reload(): void {
    this.#heartbeats.reload()
  }

  probe(probe: number): void {
    this.#heartbeats.probe(probe)
  }

  requestVote(request: RequestVote): void {
    const { context, config } = this.#parts
    const now = context.now()
    this.#dropIfDeaf(now)
    const patience = config.heartbeatIntervalMs * VOTE_PATIENCE_INTERVALS
    this.#held = { request, until: now + patience }
    this.#sendHeld(now)
  }

  /** Not repeated: a transfer that is not heard of ends by its own deadline. */
  timeoutNow(term: Term): void {
    const leader = this.#parts.nodeId
    const head = encodeTimeoutNow({ kind: 'timeoutNow', term, leader })
    this.#parts.connection().send(frameOf(FrameType.timeoutNow, head))
  }

  /** Not repeated either: who misses it learns it from the voters it asks. */
  tellRemoved(term: Term, index: LogIndex): void {
    const leader = this.#parts.nodeId
    const head = encodeRemoved({ kind: 'removed', term, leader, index })
    this.#parts.connection().send(frameOf(FrameType.removed, head))
  }

  ready(): void {
    this.#askedAt = null
    this.#heartbeats.connected()
    this.#sendHeld(this.#parts.context.now())
  }

  down(): void {
    this.#askedAt = null
    this.#heartbeats.disconnected()
  }

  frame(type: number, head: Uint8Array): void {
    this.#askedAt = null
    if (type === FrameType.heartbeatReply) this.#heartbeats.answered(decodeHeartbeatReply(head))
    else if (type === FrameType.voteReply) {
      const { peer, tell } = this.#parts
      tell({ kind: 'voteReply', peer, reply: decodeVoteReply(head) })
    } else throw unexpectedFrame('heartbeat', type)
  }

  /** Ends a turn. */
  flush(): void {
    this.#heartbeats.flush()
  }

  #sendHeld(now: number): void {
    const held = this.#held
    if (held === null) return
    const frame = frameOf(FrameType.requestVote, encodeRequestVote(held.request))
    if (now > held.until) this.#held = null
    else if (this.#parts.connection().send(frame)) {
      this.#held = null
      this.#askedAt ??= now
    }
  }

  /** A peer whose machine vanished leaves a connection that swallows everything without an error. */
  #dropIfDeaf(now: number): void {
    const limit = this.#parts.config.replicationStallTimeoutMs
    if (this.#askedAt === null || now - this.#askedAt < limit) return
    this.#parts.connection().drop(`no answer to vote requests for ${limit} ms`)
  }

  #late(ageMs: number): void {
    const { config, connection } = this.#parts
    if (ageMs < config.replicationStallTimeoutMs) return
    connection().drop(`no answer to heartbeats for ${Math.round(ageMs)} ms`)
  }
}
