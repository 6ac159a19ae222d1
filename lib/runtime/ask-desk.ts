import type { Behavior, Message } from './actor.js'
import { ActorCannotAnswerError, ActorGoneError } from './errors.js'
import type { AskedLetter, Reply } from './letter.js'
import { isPromise } from './promise.js'
import { toWireError } from './wire-error.js'

/** Answers the asks of one actor, one after the other, and knows who still waits. */
export class AskDesk {
  readonly #actor: string
  #waiting: Reply | null = null

  constructor(actor: string) {
    this.#actor = actor
  }

  /** Returns what the actor has to wait for when the answer is still to come; it never rejects. */
  take<M extends Message>(letter: AskedLetter, behavior: Behavior<M>): Promise<void> | null {
    const [, message, reply] = letter
    if (behavior.answer === undefined) {
      reply(false, toWireError(new ActorCannotAnswerError(this.#actor, message.kind)))
      return null
    }
    try {
      const answer = behavior.answer(message as M)
      if (!isPromise(answer)) {
        reply(true, answer)
        return null
      }
      this.#waiting = reply
      return this.#settle(answer)
    } catch (error) {
      reply(false, toWireError(error))
      return null
    }
  }

  /** The actor is gone before it has answered. */
  close(): void {
    this.#reply(false, toWireError(new ActorGoneError(this.#actor)))
  }

  async #settle(answer: PromiseLike<unknown>): Promise<void> {
    try {
      this.#reply(true, await answer)
    } catch (error) {
      this.#reply(false, toWireError(error))
    }
  }

  #reply(ok: boolean, value: unknown): void {
    const reply = this.#waiting
    this.#waiting = null
    reply?.(ok, value)
  }
}
