import type { ActorHandle, ActorSystem, Message } from '../../../../lib/runtime/index.js'

type Of<Union extends Message, Kind extends Union['kind']> = Extract<Union, { kind: Kind }>

/** An actor that keeps what it is told, in order, until the test asks for it. */
export class Inbox<M extends Message> {
  readonly all: M[] = []
  readonly #untaken: M[] = []
  #waiting: ((message: M) => void)[] = []

  receive(message: M): void {
    this.all.push(message)
    const next = this.#waiting.shift()
    if (next !== undefined) next(message)
    else this.#untaken.push(message)
  }

  /** The next message; it must be of this kind. */
  async take<Kind extends M['kind']>(kind: Kind): Promise<Of<M, Kind>> {
    const message = await this.takeAny()
    if (message.kind === kind) return message as Of<M, Kind>
    throw new Error(`expected ${kind}, found ${message.kind}`)
  }

  async takeAny(): Promise<M> {
    return this.#untaken.shift() ?? this.#next()
  }

  /** Nothing has come that was not taken. */
  get empty(): boolean {
    return this.#untaken.length === 0
  }

  #next(): Promise<M> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  async spawn(system: ActorSystem, name: string): Promise<ActorHandle<M>> {
    return system.spawn<null, M>({
      name,
      module: new URL(import.meta.url),
      create: () => ({ receive: (message) => this.receive(message) }),
      init: null,
      placement: 'inline',
    })
  }
}
