import type { ActorHandle, ActorLogger, ActorSpec, Message, Timer } from './actor.js'
import { namedLogger } from './actor-log.js'
import type { HostActorSystem } from './actor-system.js'
import { DeadLetters } from './dead-letters.js'
import { ActorUsageError } from './errors.js'
import { DEFAULT_STOP_MS, shareOf } from './hosted-actor.js'
import type { Prng } from './prng.js'
import { SimActor } from './sim-actor.js'
import type { SimMachine, TraceKind } from './sim-cell-host.js'
import { SimRef } from './sim-ref.js'
import type { SimScheduler } from './sim-scheduler.js'

/** One line of a run's trace. `message` is what was told or taken, where there is one. */
export interface TraceEvent {
  readonly time: number
  readonly system: string
  readonly actor: string
  readonly what: TraceKind
  readonly message: Message | null
}

/** A simulated process: its clocks, its delays, and who watches it. */
export interface SimSystemOptions {
  /** Names the simulated process in traces. Default `sim`. */
  readonly name?: string
  readonly logger?: ActorLogger
  /** How long a message between two actors is under way. Default: 5 to 60 µs, one in 64 up to 2 ms. */
  readonly deliveryDelayMs?: (prng: Prng) => number
  /** What the machine's monotonic clock shows at the world's beginning. Default 0. */
  readonly clockOriginMs?: number
  /** How fast that clock runs, against the world's. Default 1. */
  readonly clockRate?: number
  /** The error of the machine's wall clock. Default 0. */
  readonly wallClockErrorMs?: number
  /** Called at everything that happens to an actor, in order: equal seeds give equal calls. */
  readonly onEvent?: (event: TraceEvent) => void
}

/**
 * The actors of one simulated process. Several systems on one scheduler are a cluster. The same cells run
 * here as on threads; only the threads, the delays and the clock are simulated.
 */
export class SimActorSystem implements HostActorSystem, SimMachine {
  readonly name: string
  readonly scheduler: SimScheduler
  readonly #options: SimSystemOptions
  readonly #rate: number
  readonly #origin: number
  readonly #deadLetters = new DeadLetters()
  readonly #actors = new Map<string, SimActor>()
  readonly #links = new Map<SimActor, Map<string, SimActor>>()
  #alive = true
  #paused = false
  #closed = false

  constructor(scheduler: SimScheduler, options: SimSystemOptions = {}) {
    this.name = options.name ?? 'sim'
    this.scheduler = scheduler
    this.#options = options
    this.#rate = options.clockRate ?? 1
    this.#origin = options.clockOriginMs ?? 0
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  get traced(): boolean {
    return this.#options.onEvent !== undefined
  }

  now(): number {
    return this.#origin + this.scheduler.now() * this.#rate
  }

  wallClock(): number {
    const { scheduler } = this
    return (
      Math.floor(scheduler.epochMs + this.scheduler.now()) + (this.#options.wallClockErrorMs ?? 0)
    )
  }

  toVirtual(ms: number): number {
    return ms / this.#rate
  }

  random(): number {
    return this.scheduler.random()
  }

  /** Timers of the process itself, outside any actor; they die with it. */
  after(delayMs: number, callback: () => void): Timer {
    return this.scheduler.after(this.toVirtual(delayMs), () => {
      if (this.#alive) callback()
    })
  }

  async spawn<Init, M extends Message>(spec: ActorSpec<Init, M>): Promise<ActorHandle<M>> {
    if (this.#closed) throw new ActorUsageError(`cannot spawn ${spec.name}: the system is closed`)
    if (this.#actors.has(spec.name)) {
      throw new ActorUsageError(`an actor named ${spec.name} is running; names are unique`)
    }
    const actor = new SimActor<M>(spec, this, namedLogger(this.#options.logger, spec.name))
    this.#actors.set(spec.name, actor as unknown as SimActor)
    actor.onExit(() => this.#forget(actor as unknown as SimActor))
    this.scheduler.promisesDue()
    await actor.start(spec)
    return actor
  }

  link(from: ActorHandle, name: string, to: ActorHandle): void {
    const source = this.#actors.get(from.name)
    if (source !== from) return
    const target = to as SimActor
    source.link(name, new SimRef(this, target, source))
    const links = this.#links.get(source) ?? new Map<string, SimActor>()
    this.#links.set(source, links.set(name, target))
    if (this.#actors.get(target.name) !== target) source.unlink(name)
  }

  deadLetters(): { readonly count: number; readonly last: readonly string[] } {
    return this.#deadLetters.snapshot()
  }

  onDeadLetter(listener: (to: string, kind: string) => void): void {
    this.#deadLetters.onDeadLetter(listener)
  }

  deadLetter(to: string, kind: string): void {
    this.#deadLetters.add(to, kind)
  }

  async close(deadlineMs = DEFAULT_STOP_MS): Promise<void> {
    this.#closed = true
    const deadline = this.now() + deadlineMs
    for (const actor of [...this.#actors.values()].reverse()) {
      await actor.stop(shareOf(deadline - this.now()))
    }
  }

  /** The actor takes nothing for so long: its disk, or its thread, hangs. */
  stall(actor: ActorHandle, ms: number): void {
    this.#sim(actor).host.stall(ms)
  }

  /** Without an actor: the whole process (SIGSTOP). Messages still arrive, nothing runs. */
  pause(actor?: ActorHandle): void {
    if (actor === undefined) this.#paused = true
    else this.#sim(actor).host.pause()
  }

  resume(actor?: ActorHandle): void {
    if (actor !== undefined) return this.#sim(actor).host.resume()
    this.#paused = false
    for (const held of this.#actors.values()) held.host.wakeNow()
  }

  /** The process is gone: nothing more runs, nothing is delivered, no one is told. */
  crash(): void {
    this.#alive = false
    this.#actors.clear()
    this.#links.clear()
  }

  deliveryDelay(): number {
    const { prng } = this.scheduler
    const own = this.#options.deliveryDelayMs
    if (own !== undefined) return own(prng)
    const drawn = prng.next()
    const fraction = (drawn >>> 6) / 2 ** 26
    return (drawn & 63) === 0 ? 0.06 + fraction * 1.94 : 0.005 + fraction * 0.055
  }

  trace(actor: string, what: TraceKind, message: Message | null): void {
    const time = this.scheduler.now()
    this.#options.onEvent?.({ time, system: this.name, actor, what, message })
  }

  #sim(actor: ActorHandle): SimActor {
    const known = this.#actors.get(actor.name)
    if (known === actor) return known
    throw new ActorUsageError(`the actor ${actor.name} does not run in the system ${this.name}`)
  }

  #forget(actor: SimActor): void {
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
