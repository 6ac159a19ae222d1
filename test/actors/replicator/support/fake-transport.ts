import type { ActorContext } from '../../../../lib/runtime/actor.js'
import { PROTOCOL_VERSION } from '../../../../lib/transport/handshake.js'
import type {
  Channel,
  ChannelHandler,
  Frame,
  Hello,
  Listener,
  Purpose,
  Transport,
  TransportSpec,
  Welcome,
} from '../../../../lib/transport/transport.js'

/** A channel whose other end is the test. */
export class FakeChannel implements Channel {
  readonly address: string
  readonly hello: Hello
  readonly sent: Frame[] = []
  readonly bufferedBytes = 0
  closed = false
  readonly #handler: ChannelHandler
  readonly #context: ActorContext
  #written: (() => void)[] = []
  #open = false

  constructor(address: string, hello: Hello, handler: ChannelHandler, context: ActorContext) {
    this.address = address
    this.hello = hello
    this.#handler = handler
    this.#context = context
  }

  send(frame: Frame, written?: () => void): boolean {
    if (!this.#open || this.closed) return false
    this.sent.push(frame)
    if (written !== undefined) this.#written.push(written)
    return true
  }

  /** The actor's doing: as in a real transport, what waited is let go of and `onClose` comes later. */
  close(): void {
    this.closed = true
    this.write()
  }

  pause(): void {}

  resume(): void {}

  // -- the test's side

  welcome(incarnation: string): void {
    this.#open = true
    const { cluster, to } = this.hello
    const welcome: Welcome = { version: PROTOCOL_VERSION, cluster, nodeId: to, incarnation }
    this.#context.turn(() => this.#handler.onOpen(this, welcome))
  }

  refuse(code: string): void {
    this.closed = true
    const refusal = { code, message: `refused: ${code}` }
    this.#context.turn(() => this.#handler.onClose(this, new Error(refusal.message), refusal))
  }

  receive(type: number, head: Uint8Array, payload = new Uint8Array(0)): void {
    this.#context.turn(() => this.#handler.onFrame(this, type, head, payload))
  }

  /** The network's or the peer's doing. */
  break(error: Error | null = new Error('reset')): void {
    this.closed = true
    this.write()
    this.#context.turn(() => this.#handler.onClose(this, error))
  }

  /** The socket has read everything that was sent. */
  write(): void {
    for (const written of this.#written.splice(0)) written()
  }

  take(): readonly Frame[] {
    return this.sent.splice(0)
  }
}

export class FakeTransport implements Transport {
  readonly dials: FakeChannel[] = []
  readonly #context: ActorContext

  constructor(context: ActorContext) {
    this.#context = context
  }

  dial(address: string, hello: Hello, handler: ChannelHandler): Channel {
    const channel = new FakeChannel(address, hello, handler, this.#context)
    this.dials.push(channel)
    return channel
  }

  listen(): Promise<Listener> {
    return Promise.reject(new Error('a replicator listens to nobody'))
  }

  /** The newest channel for that purpose. */
  newest(purpose: Purpose): FakeChannel {
    const channel = this.dials.findLast(({ hello }) => hello.purpose === purpose)
    if (channel === undefined) throw new Error(`no ${purpose} connection was dialled`)
    return channel
  }

  count(purpose: Purpose): number {
    return this.dials.filter(({ hello }) => hello.purpose === purpose).length
  }

  get spec(): TransportSpec {
    return { module: 'fake:', options: {}, advertise: 'n1:7701', create: () => this }
  }
}
