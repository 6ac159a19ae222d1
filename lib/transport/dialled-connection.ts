import type { ActorContext, Timer } from '../runtime/actor.js'
import { TransportError } from './errors.js'
import { FramedChannel } from './framed-channel.js'
import { decodeWelcome, encodeHello, HandshakeReader } from './handshake.js'
import { checkIdentity } from './peer-identity.js'
import type { Pipe, PipeEvents } from './pipe.js'
import type { ChannelHandler, Hello, TransportLimits, Welcome } from './transport.js'

/** The dialler's side: says Hello, waits for Welcome, then is the channel. */
export class DialledConnection implements PipeEvents {
  readonly channel: FramedChannel
  readonly #pipe: Pipe
  readonly #hello: Hello
  readonly #handler: ChannelHandler
  readonly #timer: Timer
  #reader: HandshakeReader | null = new HandshakeReader('welcome')

  constructor(
    pipe: Pipe,
    hello: Hello,
    handler: ChannelHandler,
    limits: TransportLimits,
    context: ActorContext,
  ) {
    this.#pipe = pipe
    this.#hello = hello
    this.#handler = handler
    this.channel = new FramedChannel(pipe, limits)
    this.channel.attach(handler)
    this.#timer = context.after(limits.handshakeTimeoutMs, () => this.#timeout(limits))
  }

  /** Not even a Hello for whoever is not the node that was meant. */
  connected(): void {
    const { cluster, to } = this.#hello
    try {
      checkIdentity(this.#pipe.identities, cluster, to)
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      return this.channel.fail(error)
    }
    this.#pipe.write([encodeHello(this.#hello)])
  }

  received(chunk: Uint8Array): void {
    if (this.#reader === null) return this.channel.received(chunk)
    try {
      const handshake = this.#reader.push(chunk)
      if (handshake === null) return
      this.#reader = null
      this.#timer.cancel()
      const welcome = decodeWelcome(handshake.version, handshake.body)
      if (!this.#takes(welcome)) return
      this.channel.open(this.#handler, welcome)
      this.channel.received(handshake.rest)
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      this.channel.fail(error)
    }
  }

  closed(error: Error | null): void {
    this.#timer.cancel()
    const early = this.#reader !== null && error === null
    this.channel.closed(early ? closedEarly() : error)
  }

  #takes(welcome: Welcome): boolean {
    const { refusal, version, cluster, nodeId } = welcome
    if (refusal !== undefined) {
      const details = { refusal: refusal.code, peer: nodeId }
      const message = `${this.#hello.to} refused this node: ${refusal.code}: ${refusal.message}`
      this.channel.fail(new TransportError('RAFT_REFUSED', message, details), refusal)
      return false
    }
    const { version: newest, minVersion: oldest = newest } = this.#hello
    if (version < oldest || version > newest) {
      throw new TransportError(
        'RAFT_VERSION_MISMATCH',
        `${nodeId} has chosen version ${version} of the protocol, this node speaks ${oldest} to ${newest}`,
        { found: version, oldest, newest },
      )
    }
    if (cluster !== this.#hello.cluster || nodeId !== this.#hello.to) {
      const { cluster: expectedCluster, to } = this.#hello
      throw new TransportError(
        'RAFT_CLUSTER_MISMATCH',
        `expected node ${to} of cluster ${expectedCluster}, found node ${nodeId} of cluster ${cluster}; correct the member's address`,
        { expected: to, expectedCluster, found: nodeId, foundCluster: cluster },
      )
    }
    return true
  }

  #timeout(limits: TransportLimits): void {
    this.channel.fail(
      new TransportError(
        'RAFT_HANDSHAKE_TIMEOUT',
        `${this.#hello.to} did not finish the handshake within handshakeTimeoutMs ${limits.handshakeTimeoutMs}`,
        { peer: this.#hello.to, handshakeTimeoutMs: limits.handshakeTimeoutMs },
      ),
    )
  }
}

function closedEarly(): TransportError {
  return new TransportError(
    'RAFT_CONNECTION_LOST',
    'the peer closed the connection before its Welcome: it speaks another protocol or wants TLS, does not accept this node, is full or is stopping',
  )
}
