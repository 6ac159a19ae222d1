import { assert } from '../core/assert.js'
import { TransportError } from './errors.js'
import { encodeFrameHead, FrameParser, payloadLength } from './frame.js'
import { frameTypeName } from './frame-type.js'
import type { Pipe } from './pipe.js'
import type { Channel, ChannelHandler, Frame, TransportLimits, Welcome } from './transport.js'

/** A channel over a pipe, from the end of the handshake on. The handshakes own it until then. */
export class FramedChannel implements Channel {
  readonly #pipe: Pipe
  readonly #limits: TransportLimits
  readonly #parser: FrameParser
  #handler: ChannelHandler | null = null
  #state: 'handshake' | 'open' | 'closing' | 'closed' = 'handshake'
  /** Why this side closes it; undefined while it does not. */
  #reason: Error | null | undefined
  #refusal: Welcome['refusal']

  constructor(pipe: Pipe, limits: TransportLimits) {
    this.#pipe = pipe
    this.#limits = limits
    this.#parser = new FrameParser(limits, {
      allocate: (type, head, length) =>
        this.#handler?.allocate?.(type, head, length) ?? new Uint8Array(length),
      frame: (type, head, payload) => this.#handler?.onFrame(this, type, head, payload),
    })
  }

  send(frame: Frame, written?: () => void): boolean {
    if (this.#state !== 'open') return false
    this.#checkSize(frame)
    this.#pipe.write([encodeFrameHead(frame), ...frame.payload], written)
    return true
  }

  get bufferedBytes(): number {
    return this.#pipe.bufferedBytes
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  pause(): void {
    this.#pipe.pause()
  }

  resume(): void {
    this.#pipe.resume()
  }

  close(): void {
    this.fail(null)
  }

  /** Closes it for this reason, or in peace; `onClose` follows in a turn of its own. */
  fail(reason: Error | null, refusal?: Welcome['refusal']): void {
    if (this.#reason !== undefined || this.#state === 'closed') return
    this.#reason = reason
    this.#refusal = refusal
    this.#state = 'closing'
    this.#parser.stop()
    this.#pipe.destroy()
  }

  /** Who is told of the end, when there is no open channel (yet). */
  attach(handler: ChannelHandler): void {
    this.#handler = handler
  }

  open(handler: ChannelHandler, welcome: Welcome): void {
    this.#handler = handler
    this.#state = 'open'
    this.#guarded(() => handler.onOpen(this, welcome))
  }

  /** True while the bytes of a snapshot arrive. */
  get bulk(): boolean {
    return this.#parser.bulk
  }

  received(chunk: Uint8Array): void {
    if (this.#state === 'open') this.#guarded(() => this.#parser.push(chunk))
  }

  closed(error: Error | null): void {
    if (this.#state === 'closed') return
    const cut = this.#state === 'open' && !this.#parser.idle
    this.#state = 'closed'
    this.#parser.stop()
    const reason = this.#reason !== undefined ? this.#reason : (error ?? (cut ? halfFrame() : null))
    this.#handler?.onClose(this, reason, this.#refusal)
  }

  /** A TransportError is the peer's doing and ends this channel only; all else is ours. */
  #guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      this.fail(error)
    }
  }

  /** S18: the peer would refuse a larger one, for ever again. */
  #checkSize(frame: Frame): void {
    const payload = payloadLength(frame)
    const { maxHeadBytes, maxPayloadBytes } = this.#limits
    assert(
      frame.head.length <= maxHeadBytes && payload <= maxPayloadBytes,
      'a frame to send is within maxHeadBytes and maxPayloadBytes of the transport',
      {
        type: frameTypeName(frame.type),
        head: frame.head.length,
        payload,
        maxHeadBytes,
        maxPayloadBytes,
      },
    )
  }
}

function halfFrame(): TransportError {
  return new TransportError('RAFT_CONNECTION_LOST', 'the peer closed the connection inside a frame')
}
