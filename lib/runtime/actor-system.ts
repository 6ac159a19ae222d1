import { MessageChannel } from 'node:worker_threads'
import type { ActorHandle, ActorLogger, ActorSpec, ActorSystem, Message, Timer } from './actor.js'
import { namedLogger, thresholdOf } from './actor-log.js'
import { after, type Clock, now } from './clock.js'
import { DeadLetters } from './dead-letters.js'
import { ActorUsageError } from './errors.js'
import { DEFAULT_STOP_MS, type HostedActor, type SystemServices, shareOf } from './hosted-actor.js'
import { InlineActor } from './inline-actor.js'
import type { ModuleUrl } from './module-url.js'
import { ThreadActor } from './thread-actor.js'
import { SharedThreads } from './worker-thread.js'

/** What `createActorSystem` takes. */
export interface ActorSystemOptions {
  /** Where the log records of every actor go, on whatever thread it runs. Silent without. */
  readonly logger?: ActorLogger | undefined
  /** Uniform in [0, 1), for inline actors; threads have a source of their own. Default Math.random. */
  readonly random?: () => number
  /** Where threads find their modules: `worker` is their own, the others are those of actors. */
  readonly moduleUrl?: ModuleUrl | undefined
}

/** An actor system that also tells the time: supervisors wait with it. */
export interface HostActorSystem extends ActorSystem, Clock {
  random(): number
}

/** Actors on worker threads and on this one, as each spec's `placement` says. */
export function createActorSystem(options: ActorSystemOptions = {}): HostActorSystem {
  return new LoopActorSystem(options)
}

class LoopActorSystem implements HostActorSystem {
  readonly #logger: ActorLogger | undefined
  readonly #services: SystemServices
  readonly #deadLetters = new DeadLetters()
  readonly #threads = new SharedThreads()
  /** In the order of spawning. */
  readonly #actors = new Map<string, HostedActor>()
  /** From each actor, by link name. */
  readonly #links = new Map<HostedActor, Map<string, HostedActor>>()
  #closed = false

  constructor(options: ActorSystemOptions) {
    this.#logger = options.logger
    this.#services = {
      random: options.random ?? Math.random,
      deadLetter: (to, kind) => this.#deadLetters.add(to, kind),
      moduleUrl: options.moduleUrl,
    }
  }

  now(): number {
    return now()
  }

  after(delayMs: number, callback: () => void): Timer {
    return after(delayMs, callback)
  }

  random(): number {
    return this.#services.random()
  }

  async spawn<Init, M extends Message>(spec: ActorSpec<Init, M>): Promise<ActorHandle<M>> {
    if (this.#closed) throw new ActorUsageError(`cannot spawn ${spec.name}: the system is closed`)
    if (this.#actors.has(spec.name)) {
      throw new ActorUsageError(`an actor named ${spec.name} is running; names are unique`)
    }
    const logger = namedLogger(this.#logger, spec.name)
    const actor =
      spec.placement === 'inline'
        ? new InlineActor<M>(spec, logger, this.#services)
        : new ThreadActor<M>(spec, logger, thresholdOf(this.#logger), this.#services, this.#threads)
    this.#actors.set(spec.name, actor)
    actor.onExit(() => this.#forget(actor))
    await actor.start(spec)
    return actor
  }

  link(from: ActorHandle, name: string, to: ActorHandle): void {
    const source = this.#actors.get(from.name)
    const target = to as HostedActor
    if (source !== from) return
    if (!source.linkBeside(name, target)) {
      const { port1, port2 } = new MessageChannel()
      target.addInlet(port2)
      source.linkThrough(name, target, port1)
    }
    const links = this.#links.get(source) ?? new Map<string, HostedActor>()
    this.#links.set(source, links.set(name, target))
    if (this.#actors.get(target.name) !== target) source.unlink(name)
  }

  deadLetters(): { readonly count: number; readonly last: readonly string[] } {
    return this.#deadLetters.snapshot()
  }

  onDeadLetter(listener: (to: string, kind: string) => void): void {
    this.#deadLetters.onDeadLetter(listener)
  }

  async close(deadlineMs = DEFAULT_STOP_MS): Promise<void> {
    this.#closed = true
    const deadline = now() + deadlineMs
    for (const actor of [...this.#actors.values()].reverse()) {
      await actor.stop(shareOf(deadline - now()))
    }
    await this.#threads.ended()
  }

  #forget(actor: HostedActor): void {
    this.#actors.delete(actor.name)
    this.#links.delete(actor)
    for (const [source, links] of this.#links) {
      for (const [name, target] of links) {
        if (target !== actor) continue
        links.delete(name)
        source.unlink(name)
      }
    }
  }
}
