import type { ActorRef, Message } from '../../../../lib/runtime/actor.js'

/** An actor that keeps what it is told, for the test to look at and to answer. */
export class Recorder<M extends Message> implements ActorRef<M> {
  readonly name: string
  /** False: its mailbox takes nothing more on the data lane. */
  hasRoom = true
  #taken: M[] = []
  #asked: { readonly message: M; readonly settle: (value: unknown, error?: Error) => void }[] = []

  constructor(name: string) {
    this.name = name
  }

  tell(message: M): boolean {
    if (this.hasRoom) this.#taken.push(message)
    return this.hasRoom
  }

  control(message: M): boolean {
    this.#taken.push(message)
    return true
  }

  ask<R>(message: M): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const settle = (value: unknown, error?: Error) =>
        error === undefined ? resolve(value as R) : reject(error)
      this.#asked.push({ message, settle })
    })
  }

  backlog(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#taken.length, bytes: 0 }
  }

  /** What it was told of this kind since it was last asked, in order. */
  take<K extends M['kind']>(kind: K): readonly Extract<M, { kind: K }>[] {
    const found = this.#taken.filter((message) => message.kind === kind)
    this.#taken = this.#taken.filter((message) => message.kind !== kind)
    return found as Extract<M, { kind: K }>[]
  }

  takeAll(): readonly M[] {
    return this.#taken.splice(0)
  }

  /** What it was asked and has not answered. */
  takeAsked() {
    return this.#asked.splice(0)
  }
}
