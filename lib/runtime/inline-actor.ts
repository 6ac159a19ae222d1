import type { MessagePort } from 'node:worker_threads'
import { assert } from '../core/assert.js'
import type { ActorExit, ActorLogger, ActorRef, ActorSpec, ActorStats, Message } from './actor.js'
import { ActorMemory } from './actor-memory.js'
import { Cell } from './cell.js'
import { after } from './clock.js'
import { dispatcher } from './dispatcher.js'
import {
  creation,
  DEFAULT_STOP_MS,
  ExitSignal,
  type HostedActor,
  type Placed,
  type SystemServices,
  statsOf,
} from './hosted-actor.js'
import { Inlets } from './inlets.js'
import type { LinkRef } from './letter.js'
import { LocalRef } from './local-ref.js'
import { LoopHost } from './loop-host.js'
import { Mailbox } from './mailbox.js'
import { MailboxWords } from './mailbox-words.js'
import { PortRef } from './port-ref.js'

/** An actor on the thread that spawned it. */
export class InlineActor<M extends Message = Message> implements HostedActor {
  readonly name: string
  readonly ref: ActorRef<M>
  readonly memory: ActorMemory
  readonly #services: SystemServices
  readonly #cell: Cell<M>
  readonly #inlets: Inlets
  readonly #exit = new ExitSignal()

  constructor(spec: Placed<M>, logger: ActorLogger, services: SystemServices) {
    this.name = spec.name
    this.memory = ActorMemory.allocate(spec.mailbox)
    this.#services = services
    const mailbox = new Mailbox(this.memory.words)
    const host = new LoopHost({
      log: logger,
      stats: this.memory.stats,
      random: services.random,
      deadLetter: (kind) => services.deadLetter(spec.name, kind),
      exited: (exit) => this.#exited(exit),
    })
    this.#cell = new Cell<M>(spec.name, mailbox, host)
    this.#inlets = new Inlets(mailbox, {
      run: () => this.#cell.run(),
      system: (message) =>
        assert(false, 'an inline actor was posted a system message', { message }),
      broken: (error) => this.#cell.fail(error),
    })
    host.attach(this.#cell, this.#inlets)
    this.ref = this.localRef()
  }

  get exited(): Promise<ActorExit> {
    return this.#exit.exited
  }

  async start<Init>(spec: ActorSpec<Init, M>): Promise<void> {
    await creation(this.#cell.start(spec.create, spec.init), this.#exit)
  }

  onExit(listener: (exit: ActorExit) => void): void {
    this.#exit.onExit(listener)
  }

  async stop(deadlineMs = DEFAULT_STOP_MS): Promise<void> {
    if (this.#exit.exit !== null) return
    const deadline = after(deadlineMs, () => {
      this.#cell.kill(`it did not stop within ${deadlineMs} ms`)
    })
    this.#cell.stop()
    await this.#exit.exited
    deadline.cancel()
  }

  async kill(): Promise<void> {
    this.#cell.kill('kill was called')
    await this.#exit.exited
  }

  stats(): ActorStats {
    return statsOf(this.name, this.memory)
  }

  localRef(): LocalRef {
    return new LocalRef(this.#cell, this.#services.deadLetter)
  }

  linkBeside(name: string, to: HostedActor): boolean {
    const ref = to.localRef()
    if (ref !== null) this.#link(name, ref)
    return ref !== null
  }

  linkThrough(name: string, to: HostedActor, port: MessagePort): void {
    const words = new MailboxWords(to.memory.memory)
    this.#link(name, new PortRef(to.name, port, words, this.#services.deadLetter))
  }

  addInlet(port: MessagePort): void {
    if (this.#cell.gone) port.close()
    else this.#inlets.add(port)
  }

  unlink(name: string): void {
    if (!this.memory.words.reserveControl()) return
    this.#cell.mailbox.pushChange({ kind: 'unlink', name })
    dispatcher.wake(this.#cell)
  }

  #link(name: string, ref: LinkRef): void {
    if (!this.memory.words.reserveControl()) return ref.close()
    this.#cell.mailbox.pushChange({ kind: 'link', name, ref })
    dispatcher.wake(this.#cell)
  }

  #exited(exit: ActorExit): void {
    this.#exit.settle(exit)
  }
}
