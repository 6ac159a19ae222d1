import { assert } from '../core/assert.js'
import type { MailboxLimits } from './actor.js'
import { ActorUsageError } from './errors.js'

/**
 * Three cache lines, by who writes them: words of different writers on one line would make every tell
 * wait for the receiver's core and every take for the sender's.
 */
const LINE = 32
/** Written by senders, at each data message. */
const MESSAGES_TOLD = 0
const BYTES_TOLD = 1
/** Written by the receiver. */
const MESSAGES_TAKEN = LINE
const BYTES_TAKEN = LINE + 1
const CONTROL_TAKEN = LINE + 2
/** Written rarely: so the receiver's look at it before each message is free. */
const CONTROL_TOLD = 2 * LINE
const STATE = 2 * LINE + 1
const MAX_MESSAGES = 2 * LINE + 2
const MAX_BYTES = 2 * LINE + 3
const WORDS = 3 * LINE

const OPEN = 0
const CLOSED = 1

/** Differences of 32-bit words stay right when the words wrap, as long as they are below 2^31. */
const LARGEST_LIMIT = 2 ** 29

export const DEFAULT_LIMITS: MailboxLimits = { maxMessages: 1024, maxBytes: 64 * 1024 * 1024 }

/**
 * What senders and receiver of one mailbox share, on whatever threads they run: how much was told and is
 * not yet taken, and whether the actor still takes anything. A sender reserves before it posts, so the
 * receiver knows of a control message before the port has delivered it.
 */
export class MailboxWords {
  static readonly BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT

  readonly memory: SharedArrayBuffer
  readonly maxMessages: number
  readonly maxBytes: number
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, WORDS)
    this.maxMessages = Atomics.load(this.#words, MAX_MESSAGES)
    this.maxBytes = Atomics.load(this.#words, MAX_BYTES)
  }

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
   * Room for one data message of this weight. One heavier than the whole bound counts as the bound: it is
   * let in when no other weight waits, or it could never be told. See `weigh`.
   */
  reserve(weight: number): boolean {
    const words = this.#words
    if (Atomics.load(words, STATE) !== OPEN) return false
    const told = Atomics.add(words, MESSAGES_TOLD, 1)
    if (((told - Atomics.load(words, MESSAGES_TAKEN)) | 0) >= this.maxMessages) {
      Atomics.sub(words, MESSAGES_TOLD, 1)
      return false
    }
    if (weight === 0) return true
    const bytesTold = Atomics.add(words, BYTES_TOLD, weight)
    const held = (bytesTold - Atomics.load(words, BYTES_TAKEN)) | 0
    if (held + weight <= this.maxBytes) return true
    this.unreserve(weight)
    return false
  }

  /** The weight that a message of so many bytes has here. */
  weigh(bytes: number): number {
    if (bytes === 0) return 0
    assert(Number.isInteger(bytes) && bytes > 0, 'a message has an impossible weight', { bytes })
    return Math.min(bytes, this.maxBytes)
  }

  /** Undoes `reserve`: the message could not be posted. */
  unreserve(weight: number): void {
    Atomics.sub(this.#words, MESSAGES_TOLD, 1)
    if (weight !== 0) Atomics.sub(this.#words, BYTES_TOLD, weight)
  }

  /** The receiver has taken so much more. */
  taken(messages: number, bytes: number): void {
    Atomics.add(this.#words, MESSAGES_TAKEN, messages)
    if (bytes !== 0) Atomics.add(this.#words, BYTES_TAKEN, bytes)
  }

  reserveControl(): boolean {
    if (Atomics.load(this.#words, STATE) !== OPEN) return false
    Atomics.add(this.#words, CONTROL_TOLD, 1)
    return true
  }

  unreserveControl(): void {
    Atomics.sub(this.#words, CONTROL_TOLD, 1)
  }

  controlTaken(): void {
    Atomics.add(this.#words, CONTROL_TAKEN, 1)
  }

  /** Control messages told since the beginning; wraps. */
  get controlTold(): number {
    return Atomics.load(this.#words, CONTROL_TOLD)
  }

  /** Data messages told since the beginning; wraps. */
  get messagesTold(): number {
    return Atomics.load(this.#words, MESSAGES_TOLD)
  }

  /** Told over the control lane and not yet taken. */
  get control(): number {
    return (this.controlTold - Atomics.load(this.#words, CONTROL_TAKEN)) | 0
  }

  /** Told over the data lane and not yet taken. */
  get messages(): number {
    return (this.messagesTold - Atomics.load(this.#words, MESSAGES_TAKEN)) | 0
  }

  /** Their weight. */
  get bytes(): number {
    const told = Atomics.load(this.#words, BYTES_TOLD)
    return (told - Atomics.load(this.#words, BYTES_TAKEN)) | 0
  }
}

function checkLimit(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= LARGEST_LIMIT) return
  throw new ActorUsageError(
    `mailbox ${name} must be a whole number from 1 to ${LARGEST_LIMIT}, not ${value}`,
  )
}
