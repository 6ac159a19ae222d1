import type { Message } from './actor.js'
import { ASK, type LinkRef, type Reply } from './letter.js'
import { controlLetter, dataLetter } from './mailbox.js'
import { PendingAsks } from './pending-asks.js'
import type { SimActor } from './sim-actor.js'
import type { SimActorSystem } from './sim-host.js'
import type { SimEvent } from './sim-scheduler.js'

/**
 * The address of a simulated actor, for one sender. Each message takes a delay of its own, drawn from the
 * seed, but none overtakes an earlier one of its lane.
 */
export class SimRef implements LinkRef {
  readonly #system: SimActorSystem
  readonly #target: SimActor
  /** The actor that sends through this ref; null: code outside any actor. */
  readonly #source: SimActor | null
  readonly #asks: PendingAsks
  #dataAt = 0
  #controlAt = 0
  #answersAt = 0
  #closed = false

  constructor(system: SimActorSystem, target: SimActor, source: SimActor | null) {
    this.#system = system
    this.#target = target
    this.#source = source
    this.#asks = new PendingAsks(target.name)
  }

  get name(): string {
    return this.#target.name
  }

  tell(message: Message, bytes = 0): boolean {
    const target = this.#target
    const { words } = target.cell.mailbox
    const weight = words.weigh(bytes)
    if (this.#closed || !this.#system.alive || !words.reserve(weight)) {
      return this.#refused(message)
    }
    target.host.observe?.('told', message)
    this.#dataAt = this.#arrival(this.#dataAt)
    this.#system.scheduler.post(new DataDelivery(this.#dataAt, target, message, weight))
    return true
  }

  control(message: Message): boolean {
    if (!this.#reserveControl()) return this.#refused(message)
    this.#target.host.observe?.('controlled', message)
    this.#controlAt = this.#arrival(this.#controlAt)
    this.#system.scheduler.post(new ControlDelivery(this.#controlAt, this.#target, message, null))
    return true
  }

  ask<R>(message: Message): Promise<R> {
    return this.#asks.ask<R>((_id, reply) => {
      if (!this.#reserveControl()) return this.#refused(message)
      this.#target.host.observe?.('asked', message)
      this.#controlAt = this.#arrival(this.#controlAt)
      const back: Reply = (ok, value) => this.#answer(reply, ok, value)
      this.#system.scheduler.post(new ControlDelivery(this.#controlAt, this.#target, message, back))
      return true
    })
  }

  backlog(): { readonly messages: number; readonly bytes: number } {
    const { messages, bytes } = this.#target.cell.mailbox.words
    return { messages, bytes }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#asks.rejectAll()
    this.#system.scheduler.promisesDue()
  }

  /** Runs `then` once everything told through this ref so far has arrived. */
  afterAll(then: () => void): void {
    const time = Math.max(this.#arrival(this.#controlAt), this.#dataAt)
    this.#system.scheduler.at(time, () => {
      if (this.#system.alive) then()
    })
  }

  #reserveControl(): boolean {
    if (this.#closed || !this.#system.alive) return false
    return this.#target.cell.mailbox.words.reserveControl()
  }

  #arrival(after: number): number {
    return Math.max(after, this.#system.scheduler.now() + this.#system.deliveryDelay())
  }

  /** The answer travels too. Its promise's callbacks run on the asker's time. */
  #answer(reply: Reply, ok: boolean, value: unknown): void {
    const { scheduler } = this.#system
    this.#answersAt = this.#arrival(this.#answersAt)
    scheduler.at(this.#answersAt, () => {
      if (!this.#system.alive || this.#source?.cell.gone === true) return
      reply(ok, value)
      scheduler.promisesDue()
    })
  }

  #refused(message: Message): false {
    if (this.#system.alive) {
      this.#target.host.observe?.('refused', message)
      this.#system.deadLetter(this.#target.name, message.kind)
    }
    return false
  }
}

class DataDelivery implements SimEvent {
  readonly cancelled = false
  readonly inside = true
  readonly time: number
  readonly sequence: number
  readonly #target: SimActor
  readonly #message: Message
  readonly #weight: number

  constructor(time: number, target: SimActor, message: Message, weight: number) {
    this.time = time
    this.sequence = target.system.scheduler.sequence()
    this.#target = target
    this.#message = message
    this.#weight = weight
  }

  fire(): void {
    const { cell, system } = this.#target
    if (!system.alive) return
    if (cell.gone) {
      cell.mailbox.words.unreserve(this.#weight)
      system.deadLetter(cell.name, this.#message.kind)
      return
    }
    cell.mailbox.pushData(dataLetter(this.#message, this.#weight))
    cell.run()
  }
}

class ControlDelivery implements SimEvent {
  readonly cancelled = false
  readonly inside = true
  readonly time: number
  readonly sequence: number
  readonly #target: SimActor
  readonly #message: Message
  readonly #reply: Reply | null

  constructor(time: number, target: SimActor, message: Message, reply: Reply | null) {
    this.time = time
    this.sequence = target.system.scheduler.sequence()
    this.#target = target
    this.#message = message
    this.#reply = reply
  }

  fire(): void {
    const { cell, system } = this.#target
    const message = this.#message
    if (!system.alive) return
    if (cell.gone) {
      cell.mailbox.words.unreserveControl()
      system.deadLetter(cell.name, message.kind)
      this.#reply?.(false, cell.goneError())
      return
    }
    const reply = this.#reply
    cell.mailbox.pushControl(reply === null ? controlLetter(message) : [ASK, message, reply])
    cell.run()
  }
}
