import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.js'
import { copyBytes } from '../runtime/copy-bytes.js'
import { TransportError } from './errors.js'
import { FrameType, frameTypeName, isFrameType } from './frame-type.js'
import type { Frame } from './transport.js'

/**
 * A frame on the wire, little-endian:
 *
 * | offset | bytes | what                                                        |
 * | ------ | ----- | ----------------------------------------------------------- |
 * | 0      | 4     | payload length                                              |
 * | 4      | 4     | head length                                                 |
 * | 8      | 1     | type                                                        |
 * | 9      | 3     | zero                                                        |
 * | 12     | 4     | crc32 of the 12 bytes before and of the head                |
 * | 16     |       | head, then payload                                          |
 *
 * The checksum covers the lengths, so that no damaged length ever makes the receiver allocate. The
 * payload checks itself (batches) or has its checksum in the head.
 */
export const FRAME_HEADER_BYTES = 16
const CHECKED_BYTES = 12
const NOTHING = new Uint8Array(0)

/** Header and head in one run; the payload's runs follow it as they are. */
export function encodeFrameHead(frame: Frame): Uint8Array {
  const { type, head } = frame
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + head.length)
  bytes.writeUInt32LE(payloadLength(frame), 0)
  bytes.writeUInt32LE(head.length, 4)
  bytes.writeUInt32LE(type, 8)
  bytes.set(head, FRAME_HEADER_BYTES)
  bytes.writeUInt32LE(checksum(bytes, head), CHECKED_BYTES)
  return bytes
}

export function payloadLength(frame: Frame): number {
  let length = 0
  for (const run of frame.payload) length += run.length
  return length
}

function checksum(header: Uint8Array, head: Uint8Array): number {
  return crc32(head, crc32(header.subarray(0, CHECKED_BYTES)))
}

/** What a parser may be told to expect; a part of TransportLimits. */
export interface FrameLimits {
  readonly maxHeadBytes: number
  readonly maxPayloadBytes: number
}

export interface FrameSink {
  /** Exactly `length` bytes, which the parser fills as they arrive. Not called for an empty payload. */
  allocate(type: number, head: Uint8Array, length: number): Uint8Array
  /** A whole frame. `head` belongs to the receiver. */
  frame(type: number, head: Uint8Array, payload: Uint8Array): void
}

/**
 * Cuts a byte stream into frames, however it was split on the way. It holds no more than one header
 * and one head of its own; payload bytes go straight to where `allocate` says. A frame that breaks the
 * rules is thrown as a TransportError, after which the parser takes nothing more.
 */
export class FrameParser {
  readonly #limits: FrameLimits
  readonly #sink: FrameSink
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES)
  readonly #view = new DataView(this.#header.buffer)
  /** The part that is being filled: the header, a head, or a payload. */
  #part: 'header' | 'head' | 'payload' = 'header'
  #target: Uint8Array = this.#header
  #filled = 0
  #head: Uint8Array = NOTHING
  #stopped = false

  constructor(limits: FrameLimits, sink: FrameSink) {
    this.#limits = limits
    this.#sink = sink
  }

  /** True between frames: a connection that ends here ends cleanly. */
  get idle(): boolean {
    return this.#part === 'header' && this.#filled === 0
  }

  /** True within the payload of a snapshot's chunk. */
  get bulk(): boolean {
    return this.#part === 'payload' && this.#type === FrameType.snapshotChunk
  }

  push(chunk: Uint8Array): void {
    let position = 0
    while (position < chunk.length && !this.#stopped) {
      const count = Math.min(this.#target.length - this.#filled, chunk.length - position)
      copyBytes(this.#target, chunk.subarray(position, position + count), this.#filled)
      this.#filled += count
      position += count
      if (this.#filled === this.#target.length) this.#complete()
    }
  }

  /** Drops whatever comes from now on, also what is left of the chunk being pushed. */
  stop(): void {
    this.#stopped = true
  }

  #complete(): void {
    try {
      this.#advance()
    } catch (error) {
      this.#stopped = true
      throw error
    }
  }

  #advance(): void {
    switch (this.#part) {
      case 'header':
        this.#checkHeader()
        this.#head = new Uint8Array(this.#view.getUint32(4, true))
        this.#expect('head', this.#head)
        if (this.#head.length === 0) this.#advance()
        return
      case 'head':
        this.#checkHead()
        this.#startPayload(this.#view.getUint32(0, true))
        return
      case 'payload':
        this.#deliver(this.#target)
        return
    }
  }

  #startPayload(length: number): void {
    if (length === 0) return this.#deliver(NOTHING)
    const memory = this.#sink.allocate(this.#type, this.#head, length)
    assert(memory.length === length, 'a payload is written into memory of its length', {
      length,
      allocated: memory.length,
    })
    this.#expect('payload', memory)
  }

  #deliver(payload: Uint8Array): void {
    const head = this.#head
    this.#head = NOTHING
    this.#expect('header', this.#header)
    this.#sink.frame(this.#type, head, payload)
  }

  #expect(part: 'header' | 'head' | 'payload', target: Uint8Array): void {
    this.#part = part
    this.#target = target
    this.#filled = 0
  }

  get #type(): number {
    return this.#view.getUint8(8)
  }

  #checkHeader(): void {
    const word = this.#view.getUint32(8, true)
    if (word > 0xff || !isFrameType(word)) {
      throw new TransportError(
        'RAFT_FRAME_UNEXPECTED',
        `a frame of type ${word} is not known here; the connection is closed`,
        { type: word },
      )
    }
    this.#checkLength('payload', this.#view.getUint32(0, true), this.#limits.maxPayloadBytes)
    this.#checkLength('head', this.#view.getUint32(4, true), this.#limits.maxHeadBytes)
  }

  #checkLength(part: 'payload' | 'head', length: number, limit: number): void {
    if (length <= limit) return
    const type = frameTypeName(this.#type)
    throw new TransportError(
      'RAFT_FRAME_TOO_LARGE',
      `a frame (${type}) announces a ${part} of ${length} bytes, at most ${limit} are taken; raise the limit on every node or send less`,
      { type, part, length, limit },
    )
  }

  #checkHead(): void {
    const expected = this.#view.getUint32(CHECKED_BYTES, true)
    const found = checksum(this.#header, this.#head)
    if (found === expected) return
    throw new TransportError(
      'RAFT_FRAME_CORRUPT',
      `a frame's head has checksum ${found}, its header says ${expected}; the connection is closed and made anew`,
      { found, expected },
    )
  }
}
