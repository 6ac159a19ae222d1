import type { Test } from 'tap'
import type {
  ActorHandle,
  ActorLogger,
  ActorSpec,
  Behavior,
  Message,
} from '../../../lib/runtime/actor.js'
import { createActorSystem, type HostActorSystem } from '../../../lib/runtime/actor-system.js'
import { SimActorSystem, type TraceEvent } from '../../../lib/runtime/sim-host.js'
import { SimScheduler } from '../../../lib/runtime/sim-scheduler.js'
import {
  createActor,
  type Noted,
  type ProbeInit,
  type ProbeMessage,
} from '../../fixtures/actors/probe-actor.js'

/** Where the probes of a stage live. */
export type HostKind = 'inline' | 'thread' | 'shared' | 'sim'

export const HOSTS: readonly HostKind[] = ['inline', 'thread', 'shared', 'sim']

export const PROBE_MODULE = new URL('../../fixtures/actors/probe-actor.js', import.meta.url)

export interface StageOptions {
  readonly logger?: ActorLogger
  readonly seed?: number
  readonly onEvent?: (event: TraceEvent) => void
}

export type Probe = ActorHandle<ProbeMessage>

/**
 * A system with an actor that collects what the probes note, and one that opens a gate for those that
 * hold. Tests wait with `until` and `settle`, which in virtual time run the scheduler.
 */
export class Stage {
  readonly system: HostActorSystem
  readonly scheduler: SimScheduler | null
  readonly kind: HostKind
  readonly #journals = new Map<string, string[]>()
  readonly #waiting = new Set<() => void>()
  #collector: ActorHandle | null = null
  #gate: ActorHandle | null = null
  #gateIsOpen = false
  #passing: (() => void)[] = []

  private constructor(kind: HostKind, options: StageOptions) {
    this.kind = kind
    const { seed = 1, ...rest } = options
    this.scheduler = kind === 'sim' ? new SimScheduler({ seed }) : null
    this.system =
      this.scheduler === null ? createActorSystem(rest) : new SimActorSystem(this.scheduler, rest)
  }

  /** Everything is stopped, and waited for, at the end of the test. */
  static async open(t: Test, kind: HostKind, options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(kind, options)
    stage.#collector = await stage.#spawnHere('collector', () => stage.#collect())
    stage.#gate = await stage.#spawnHere('gate', () => stage.#keepGate())
    stage.system.onDeadLetter(() => stage.#changed())
    t.teardown(() => {
      stage.open()
      return stage.settle(stage.system.close())
    })
    return stage
  }

  /** A probe, linked to the collector and the gate. */
  async spawn(name: string, init: ProbeInit = {}, extra: Partial<ActorSpec> = {}): Promise<Probe> {
    const { scheduler } = this
    const occupy = scheduler === null ? {} : { occupy: (ms: number) => scheduler.occupy(ms) }
    const probe = (await this.settle(
      this.system.spawn({
        name,
        module: PROBE_MODULE,
        create: createActor,
        placement: placementOn(this.kind),
        ...extra,
        init: { ...occupy, ...init },
      } as ActorSpec<ProbeInit, ProbeMessage>),
    )) as Probe
    probe.onExit(() => this.#changed())
    if (this.#collector !== null) this.system.link(probe, 'collector', this.#collector)
    if (this.#gate !== null) this.system.link(probe, 'gate', this.#gate)
    return probe
  }

  /** What that probe has noted, without the links that every probe has. */
  journal(name: string): readonly string[] {
    return (this.#journals.get(name) ?? []).filter((text) => text !== 'linked gate')
  }

  /** Resolves when the condition holds; it is looked at whenever anything was noted. */
  async until(condition: () => boolean): Promise<void> {
    if (this.scheduler !== null) {
      await this.scheduler.run({ until: condition })
      if (!condition()) throw new Error('nothing is left to happen and the condition does not hold')
      return
    }
    if (condition()) return
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
    })
  }

  /** The same for what is read from shared memory, which announces nothing. */
  async becomes(condition: () => boolean): Promise<void> {
    if (this.scheduler !== null) return this.until(condition)
    while (!condition()) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Resolves when the probe has noted this. */
  noted(name: string, text: string): Promise<void> {
    return this.until(() => this.journal(name).includes(text))
  }

  /** What was told has arrived: at once on threads, in virtual time after the longest delay. */
  async arrived(): Promise<void> {
    await this.scheduler?.run({ forMs: 5 })
  }

  /** Awaits a promise that depends on the actors. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    if (this.scheduler === null) return promise
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    this.scheduler.promisesDue()
    while (!settled) {
      const fired = await this.scheduler.run({ until: () => settled, maxEvents: 1 })
      if (fired === 0 && !settled) throw new Error('nothing is left to happen')
    }
    return promise
  }

  /** Lets every probe that holds, or will hold, go on. */
  open(): void {
    this.#gateIsOpen = true
    for (const pass of this.#passing.splice(0)) pass()
    this.scheduler?.promisesDue()
  }

  #collect(): Behavior<Noted> {
    return {
      receive: ({ from, text }) => {
        const journal = this.#journals.get(from) ?? []
        journal.push(text)
        this.#journals.set(from, journal)
        this.#changed()
      },
    }
  }

  #keepGate(): Behavior {
    return {
      receive: () => {},
      answer: () =>
        this.#gateIsOpen ? null : new Promise<void>((resolve) => this.#passing.push(resolve)),
    }
  }

  #changed(): void {
    for (const look of [...this.#waiting]) look()
  }

  #spawnHere<M extends Message>(name: string, create: () => Behavior<M>): Promise<ActorHandle> {
    const spec: ActorSpec<null, M> = {
      name,
      module: PROBE_MODULE,
      create,
      init: null,
      placement: 'inline',
    }
    return this.system.spawn(spec) as Promise<ActorHandle>
  }
}

/** The same test on every host. */
export function onEveryHost(
  t: Test,
  name: string,
  body: (t: Test, stage: Stage) => Promise<void>,
  options: StageOptions = {},
): void {
  for (const kind of HOSTS) {
    t.test(`${kind}: ${name}`, async (t) => {
      await body(t, await Stage.open(t, kind, options))
    })
  }
}

/** All probes of a stage are on one thread, each on its own, or on this one. */
export function placementOn(kind: HostKind): ActorSpec['placement'] {
  if (kind === 'shared') return { thread: 'probes' }
  return kind === 'thread' ? 'thread' : 'inline'
}
