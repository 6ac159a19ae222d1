import type { ActorHandle, ActorSpec, CreateActor, Message } from '../runtime/actor.js'
import type { Supervisor } from '../runtime/supervisor.js'
import type { WireError } from '../runtime/wire-error.js'
import type { AssemblyOptions } from './assembled.js'
import { hostOf, type Placement } from './placement.js'
import { supervise } from './supervise.js'

/**
 * What comes to the log actor is bounded by those who send it: the windows of the leader, the bytes not
 * yet committed, the operations not yet flushed. Nothing of it may be refused (S5, S18).
 */
const LOG_MAILBOX = { maxMessages: 2 ** 20, maxBytes: 2 ** 29 }

/** The actors that a node has one of: spawned where the placement says, linked by name, kept alive. */
export class Troupe {
  readonly #options: AssemblyOptions
  readonly #fail: (error: WireError) => void
  readonly #handles = new Map<string, ActorHandle>()
  readonly #supervisors: Supervisor<never>[] = []

  constructor(options: AssemblyOptions, fail: (error: WireError) => void) {
    this.#options = options
    this.#fail = fail
  }

  /** Those that run, or ran last. */
  handles(): readonly ActorHandle[] {
    return [...this.#handles.values()]
  }

  handle(name: string): ActorHandle | undefined {
    return this.#handles.get(name)
  }

  spawn<Init, M extends Message>(
    name: keyof Placement,
    create: CreateActor<Init, M>,
    init: Init,
    extras: Pick<ActorSpec, 'execArgv' | 'resourceLimits' | 'leaveHung'> = {},
  ): Promise<ActorHandle<M>> {
    const { config, placement, system } = this.#options
    const { execArgv = [], resourceLimits, leaveHung = false } = extras
    const ordinary = { maxMessages: config.mailboxMaxMessages, maxBytes: config.mailboxMaxBytes }
    return system.spawn<Init, M>({
      name,
      module: new URL(`../../actors/${name}/${name}-actor.js`, import.meta.url),
      create,
      init,
      placement: hostOf(placement[name]),
      mailbox: name === 'log' ? LOG_MAILBOX : ordinary,
      ...(execArgv.length > 0 ? { execArgv } : {}),
      ...(resourceLimits !== undefined ? { resourceLimits } : {}),
      leaveHung,
    })
  }

  /** Starts an actor that is restarted when it fails; `others` are linked with each one of them. */
  supervise<M extends Message>(
    name: string,
    spawn: () => Promise<ActorHandle<M>>,
    others: readonly string[],
    mayRestart?: (error: Error) => boolean,
  ): Supervisor<M> {
    const { system, config } = this.#options
    const supervisor = supervise<M>({
      name,
      clock: system,
      config,
      spawn,
      started: (handle) => this.link(name, handle, others),
      mayRestart,
      gaveUp: this.#fail,
      restarting: this.#options.onRestart,
    })
    this.#supervisors.push(supervisor as unknown as Supervisor<never>)
    return supervisor
  }

  /** Links an actor and those of `others` that run with each other, both ways. */
  link(name: string, handle: ActorHandle, others: readonly string[]): void {
    this.#handles.set(name, handle)
    for (const other of others) this.introduce(name, other)
  }

  /** Links two actors with each other, if both are there. `to` learns of the other one first. */
  introduce(name: string, to: string): void {
    const { system } = this.#options
    const handle = this.#handles.get(name)
    const other = this.#handles.get(to)
    if (handle === undefined || other === undefined) return
    // Whoever is told of the other must be reachable for its answer first.
    system.link(other, name, handle)
    system.link(handle, to, other)
  }

  /** No more restarts. */
  release(): void {
    for (const supervisor of this.#supervisors) supervisor.release()
  }
}
