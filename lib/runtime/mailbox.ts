import type { Message } from './actor.js'
import { Fifo } from './fifo.js'
import {
  ASK,
  type AskedLetter,
  CONTROL,
  type ControlLetter,
  DATA,
  type DataLetter,
  type LinkChange,
  type Reply,
} from './letter.js'
import type { MailboxWords } from './mailbox-words.js'

/**
 * The receiver's end: what has reached this thread, lane by lane. Every letter in here was reserved in
 * the shared words by its sender, so the words tell how many more are on their way through ports.
 */
export class Mailbox {
  readonly words: MailboxWords
  readonly #changes = new Fifo<LinkChange>()
  readonly #control = new Fifo<ControlLetter | AskedLetter>()
  readonly #data = new Fifo<DataLetter>()

  constructor(words: MailboxWords) {
    this.words = words
  }

  pushData(letter: DataLetter): void {
    this.#data.push(letter)
  }

  pushControl(letter: ControlLetter | AskedLetter): void {
    this.#control.push(letter)
  }

  pushChange(change: LinkChange): void {
    this.#changes.push(change)
  }

  /** Control messages or link changes that were told but have not reached this thread's queues. */
  get controlOutside(): boolean {
    return this.words.control > this.#control.length + this.#changes.length
  }

  /** The same of the data lane. */
  get dataOutside(): boolean {
    return this.words.messages > this.#data.length
  }

  get empty(): boolean {
    return this.#data.length === 0 && this.#control.length === 0 && this.#changes.length === 0
  }

  takeChange(): LinkChange | undefined {
    const change = this.#changes.shift()
    if (change !== undefined) this.words.releaseControl()
    return change
  }

  takeControl(): ControlLetter | AskedLetter | undefined {
    const letter = this.#control.shift()
    if (letter !== undefined) this.words.releaseControl()
    return letter
  }

  takeData(): DataLetter | undefined {
    const letter = this.#data.shift()
    if (letter !== undefined) this.words.release(letter[2])
    return letter
  }

  /** Empties every lane; each message goes to `bury`, with the way to answer it if it was an ask. */
  bury(bury: (message: Message, reply: Reply | null) => void): void {
    for (;;) {
      const change = this.takeChange()
      if (change === undefined) break
      if (change.kind === 'link') change.ref.close()
    }
    for (let letter = this.takeControl(); letter !== undefined; letter = this.takeControl()) {
      bury(letter[1], letter[0] === ASK ? letter[2] : null)
    }
    for (let letter = this.takeData(); letter !== undefined; letter = this.takeData()) {
      bury(letter[1], null)
    }
  }
}

export function dataLetter(message: Message, bytes: number): DataLetter {
  return [DATA, message, bytes]
}

export function controlLetter(message: Message): ControlLetter {
  return [CONTROL, message]
}
