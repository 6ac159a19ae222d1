import type { Standing } from '../../lib/core/types.js'
import type { ActorContext, Timer } from '../../lib/runtime/actor.js'
import { TransportError, type TransportErrorCode } from '../../lib/transport/errors.js'
import type { Channel, Frame, Hello, Transport, Welcome } from '../../lib/transport/transport.js'

export type Refusal = NonNullable<Welcome['refusal']>

export interface ConnectionEvents {
  /** The handshake succeeded; nothing is sent until `admit`. */
  opened(welcome: Welcome): void
  /** Admitted: `send` works from now on. */
  ready(): void
  frame(type: number, head: Uint8Array, payload: Uint8Array): void
  /** A dial failed, or an open connection ended. The next attempt is already planned. */
  down(reason: string): void
  /** One side's handshake has turned the other away, and would again while both are set up as they are. */
  refused(refusal: Refusal): void
}

export interface ConnectionOptions {
  readonly context: ActorContext
  readonly transport: Transport
  readonly hello: Hello
  readonly address: string
  /** First delay between attempts, doubled with jitter up to the last. */
  readonly reconnectMinMs: number
  readonly reconnectMaxMs: number
  readonly events: ConnectionEvents
}

/**
 * One connection to the peer that is dialled again whenever it ends, from `start` to `stop`. Names are
 * resolved again at each dial (the transport does). Each dial has a number: what an earlier channel
 * still says is not heard.
 */
export class PeerConnection {
  readonly #options: ConnectionOptions
  /** As the next handshake says it. */
  standing: Standing | null = null
  #address: string
  #wanted = false
  #dial = 0
  #channel: Channel | null = null
  /** The peer's, from its handshake, while the connection is open. */
  #incarnation: string | null = null
  #ready = false
  #openedAt = 0
  /** Something arrived: the peer takes part, so the next loss is tried again soon. */
  #heard = false
  #attempts = 0
  #retry: Timer | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#address = options.address
  }

  get isReady(): boolean {
    return this.#ready
  }

  get incarnation(): string | null {
    return this.#incarnation
  }

  /** Keeps the connection up from now on. */
  start(): void {
    if (this.#wanted) return
    this.#wanted = true
    // A retry that is still planned keeps its delay: stop and start must not hammer a dead peer.
    if (this.#retry === null) this.#connect()
  }

  stop(): void {
    this.#wanted = false
    this.#forget()
  }

  /** For the end of the actor: no timer is left. */
  close(): void {
    this.stop()
    this.#retry?.cancel()
    this.#retry = null
  }

  /** Returns false, and never calls `written`, when nothing can be sent now. */
  send(frame: Frame, written?: () => void): boolean {
    return this.#ready && (this.#channel?.send(frame, written) ?? false)
  }

  /** The peer's incarnation is welcome. */
  admit(): void {
    if (this.#incarnation === null || this.#ready) return
    this.#ready = true
    this.#options.events.ready()
  }

  /** Closes it and dials again after a pause; a long one when the peer is not wanted as it is. */
  drop(reason: string, pause: 'short' | 'long' = 'short'): void {
    if (this.#channel === null) return
    this.#ended(reason, pause === 'long')
  }

  /** The peer has moved. */
  moved(address: string): void {
    if (address === this.#address) return
    this.#address = address
    this.#attempts = 0
    this.#retry?.cancel()
    this.#retry = null
    if (this.#channel !== null) {
      this.#forget()
      this.#options.events.down('the address has changed')
    }
    if (this.#wanted) this.#connect()
  }

  #connect(): void {
    const { transport, context, events } = this.#options
    const hello = { ...this.#options.hello, ...this.standing }
    const dial = ++this.#dial
    const current = () => this.#dial === dial
    this.#channel = transport.dial(this.#address, hello, {
      onOpen: (_channel, welcome) => {
        if (!current()) return
        this.#incarnation = welcome.incarnation
        this.#openedAt = context.now()
        events.opened(welcome)
      },
      onFrame: (_channel, type, head, payload) => {
        if (!current()) return
        this.#heard = true
        events.frame(type, head, payload)
      },
      onClose: (_channel, error, refusal) => {
        if (!current()) return
        const turnedAway = refusal ?? lastingFault(error)
        if (turnedAway !== null) events.refused(turnedAway)
        this.#ended(error?.message ?? 'the peer closed the connection', refusal !== undefined)
      },
    })
  }

  #ended(reason: string, longPause: boolean): void {
    const { context, reconnectMaxMs } = this.#options
    const lived = this.#incarnation === null ? 0 : context.now() - this.#openedAt
    // One that opens and ends at once, again and again, must not be dialled at full speed.
    if (this.#heard || lived >= reconnectMaxMs) this.#attempts = 0
    this.#forget()
    const delay = longPause ? this.#jittered(reconnectMaxMs) : this.#backoff()
    this.#retry?.cancel()
    this.#retry = context.after(delay, () => {
      this.#retry = null
      if (this.#wanted) this.#connect()
    })
    this.#options.events.down(reason)
  }

  #backoff(): number {
    const { reconnectMinMs, reconnectMaxMs } = this.#options
    const delay = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** this.#attempts)
    this.#attempts = Math.min(this.#attempts + 1, 30)
    return this.#jittered(delay)
  }

  /** Between half and the whole, so that nodes that lost each other do not dial in step. */
  #jittered(delay: number): number {
    return delay * (1 + this.#options.context.random()) * 0.5
  }

  #forget(): void {
    this.#dial++
    const channel = this.#channel
    this.#channel = null
    this.#incarnation = null
    this.#ready = false
    this.#heard = false
    channel?.close()
  }
}

/** What people have to put right, on one side or the other. */
const lasting: ReadonlySet<TransportErrorCode> = new Set<TransportErrorCode>([
  'RAFT_TLS_FAILED',
  'RAFT_IDENTITY_MISMATCH',
  'RAFT_HANDSHAKE_INVALID',
  'RAFT_VERSION_MISMATCH',
])

function lastingFault(error: Error | null): Refusal | null {
  if (!(error instanceof TransportError) || !lasting.has(error.code)) return null
  return { code: error.code, message: error.message }
}
