import type { Message } from './actor.js'
import { ActorGoneError } from './errors.js'
import type { LinkRef } from './letter.js'

/** The address of an actor that has exited before the link to it was made. */
export class GoneRef implements LinkRef {
  readonly name: string
  readonly #deadLetter: (to: string, kind: string) => void

  constructor(name: string, deadLetter: (to: string, kind: string) => void) {
    this.name = name
    this.#deadLetter = deadLetter
  }

  tell(message: Message): boolean {
    this.#deadLetter(this.name, message.kind)
    return false
  }

  control(message: Message): boolean {
    return this.tell(message)
  }

  async ask<R>(message: Message): Promise<R> {
    this.tell(message)
    throw new ActorGoneError(this.name)
  }

  backlog(): { readonly messages: number; readonly bytes: number } {
    return { messages: 0, bytes: 0 }
  }

  close(): void {}
}
