import type { Message } from './actor.js'
import type { Cell } from './cell.js'
import { dispatcher } from './dispatcher.js'
import { ASK, type LinkRef } from './letter.js'
import { controlLetter, dataLetter } from './mailbox.js'
import { PendingAsks } from './pending-asks.js'

/** The address of a cell on this thread. Messages are passed as they are, not copied. */
export class LocalRef implements LinkRef {
  readonly #cell: Cell
  readonly #asks: PendingAsks
  readonly #deadLetter: (to: string, kind: string) => void
  #closed = false

  constructor(cell: Cell, deadLetter: (to: string, kind: string) => void) {
    this.#cell = cell
    this.#asks = new PendingAsks(cell.name)
    this.#deadLetter = deadLetter
  }

  get name(): string {
    return this.#cell.name
  }

  tell(message: Message, bytes = 0): boolean {
    const mailbox = this.#cell.mailbox
    const weight = mailbox.words.weigh(bytes)
    if (this.#closed || !mailbox.words.reserve(weight)) return this.#refused(message)
    mailbox.pushData(dataLetter(message, weight))
    dispatcher.wake(this.#cell)
    return true
  }

  control(message: Message): boolean {
    const mailbox = this.#cell.mailbox
    if (this.#closed || !mailbox.words.reserveControl()) return this.#refused(message)
    mailbox.pushControl(controlLetter(message))
    dispatcher.wake(this.#cell)
    return true
  }

  ask<R>(message: Message): Promise<R> {
    return this.#asks.ask<R>((_id, reply) => {
      const mailbox = this.#cell.mailbox
      if (this.#closed || !mailbox.words.reserveControl()) return this.#refused(message)
      mailbox.pushControl([ASK, message, reply])
      dispatcher.wake(this.#cell)
      return true
    })
  }

  backlog(): { readonly messages: number; readonly bytes: number } {
    const { messages, bytes } = this.#cell.mailbox.words
    return { messages, bytes }
  }

  close(): void {
    this.#closed = true
    this.#asks.rejectAll()
  }

  #refused(message: Message): false {
    this.#deadLetter(this.#cell.name, message.kind)
    return false
  }
}
