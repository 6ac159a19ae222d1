import { assert } from '../core/assert.js'
import type { MailboxLimits } from './actor.js'
import { ActorUsageError } from './errors.js'

const STATE = 0
const CONTROL = 1
const MESSAGES = 2
const BYTES = 3
const MAX_MESSAGES = 4
const MAX_BYTES = 5
const WORDS = 16

const OPEN = 0
const CLOSED = 1

/** Byte weights are counted in 32-bit words, with room for one oversize message above the bound. */
export const LARGEST_BYTES = 2 ** 30 - 1

export const DEFAULT_LIMITS: MailboxLimits = { maxMessages: 1024, maxBytes: 64 * 1024 * 1024 }

/**
 * What senders and receiver of one mailbox share, on whatever threads they run: how much was told and
 * is not yet taken, and whether the actor still takes anything. A sender reserves before it posts, so
 * the receiver knows of a control message before the port has delivered it.
 */
export class MailboxWords {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #maxMessages: number
  readonly #maxBytes: number

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, WORDS)
    this.#maxMessages = Atomics.load(this.#words, MAX_MESSAGES)
    this.#maxBytes = Atomics.load(this.#words, MAX_BYTES)
  }

  static readonly BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT

  /** `memory` has room for BYTES at its beginning. */
  static create(memory: SharedArrayBuffer, limits: Partial<MailboxLimits> = {}): MailboxWords {
    const { maxMessages, maxBytes } = { ...DEFAULT_LIMITS, ...limits }
    checkLimit('maxMessages', maxMessages)
    checkLimit('maxBytes', maxBytes)
    const words = new Int32Array(memory, 0, WORDS)
    Atomics.store(words, MAX_MESSAGES, maxMessages)
    Atomics.store(words, MAX_BYTES, maxBytes)
    return new MailboxWords(memory)
  }

  /** No one takes messages from here any more. */
  close(): void {
    Atomics.store(this.#words, STATE, CLOSED)
  }

  get closed(): boolean {
    return Atomics.load(this.#words, STATE) !== OPEN
  }

  /**
   * Room for one data message. A message heavier than the whole bound is let in when no other weight
   * waits: it could never be told otherwise.
   */
  reserve(bytes: number): boolean {
    const words = this.#words
    if (Atomics.load(words, STATE) !== OPEN) return false
    if (Atomics.add(words, MESSAGES, 1) >= this.#maxMessages) {
      Atomics.sub(words, MESSAGES, 1)
      return false
    }
    if (bytes === 0 || this.#reserveBytes(bytes)) return true
    Atomics.sub(words, MESSAGES, 1)
    return false
  }

  /** Undoes `reserve`, or takes the message that it was for. */
  release(bytes: number): void {
    Atomics.sub(this.#words, MESSAGES, 1)
    if (bytes !== 0) Atomics.sub(this.#words, BYTES, bytes)
  }

  reserveControl(): boolean {
    if (Atomics.load(this.#words, STATE) !== OPEN) return false
    Atomics.add(this.#words, CONTROL, 1)
    return true
  }

  releaseControl(): void {
    Atomics.sub(this.#words, CONTROL, 1)
  }

  /** Told over the control lane and not yet taken. */
  get control(): number {
    return Atomics.load(this.#words, CONTROL)
  }

  get messages(): number {
    return Atomics.load(this.#words, MESSAGES)
  }

  get bytes(): number {
    return Atomics.load(this.#words, BYTES)
  }

  /** Compare-and-swap, since senders on several threads may meet at the bound. */
  #reserveBytes(bytes: number): boolean {
    assert(bytes > 0 && bytes <= LARGEST_BYTES, 'a message has an impossible weight', { bytes })
    const words = this.#words
    for (;;) {
      const held = Atomics.load(words, BYTES)
      if (held > 0 && held + bytes > this.#maxBytes) return false
      if (Atomics.compareExchange(words, BYTES, held, held + bytes) === held) return true
    }
  }
}

function checkLimit(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST_BYTES) return
  throw new ActorUsageError(
    `mailbox ${name} must be a whole number from 1 to ${LARGEST_BYTES}, not ${value}`,
  )
}
