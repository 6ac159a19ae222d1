import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { assertNever } from '../core/assert.js'
import {
  ANSWER,
  type AnswerLetter,
  ASK,
  CONTROL,
  DATA,
  type InletLetter,
  isLetter,
  type Reply,
  SYSTEM,
  type SystemMessage,
} from './letter.js'
import type { Mailbox } from './mailbox.js'
import { toWireError } from './wire-error.js'

export interface InletOwner {
  /** Something has arrived. */
  run(): void
  /** From the system; it holds a place in the control lane, which is the owner's to pass. */
  system(message: SystemMessage): void
  /** A port delivered what cannot be read. */
  broken(error: Error): void
}

/** The ports through which other threads reach one actor. Each is one sender's, so order is per sender. */
export class Inlets {
  readonly #mailbox: Mailbox
  readonly #owner: InletOwner
  #ports: MessagePort[] = []

  constructor(mailbox: Mailbox, owner: InletOwner) {
    this.#mailbox = mailbox
    this.#owner = owner
  }

  add(port: MessagePort): void {
    this.#ports.push(port)
    port.on('message', (letter: InletLetter) => {
      this.#accept(letter, port)
      this.#owner.run()
    })
    port.on('messageerror', (error: Error) => this.#owner.broken(error))
    port.on('close', () => {
      this.#ports = this.#ports.filter((other) => other !== port)
    })
  }

  /** Moves all that the ports hold into the mailbox, which the mailbox's bounds keep finite. */
  drain(): void {
    for (const port of this.#ports) {
      let received = receiveMessageOnPort(port) as { readonly message: InletLetter } | undefined
      while (received !== undefined) {
        this.#accept(received.message, port)
        received = receiveMessageOnPort(port) as { readonly message: InletLetter } | undefined
      }
    }
  }

  close(): void {
    for (const port of this.#ports) port.close()
    this.#ports = []
  }

  #accept(letter: InletLetter, port: MessagePort): void {
    if (!isLetter(letter)) return this.#mailbox.pushData([DATA, letter, 0])
    switch (letter[0]) {
      case DATA:
        return this.#mailbox.pushData(letter)
      case CONTROL:
        return this.#mailbox.pushControl(letter)
      case ASK:
        return this.#mailbox.pushControl([ASK, letter[1], replyTo(port, letter[2])])
      case SYSTEM:
        return this.#owner.system(letter[1])
      default:
        assertNever(letter)
    }
  }
}

/** An answer that cannot be cloned becomes the error that says so. */
function replyTo(port: MessagePort, id: number): Reply {
  return (ok, value) => {
    try {
      port.postMessage([ANSWER, id, ok, value] satisfies AnswerLetter)
    } catch (error) {
      port.postMessage([ANSWER, id, false, toWireError(error)] satisfies AnswerLetter)
    }
  }
}
