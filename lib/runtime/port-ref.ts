import type { MessagePort } from 'node:worker_threads'
import type { Message } from './actor.js'
import {
  ANSWER,
  type AnswerLetter,
  ASK,
  type AskLetter,
  CONTROL,
  type ControlLetter,
  DATA,
  type DataLetter,
  type LinkRef,
} from './letter.js'
import type { MailboxWords } from './mailbox-words.js'
import { PendingAsks } from './pending-asks.js'

/** The address of an actor behind a port: on another thread, or seen from one. */
export class PortRef implements LinkRef {
  readonly name: string
  readonly #port: MessagePort
  readonly #words: MailboxWords
  readonly #deadLetter: (to: string, kind: string) => void
  readonly #asks: PendingAsks
  #listens: boolean
  #closed = false

  /** `listens`: the caller hands the port's answers to `answered`; otherwise this ref listens. */
  constructor(
    name: string,
    port: MessagePort,
    words: MailboxWords,
    deadLetter: (to: string, kind: string) => void,
    listens = false,
  ) {
    this.name = name
    this.#port = port
    this.#words = words
    this.#deadLetter = deadLetter
    this.#asks = new PendingAsks(name)
    this.#listens = listens
  }

  tell(message: Message, bytes = 0): boolean {
    const weight = this.#words.weigh(bytes)
    if (this.#closed || !this.#words.reserve(weight)) return this.#refused(message)
    try {
      this.#port.postMessage(
        weight === 0 ? message : ([DATA, message, weight] satisfies DataLetter),
      )
    } catch (error) {
      this.#words.unreserve(weight)
      throw error
    }
    return true
  }

  control(message: Message): boolean {
    if (this.#closed || !this.#words.reserveControl()) return this.#refused(message)
    this.#postControl([CONTROL, message])
    return true
  }

  ask<R>(message: Message): Promise<R> {
    this.#listen()
    return this.#asks.ask<R>((id) => {
      if (this.#closed || !this.#words.reserveControl()) return this.#refused(message)
      this.#postControl([ASK, message, id])
      return true
    })
  }

  backlog(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#words.messages, bytes: this.#words.bytes }
  }

  answered(letter: AnswerLetter): void {
    this.#asks.settle(letter[1], letter[2], letter[3])
  }

  /** What was told is still delivered; asks without an answer are rejected. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#port.close()
    this.#asks.rejectAll()
  }

  #postControl(letter: ControlLetter | AskLetter): void {
    try {
      this.#port.postMessage(letter)
    } catch (error) {
      this.#words.unreserveControl()
      throw error
    }
  }

  /** A port that nobody listens to costs nothing: links are one-way until the first ask. */
  #listen(): void {
    if (this.#listens) return
    this.#listens = true
    this.#port.on('message', (letter: AnswerLetter) => {
      if (letter[0] === ANSWER) this.answered(letter)
    })
  }

  #refused(message: Message): false {
    this.#deadLetter(this.name, message.kind)
    return false
  }
}
