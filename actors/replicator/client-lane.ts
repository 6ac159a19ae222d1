import type { NodeId } from '../../lib/core/types.js'
import type { ActorContext, Timer } from '../../lib/runtime/actor.js'
import {
  decodeForwardReply,
  encodeForwardRequest,
  FrameType,
  frameOf,
} from '../../lib/transport/messages.js'
import type { PeerConnection } from './peer-connection.js'
import type { ReplicatorConfig, ReplicatorMessage, ReplicatorReply } from './protocol.js'
import { unexpectedFrame } from './unexpected-frame.js'

type Forward = Extract<ReplicatorMessage, { kind: 'forward' }>

export interface ClientLaneParts {
  readonly peer: NodeId
  readonly context: ActorContext
  readonly config: ReplicatorConfig
  readonly connection: () => PeerConnection
  readonly tell: (reply: ReplicatorReply) => void
}

interface Pending {
  readonly forward: Forward
  readonly timer: Timer
  sent: boolean
}

/**
 * Requests of this node's program for the peer, over a connection that is dialled when the first one
 * comes. Each ends with one `forwardReply`: S17 lets a request be tried again only when it certainly never
 * left (`sent` false).
 */
export class ClientLane {
  readonly #parts: ClientLaneParts
  readonly #pending = new Map<number, Pending>()
  /** Bytes of requests that wait for the connection. */
  #waitingBytes = 0

  constructor(parts: ClientLaneParts) {
    this.#parts = parts
  }

  forward(forward: Forward): void {
    const { context, config, connection, tell, peer } = this.#parts
    const { request, body } = forward
    const room = this.#waitingBytes + body.length <= config.maxInflightBytes
    if (!connection().isReady && this.#waitingBytes > 0 && !room) {
      tell({ kind: 'forwardReply', peer, request, body: null, sent: false })
      return
    }
    const timeoutMs = Math.min(forward.timeoutMs, config.forwardTimeoutMs)
    const timer = context.after(timeoutMs, () => this.#end(request, null))
    const pending = { forward, timer, sent: false }
    this.#pending.set(request, pending)
    this.#waitingBytes += body.length
    connection().start()
    this.#send(pending)
  }

  /** Whatever is pending waits: the end of the former connection ended what it had carried. */
  ready(): void {
    for (const pending of this.#pending.values()) this.#send(pending)
  }

  /** What was sent may have been carried out; what was not has certainly not (S17). */
  down(): void {
    for (const request of [...this.#pending.keys()]) this.#end(request, null)
    // Dialled again when it is needed, not before its pause is over.
    this.#parts.connection().stop()
  }

  frame(type: number, head: Uint8Array, payload: Uint8Array): void {
    if (type !== FrameType.forwardReply) throw unexpectedFrame('client', type)
    const { request, body } = decodeForwardReply(head, payload)
    this.#end(request, body)
  }

  #send(pending: Pending): void {
    const { request, timeoutMs, body } = pending.forward
    const head = encodeForwardRequest({ kind: 'forwardRequest', request, timeoutMs }, body)
    const frame = frameOf(FrameType.forwardRequest, head, [body])
    if (!this.#parts.connection().send(frame)) return
    pending.sent = true
    this.#waitingBytes -= body.length
  }

  #end(request: number, body: Uint8Array | null): void {
    const pending = this.#pending.get(request)
    if (pending === undefined) return
    const { forward, timer, sent } = pending
    this.#pending.delete(request)
    timer.cancel()
    if (!sent) this.#waitingBytes -= forward.body.length
    const { tell, peer } = this.#parts
    tell({ kind: 'forwardReply', peer, request, body, sent })
  }
}
