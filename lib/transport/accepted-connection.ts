import { assert } from '../core/assert.js'
import type { ActorContext, Timer } from '../runtime/actor.js'
import { TransportError } from './errors.js'
import { FramedChannel } from './framed-channel.js'
import { decodeHello, encodeWelcome, HandshakeReader } from './handshake.js'
import { checkIdentity } from './peer-identity.js'
import type { Pipe, PipeEvents } from './pipe.js'
import type { ChannelHandler, ListenHandler, TransportLimits, Welcome } from './transport.js'

/** The listener's side: waits for Hello, lets the handler decide, answers Welcome. */
export class AcceptedConnection implements PipeEvents {
  readonly channel: FramedChannel
  readonly #pipe: Pipe
  readonly #remote: string
  readonly #handler: ListenHandler
  readonly #limits: TransportLimits
  readonly #timer: Timer
  readonly #reader = new HandshakeReader('hello')
  #state: 'hello' | 'deciding' | 'open' | 'refused' | 'closed' = 'hello'
  #end: Error | null = null

  constructor(
    pipe: Pipe,
    remote: string,
    handler: ListenHandler,
    limits: TransportLimits,
    context: ActorContext,
  ) {
    this.#pipe = pipe
    this.#remote = remote
    this.#handler = handler
    this.#limits = limits
    this.channel = new FramedChannel(pipe, limits)
    this.#timer = context.after(limits.handshakeTimeoutMs, () => this.#timeout())
  }

  connected(): void {}

  received(chunk: Uint8Array): void {
    switch (this.#state) {
      case 'hello':
        return this.#readHello(chunk)
      case 'deciding':
        return this.#refuse(
          new TransportError(
            'RAFT_HANDSHAKE_INVALID',
            'the dialler sent more before it was welcome',
            { bytes: chunk.length },
          ),
        )
      case 'open':
        return this.channel.received(chunk)
      case 'refused':
      case 'closed':
        return
    }
  }

  bulk(): boolean {
    return this.channel.bulk
  }

  closed(error: Error | null): void {
    this.#timer.cancel()
    this.#end = error
    this.#state = 'closed'
    this.channel.closed(error)
  }

  #readHello(chunk: Uint8Array): void {
    try {
      const handshake = this.#reader.push(chunk)
      if (handshake === null) return
      this.#state = 'deciding'
      if (handshake.rest.length > 0) return this.received(handshake.rest)
      const hello = decodeHello(handshake.version, handshake.body)
      checkIdentity(this.#pipe.identities, hello.cluster, hello.nodeId)
      this.#handler.onHello(hello, (welcome, handler) => this.#accept(welcome, handler))
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      this.#refuse(error)
    }
  }

  #accept(welcome: Welcome, handler: ChannelHandler): void {
    assert(
      this.#state === 'deciding' || this.#state === 'closed' || this.#state === 'refused',
      'a connection is accepted once',
      { remote: this.#remote, state: this.#state },
    )
    this.channel.attach(handler)
    // The peer did not wait for the decision; `onClose` comes at once or with the pipe's end.
    if (this.#state === 'closed') return handler.onClose(this.channel, this.#end)
    if (this.#state === 'refused') return
    this.#pipe.write([encodeWelcome(welcome)])
    if (welcome.refusal !== undefined) {
      // The timer goes on: a peer that does not read its refusal is cut off.
      this.#state = 'refused'
      return this.#pipe.end()
    }
    this.#timer.cancel()
    this.#state = 'open'
    this.channel.open(handler, welcome)
  }

  #timeout(): void {
    if (this.#state === 'refused') return this.channel.fail(null)
    const { handshakeTimeoutMs } = this.#limits
    this.#refuse(
      new TransportError(
        'RAFT_HANDSHAKE_TIMEOUT',
        `no handshake within handshakeTimeoutMs ${handshakeTimeoutMs}; the connection is closed`,
        { handshakeTimeoutMs, state: this.#state },
      ),
    )
  }

  #refuse(error: TransportError): void {
    this.#state = 'refused'
    this.channel.fail(error)
    this.#handler.onRefused(this.#remote, error)
  }
}
