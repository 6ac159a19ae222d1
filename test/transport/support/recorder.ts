import { EventEmitter, once } from 'node:events'
import type {
  Channel,
  ChannelHandler,
  Hello,
  ListenHandler,
  Welcome,
} from '../../../lib/transport/transport.js'

export interface ReceivedFrame {
  readonly type: number
  readonly head: Uint8Array
  readonly payload: Uint8Array
}

/** A channel's handler that remembers what it was told and lets a test wait for it. */
export class ChannelRecorder implements ChannelHandler {
  channel: Channel | null = null
  welcome: Welcome | null = null
  readonly frames: ReceivedFrame[] = []
  closes = 0
  error: Error | null = null
  refusal: Welcome['refusal']
  readonly #events = new EventEmitter()

  onOpen(channel: Channel, welcome: Welcome): void {
    this.channel = channel
    this.welcome = welcome
    this.#events.emit('change')
  }

  onFrame(_channel: Channel, type: number, head: Uint8Array, payload: Uint8Array): void {
    this.frames.push({ type, head, payload })
    this.#events.emit('change')
  }

  onClose(_channel: Channel, error: Error | null, refusal?: Welcome['refusal']): void {
    this.closes += 1
    this.error = error
    this.refusal = refusal
    this.#events.emit('change')
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#events, 'change')
  }

  async opened(): Promise<Channel> {
    await this.until(() => this.channel !== null || this.closes > 0)
    if (this.channel === null) throw this.error ?? new Error('closed before it was open')
    return this.channel
  }

  closed(): Promise<void> {
    return this.until(() => this.closes > 0)
  }

  received(count: number): Promise<void> {
    return this.until(() => this.frames.length >= count)
  }
}

/** Takes every hello, with a recorder for each connection. */
export class ListenRecorder implements ListenHandler {
  readonly welcome: Welcome
  readonly hellos: Hello[] = []
  readonly accepted: ChannelRecorder[] = []
  readonly refused: Error[] = []
  /** How a connection is answered; a test may replace it. */
  decide: (hello: Hello, accept: (welcome: Welcome, handler: ChannelHandler) => void) => void
  makeHandler: () => ChannelRecorder = () => new ChannelRecorder()
  readonly #events = new EventEmitter()

  constructor(welcome: Welcome) {
    this.welcome = welcome
    this.decide = (_hello, accept) => {
      const handler = this.makeHandler()
      this.accepted.push(handler)
      accept(this.welcome, handler)
    }
  }

  onHello(hello: Hello, accept: (welcome: Welcome, handler: ChannelHandler) => void): void {
    this.hellos.push(hello)
    this.decide(hello, accept)
    this.#events.emit('change')
  }

  onRefused(_remote: string, error: Error): void {
    this.refused.push(error)
    this.#events.emit('change')
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#events, 'change')
  }
}
