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

/** What is taken is told to the senders in parts of the bound, so many, and at the end of each burst. */
const PARTS = 32

/**
 * The receiver's end: what has reached this thread, lane by lane. Every letter in here was reserved in the
 * shared words by its sender, so the words tell how many more are on their way through ports.
 */
export class Mailbox {
  readonly words: MailboxWords
  readonly #changes = new Fifo<LinkChange>()
  readonly #control = new Fifo<ControlLetter | AskedLetter>()
  readonly #data = new Fifo<DataLetter>()
  /** What has reached this thread since the beginning, taken or not; wraps like the words. */
  #controlArrived = 0
  #dataArrived = 0
  readonly #messagesShare: number
  readonly #bytesShare: number
  #takenMessages = 0
  #takenBytes = 0

  constructor(words: MailboxWords) {
    this.words = words
    this.#messagesShare = Math.max(1, words.maxMessages / PARTS)
    this.#bytesShare = Math.max(1, words.maxBytes / PARTS)
  }

  pushData(letter: DataLetter): void {
    this.#dataArrived = (this.#dataArrived + 1) | 0
    this.#data.push(letter)
  }

  pushControl(letter: ControlLetter | AskedLetter): void {
    this.#controlArrived = (this.#controlArrived + 1) | 0
    this.#control.push(letter)
  }

  pushChange(change: LinkChange): void {
    this.#controlArrived = (this.#controlArrived + 1) | 0
    this.#changes.push(change)
  }

  /** A message of the system took a place of the control lane, and is dealt with. */
  passControl(): void {
    this.#controlArrived = (this.#controlArrived + 1) | 0
    this.words.controlTaken()
  }

  /** Control messages or link changes were told that have not reached this thread. */
  get controlOutside(): boolean {
    return this.words.controlTold !== this.#controlArrived
  }

  /** The same of the data lane. */
  get dataOutside(): boolean {
    return this.words.messagesTold !== this.#dataArrived
  }

  get empty(): boolean {
    return this.#data.length === 0 && this.#control.length === 0 && this.#changes.length === 0
  }

  takeChange(): LinkChange | undefined {
    const change = this.#changes.shift()
    if (change !== undefined) this.words.controlTaken()
    return change
  }

  takeControl(): ControlLetter | AskedLetter | undefined {
    const letter = this.#control.shift()
    if (letter !== undefined) this.words.controlTaken()
    return letter
  }

  takeData(): DataLetter | undefined {
    const letter = this.#data.shift()
    if (letter === undefined) return undefined
    this.#takenBytes += letter[2]
    this.#takenMessages++
    if (this.#takenMessages >= this.#messagesShare || this.#takenBytes >= this.#bytesShare) {
      this.publish()
    }
    return letter
  }

  /** Gives the senders back the room of what was taken. */
  publish(): void {
    if (this.#takenMessages === 0) return
    this.words.taken(this.#takenMessages, this.#takenBytes)
    this.#takenMessages = 0
    this.#takenBytes = 0
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
    this.publish()
  }
}

export function dataLetter(message: Message, weight: number): DataLetter {
  return [DATA, message, weight]
}

export function controlLetter(message: Message): ControlLetter {
  return [CONTROL, message]
}
