import type { NodeReply } from '../../../actors/consensus/protocol.js'
import type { ClientSession } from '../../../lib/node/client-session.js'
import type { ResolvedConfig } from '../../../lib/node/config.js'
import type { RaftError } from '../../../lib/node/errors.js'
import { NodeSide } from '../../../lib/node/node-side.js'
import { resolveConfig } from '../../../lib/node/resolve-config.js'
import type { ActorContext, Behavior } from '../../../lib/runtime/actor.js'
import { SimScheduler } from '../../../lib/runtime/sim-scheduler.js'
import { SimNode } from '../../../lib/sim/sim-node.js'
import { SimNetwork } from '../../../lib/transport/sim-transport.js'
import { type ListMachine, listMachine } from './list-machine.js'

/** What the programs were told of their commands. */
export interface Story {
  readonly applied: Set<string>
  readonly rejected: Set<string>
  unknown: number
  expired: number
  lives: number
}

const MEMBERS = ['n1', 'n2', 'n3'].map((id, i) => ({
  id,
  address: `10.0.0.${i + 1}:7000`,
  suffrage: 'voter' as const,
}))

const PATIENT = { maxRestarts: 1000, restartMaxMs: 500 }

/** Three production nodes in virtual time, each with a program that works through a session. */
export class SessionCluster {
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly nodes: readonly SimNode[]
  readonly story: Story = {
    applied: new Set(),
    rejected: new Set(),
    unknown: 0,
    expired: 0,
    lives: 0,
  }
  /** The newest state machine of each node. */
  readonly machines = new Map<string, ListMachine>()
  readonly sides = new Map<string, NodeSide>()
  readonly failures: string[] = []
  quiet = false

  constructor(seed: number) {
    this.scheduler = new SimScheduler({ seed })
    const faults = { lossRate: 0, breakRate: 0.001 }
    this.network = new SimNetwork({ time: this.scheduler, faults: faults as never })
    const config = resolveConfig({
      heartbeatTimeoutMs: 200,
      sessionTimeoutMs: 3000,
      snapshotThresholdEntries: 50,
      snapshotIntervalMs: 500,
      trailingLogEntries: 10,
      ...PATIENT,
    })
    this.nodes = MEMBERS.map((member) => this.#node(member, config))
  }

  start(node: SimNode): void {
    node.start().catch((error: unknown) => {
      if (node.running) this.failures.push(`${node.id}: ${String(error)}`)
    })
    this.scheduler.promisesDue()
  }

  crash(node: SimNode): void {
    node.crash({ mayTear: false })
    this.sides.delete(node.id)
  }

  /** Every program has ended, and every replica is as far as the others. */
  get done(): boolean {
    const sides = [...this.sides.values()]
    const [first] = sides.map(({ view }) => view.status.lastLogIndex)
    return (
      sides.length === MEMBERS.length &&
      sides.every(({ budget, view: { status } }) => {
        return budget.entries === 0 && status.lastApplied === first && status.lastLogIndex === first
      })
    )
  }

  #node(member: (typeof MEMBERS)[number], config: ResolvedConfig): SimNode {
    const { id, address } = member
    return new SimNode({
      scheduler: this.scheduler,
      network: this.network,
      id,
      address,
      members: MEMBERS,
      config,
      clockRate: 1,
      flushMs: () => 0.2 + this.scheduler.random(),
      createMachine: () => {
        const machine = listMachine()
        this.machines.set(id, machine)
        return machine
      },
      createProgram: (_init, context) => {
        const side = new NodeSide({ id, config, remoteMachine: false }, this.#settling(context))
        this.sides.set(id, side)
        return new SessionProgram(side, context, this, `${id}.${++this.story.lives}`)
      },
      observeCore: () => {},
      onFailure: (of, error) => this.failures.push(`${of}: ${error.message}`),
    })
  }

  /** What a timer settles is heard before the next event. */
  #settling(context: ActorContext): ActorContext {
    return Object.assign(Object.create(context) as ActorContext, {
      now: () => context.now(),
      wallClock: () => context.wallClock(),
      random: () => context.random(),
      after: (delayMs: number, callback: () => void) =>
        context.after(delayMs, () => {
          callback()
          this.scheduler.promisesDue()
        }),
    })
  }
}

/** Opens a session, keeps a few commands under way in it, and opens another when it is over. */
class SessionProgram implements Behavior<NodeReply> {
  readonly #side: NodeSide
  readonly #context: ActorContext
  readonly #cluster: SessionCluster
  readonly #life: string
  #session: ClientSession | null = null
  #opening = false
  #commands = 0

  constructor(side: NodeSide, context: ActorContext, cluster: SessionCluster, life: string) {
    this.#side = side
    this.#context = context
    this.#cluster = cluster
    this.#life = life
  }

  linked(name: string, ref: Parameters<NodeSide['linked']>[1]): void {
    this.#side.linked(name, ref)
    if (name === 'consensus') this.#next()
  }

  receive(message: NodeReply): void {
    this.#side.receive(message)
    this.#cluster.scheduler.promisesDue()
  }

  #next(): void {
    this.#context.after(20 * this.#context.random(), () => {
      if (!this.#cluster.quiet) this.#act()
      this.#cluster.scheduler.promisesDue()
      this.#next()
    })
  }

  #act(): void {
    if (this.#session?.state === 'open') return this.#apply(this.#session)
    if (this.#opening) return
    this.#opening = true
    this.#side.sessions.open({ timeoutMs: 2000 }).then(
      (session) => {
        this.#opening = false
        this.#session = session
      },
      () => {
        this.#opening = false
      },
    )
  }

  #apply(session: ClientSession): void {
    const { story } = this.#cluster
    const command = `${this.#life}.${++this.#commands}`
    // Some give up early, in whatever state their command is then.
    const timeoutMs = this.#context.random() < 0.1 ? 50 : 5000
    session.apply(Buffer.from(command), { timeoutMs }).then(
      () => story.applied.add(command),
      ({ code, outcome }: RaftError) => {
        if (code === 'RAFT_SESSION_EXPIRED') story.expired++
        if (outcome === 'rejected') story.rejected.add(command)
        else story.unknown++
      },
    )
  }
}
