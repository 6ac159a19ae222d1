import { ActorGoneError } from './errors.js'
import type { Reply } from './letter.js'
import { fromWireError, type WireError } from './wire-error.js'

/** The asks of one ref that have no answer yet. */
export class PendingAsks {
  readonly #actor: string
  readonly #replies = new Map<number, Reply>()
  #lastId = 0

  constructor(actor: string) {
    this.#actor = actor
  }

  /** `send` posts the ask under the number that it is given; false when the actor is gone. */
  ask<R>(send: (id: number, reply: Reply) => boolean): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const id = ++this.#lastId
      const reply: Reply = (ok, value) => {
        if (!this.#replies.delete(id)) return
        if (ok) resolve(value as R)
        else reject(fromWireError(value as WireError))
      }
      this.#replies.set(id, reply)
      let sent = false
      try {
        sent = send(id, reply)
      } catch (error) {
        this.#replies.delete(id)
        reject(error)
        return
      }
      if (sent) return
      this.#replies.delete(id)
      reject(new ActorGoneError(this.#actor))
    })
  }

  settle(id: number, ok: boolean, value: unknown): void {
    this.#replies.get(id)?.(ok, value)
  }

  /** The actor is gone: nobody will answer. */
  rejectAll(): void {
    const replies = [...this.#replies.values()]
    if (replies.length === 0) return
    const gone = toGone(this.#actor)
    for (const reply of replies) reply(false, gone)
  }
}

function toGone(actor: string): WireError {
  const error = new ActorGoneError(actor)
  return {
    name: error.name,
    message: error.message,
    code: error.code,
    details: error.details,
    stack: null,
    cause: null,
  }
}
