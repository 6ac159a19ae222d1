import type {
  ActorExit,
  ActorHandle,
  ActorLogger,
  ActorRef,
  ActorSpec,
  ActorStats,
  Message,
} from './actor.js'
import { ActorMemory } from './actor-memory.js'
import { Cell } from './cell.js'
import { creation, DEFAULT_STOP_MS, ExitSignal, type Placed, statsOf } from './hosted-actor.js'
import type { LinkRef } from './letter.js'
import { Mailbox } from './mailbox.js'
import { SimCellHost } from './sim-cell-host.js'
import type { SimActorSystem } from './sim-host.js'
import { SimRef } from './sim-ref.js'

/** An actor of the simulated world; whatever its placement says, it has a simulated thread of its own. */
export class SimActor<M extends Message = Message> implements ActorHandle<M> {
  readonly name: string
  readonly system: SimActorSystem
  readonly ref: ActorRef<M>
  readonly host: SimCellHost
  readonly cell: Cell<M>
  readonly #memory: ActorMemory
  readonly #ownRef: SimRef
  readonly #exit = new ExitSignal()

  constructor(spec: Placed<M>, system: SimActorSystem, log: ActorLogger) {
    this.name = spec.name
    this.system = system
    this.#memory = ActorMemory.allocate(spec.mailbox)
    this.host = new SimCellHost(system, {
      name: spec.name,
      log,
      stats: this.#memory.stats,
      deadLetter: (kind) => system.deadLetter(spec.name, kind),
      exited: (exit) => this.#exited(exit),
    })
    this.cell = new Cell<M>(spec.name, new Mailbox(this.#memory.words), this.host)
    this.host.attach(this.cell)
    this.#ownRef = new SimRef(system, this, null)
    this.ref = this.#ownRef
  }

  get exited(): Promise<ActorExit> {
    return this.#exit.exited
  }

  async start<Init>(spec: ActorSpec<Init, M>): Promise<void> {
    await creation(this.cell.start(spec.create, spec.init), this.#exit)
    this.host.observe?.('ready', null)
  }

  onExit(listener: (exit: ActorExit) => void): void {
    this.#exit.onExit(listener)
  }

  async stop(deadlineMs = DEFAULT_STOP_MS): Promise<void> {
    if (this.#exit.exit !== null) return
    const deadline = this.system.after(deadlineMs, () => {
      this.cell.kill(`it did not stop within ${deadlineMs} ms`)
    })
    this.#ownRef.afterAll(() => this.cell.stop())
    await this.#exit.exited
    deadline.cancel()
  }

  async kill(): Promise<void> {
    this.cell.kill('kill was called')
    await this.#exit.exited
  }

  stats(): ActorStats {
    return statsOf(this.name, this.#memory)
  }

  link(name: string, ref: LinkRef): void {
    if (!this.#memory.words.reserveControl()) return ref.close()
    this.cell.mailbox.pushChange({ kind: 'link', name, ref })
    this.host.wakeNow()
  }

  unlink(name: string): void {
    if (!this.#memory.words.reserveControl()) return
    this.cell.mailbox.pushChange({ kind: 'unlink', name })
    this.host.wakeNow()
  }

  #exited(exit: ActorExit): void {
    this.host.observe?.('exit', null)
    this.#ownRef.close()
    this.#exit.settle(exit)
    this.system.scheduler.promisesDue()
  }
}
