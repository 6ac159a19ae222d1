import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { MemberChange } from '../core/membership.js'
import type { LogIndex, NodeId, Server } from '../core/types.js'
import type { RaftConfig } from '../node/config.js'
import { resolveConfig } from '../node/resolve-config.js'
import { SimScheduler } from '../runtime/sim-scheduler.js'
import type { WireError } from '../runtime/wire-error.js'
import { SimNetwork } from '../transport/sim-transport.js'
import { Checks } from './checks.js'
import { ClientChecks } from './client-checks.js'
import type { SimClusterOptions } from './cluster-options.js'
import { compareDisks, pictureOf, votersOf } from './cluster-picture.js'
import { noTotals } from './cluster-totals.js'
import { type ListMachine, listMachine } from './list-machine.js'
import { Operator } from './operator.js'
import { SimNode } from './sim-node.js'
import { type ProgramObserver, SimProgram } from './sim-program.js'
import { ConvergenceError, SafetyViolation } from './violation.js'
import { watchfulLogger } from './watchful-logger.js'

const START_AGAIN_MS = 500
const USER_ERROR = 'a simulated mistake of the user'
/** Some times what seven nodes under the heaviest load bring about. */
const MOST_EVENTS_PER_MS = 120

/**
 * Memory is kept far below what a configuration may say, so that slabs are reused (S7), the tail lets
 * go of batches, and followers and state machines are fed from the store.
 */
const SMALL_MEMORY = {
  slabBytes: 4096,
  maxIdleSlabs: 1,
  tailMaxBytes: 8192,
  maxReadBytes: 4096,
  maxInflightBytes: 16_384,
  maxAppendBytes: 4096,
}

/** A whole cluster of production actors in one thread, in virtual time, from one seed. */
export class SimCluster {
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly checks: Checks
  readonly clients = new ClientChecks()
  readonly nodes: readonly SimNode[]
  readonly totals = noTotals()
  readonly #options: SimClusterOptions
  readonly #leaders = new Map<NodeId, number>()
  readonly #statuses = new Map<NodeId, ConsensusStatus>()
  /** The newest state machine of each node. */
  readonly #machines = new Map<NodeId, ListMachine>()
  readonly #programs = new Map<NodeId, SimProgram>()
  readonly operator: Operator
  #violation: SafetyViolation | null = null
  readonly #ambushes: { readonly at: number; readonly act: () => void }[] = []
  #quiet = false
  readonly failures: { readonly node: NodeId; readonly error: WireError }[] = []

  constructor(options: SimClusterOptions) {
    this.#options = options
    this.scheduler = new SimScheduler({ seed: options.seed })
    this.network = new SimNetwork({
      time: this.scheduler,
      ...(options.network === undefined ? {} : { faults: options.network }),
    })
    const { nodes, spares = 0 } = options
    const all: Omit<Server, 'addedAt'>[] = Array.from({ length: nodes + spares }, (_, i) => ({
      id: `n${i + 1}`,
      address: `10.0.0.${i + 1}:7000`,
      suffrage: 'voter',
    }))
    const members = all.slice(0, nodes)
    const config = { ...resolveConfig(options.config), ...SMALL_MEMORY }
    this.nodes = all.map((member, i) =>
      this.#createNode(member, i < nodes ? members : null, config),
    )
    this.operator = new Operator(this, options.changeEveryMs ?? 0)
    this.checks = new Checks(this.nodes, (violation) => this.#report(violation))
  }

  /** The nodes that lead, as their programs were told last. */
  get leaders(): readonly NodeId[] {
    const newest = Math.max(0, ...this.#leaders.values())
    return [...this.#leaders].filter(([, term]) => term === newest).map(([node]) => node)
  }

  /** Whether this node leads, as its program was told last; others may lead since. */
  leads(node: NodeId): boolean {
    return this.#leaders.has(node)
  }

  /** Virtual ms. */
  get now(): number {
    return this.scheduler.now()
  }

  /** The leader of the newest term and what it says of itself; null: none that runs. */
  leading(): { readonly node: SimNode; readonly status: ConsensusStatus } | null {
    const newest = Math.max(0, ...[...this.#statuses.values()].map(({ term }) => term))
    for (const node of this.nodes) {
      const status = this.#statuses.get(node.id)
      if (status?.role === 'leader' && status.term === newest && node.running)
        return { node, status }
    }
    return null
  }

  /** The node runs and has some of the log. */
  holdsEntries(id: NodeId): boolean {
    return (this.#statuses.get(id)?.lastLogIndex ?? 0) > 0
  }

  /** An operator asks this node for a change of members. */
  change(node: SimNode, change: MemberChange, prevIndex: LogIndex): void {
    this.#programs.get(node.id)?.change(change, prevIndex)
  }

  /** New disks. Its process ends, if one runs. */
  wipe(node: SimNode): void {
    this.totals.wipes++
    if (node.running) this.crash(node)
    node.wipe()
    this.checks.wiped(node.id)
  }

  start(): void {
    for (const node of this.nodes) this.restart(node)
  }

  restart(node: SimNode): void {
    this.totals.restarts++
    node.start().catch((error: unknown) => {
      if (node.running) this.#notStarted(node, error)
    })
    this.scheduler.promisesDue()
  }

  /** A directory cannot be made on a full disk; whoever runs the program tries again. */
  #notStarted(node: SimNode, error: unknown): void {
    if (this.operator.isRuined(node)) return this.crash(node)
    if ((error as { readonly code?: unknown }).code !== 'RAFT_STORAGE_FULL') {
      this.#nodeFailed(node, `it did not start: ${String(error)}`)
      return
    }
    this.crash(node)
    this.scheduler.after(START_AGAIN_MS, () => {
      if (!node.running && !this.operator.isRuined(node)) this.restart(node)
    })
  }

  crash(node: SimNode): void {
    this.totals.crashes++
    this.#leaders.delete(node.id)
    this.#statuses.delete(node.id)
    if (node.crash({ mayTear: this.#mayTear() }).lostWrites > 0) this.totals.crashesThatLostWrites++
    this.checks.forget(node.id)
  }

  /** Acts once so many more events have happened anywhere. */
  afterEvents(count: number, act: () => void): void {
    this.#ambushes.push({ at: this.scheduler.fired + count, act })
    this.#ambushes.sort((a, b) => a.at - b.at)
  }

  /**
   * S15: nobody can tell a batch that a crash tore from one that was damaged later. Where a majority may
   * have acknowledged one that nobody can read, nobody may lead: that is not what is simulated.
   */
  #mayTear(): boolean {
    const known = [...this.#statuses.values()].map(votersOf).filter((count) => count > 0)
    const voters = Math.min(...known, this.#options.nodes)
    const unsure = this.nodes.filter((node) => node.torn || this.operator.isRuined(node)).length
    return unsure + 1 <= (voters - 1) / 2
  }

  /**
   * Runs for so much virtual time, or until a check fails.
   * @throws SafetyViolation, or ConvergenceError when far more happens than that time can account for
   */
  async run(forMs: number, until?: () => boolean): Promise<void> {
    const maxEvents = MOST_EVENTS_PER_MS * Math.max(forMs, 1000)
    const events = await this.scheduler.run({
      forMs,
      maxEvents,
      until: () => {
        while ((this.#ambushes[0]?.at ?? Number.POSITIVE_INFINITY) <= this.scheduler.fired) {
          this.#ambushes.shift()?.act()
        }
        return this.#violation !== null || until?.() === true
      },
    })
    if (this.#violation !== null) throw this.#violation
    if (events < maxEvents) return
    throw new ConvergenceError(
      `livelock: ${events} events in ${forMs} ms or less: ${JSON.stringify(this.picture())}`,
    )
  }

  /** The programs ask for nothing from now on. */
  quiesce(): void {
    this.#quiet = true
  }

  /** All replicas run, know one leader, and have the same log committed and applied. */
  get converged(): boolean {
    const first = this.leading()?.status
    if (first === undefined || !this.operator.done) return false
    const { servers } = first.configuration.configuration
    return this.#membersOf(servers).every((node) => {
      const status = this.#statuses.get(node.id)
      return (
        node.running &&
        status !== undefined &&
        status.leader === first.leader &&
        status.term === first.term &&
        status.lastLogIndex === first.lastLogIndex &&
        status.commitIndex === first.lastLogIndex &&
        status.lastApplied === first.lastLogIndex &&
        status.flushedIndex === first.lastLogIndex
      )
    })
  }

  #membersOf(servers: readonly Server[]): readonly SimNode[] {
    return this.nodes.filter(({ id }) => servers.some((server) => server.id === id))
  }

  /** Once converged: all logs and states are the same. @throws SafetyViolation */
  compare(): void {
    this.checks.matchLogs()
    if (this.#violation !== null) throw this.#violation
    const { servers = [] } = this.leading()?.status.configuration.configuration ?? {}
    const members = this.#membersOf(servers)
    for (const { id } of members) this.clients.final(id, this.#machines.get(id)?.commands ?? [])
    this.clients.checkHistory(this.#machines.get(members[0]?.id ?? '')?.commands ?? [])
    compareDisks(members)
  }

  /** For messages about what did not converge. */
  picture(): readonly object[] {
    const { ruined } = this.operator
    const configuration = this.leading()?.status.configuration
    const nodes = this.nodes.map((node) => pictureOf(node, this.#statuses.get(node.id)))
    return [...nodes, { ruined, configuration }]
  }

  #createNode(
    { id, address }: Omit<Server, 'addedAt'>,
    members: readonly Omit<Server, 'addedAt'>[] | null,
    config: RaftConfig,
  ): SimNode {
    const { clockSkew = 0, proposeEveryMs = 5, transferEveryMs = 0, onEvent } = this.#options
    const { readEveryMs = proposeEveryMs } = this.#options
    const observer = this.#observer()
    const node: SimNode = new SimNode({
      scheduler: this.scheduler,
      network: this.network,
      id,
      address,
      members,
      config,
      clockRate: 1 + (2 * this.scheduler.random() - 1) * clockSkew,
      flushMs: () => this.#flushMs(),
      createMachine: () => this.#createMachine(id),
      createProgram: (_init, context) => {
        const quiet = (): boolean => this.#quiet
        const now = (): number => this.now
        const load = { now, proposeEveryMs, readEveryMs, transferEveryMs, maxBatch: 8, quiet }
        const program = new SimProgram({ node: id, observer, ...load }, context)
        this.#programs.set(id, program)
        return program
      },
      observeCore: (of, core) => this.checks.observe(of, core),
      onFailure: (of, error) => {
        this.failures.push({ node: of, error })
        this.#nodeFailed(node, error.message)
      },
      ...(onEvent === undefined ? {} : { onEvent }),
      logger: watchfulLogger(id, (violation) => this.#report(violation), this.#options.logger),
    })
    return node
  }

  #createMachine(id: NodeId): ListMachine {
    const machine = listMachine(
      (index, term, command, count) => {
        this.#guard(() => this.clients.applied(id, index, term, command, count))
      },
      () => this.#userFault(id),
    )
    this.#machines.set(id, machine)
    return machine
  }

  #userFault(id: NodeId): void {
    const faults = this.nodes.find((node) => node.id === id)?.machineFaults
    if (faults === undefined) return
    if (faults.slowMs > 0) this.scheduler.occupy(this.scheduler.random() * faults.slowMs)
    if (faults.throws === 0) return
    faults.throws--
    throw new Error(USER_ERROR)
  }

  /** Some programs close a node that is out, some leave it running. */
  #removed(id: NodeId): void {
    this.totals.removals++
    const node = this.nodes.find((each) => each.id === id)
    if (this.scheduler.random() < 0.5) return
    this.scheduler.after(0, () => {
      if (node?.running === true) this.crash(node)
    })
  }

  /** Nothing but a failed flush, or a disk that was spoiled, may end a node. */
  #nodeFailed(node: SimNode, message: string): void {
    this.totals.failures++
    if (message.includes(USER_ERROR)) {
      this.scheduler.after(0, () => {
        if (node.running) this.crash(node)
      })
      this.scheduler.after(START_AGAIN_MS, () => {
        if (!node.running && !this.operator.isRuined(node)) this.restart(node)
      })
      return
    }
    if (node.disk.faults.failFlush !== null || this.operator.isRuined(node)) {
      // Its program ends the process, which does not wait for a disk that fails.
      this.scheduler.after(0, () => {
        if (node.running) this.crash(node)
      })
      return
    }
    this.#report(new SafetyViolation('nodes do not fail', `${node.id}: ${message}`))
  }

  /** Now and then a slow one. */
  #flushMs(): number {
    const shortest = this.#options.flushMs ?? 0.2
    const drawn = shortest * (1 + 5 * this.scheduler.random())
    return this.scheduler.random() < 0.01 ? drawn + 50 * this.scheduler.random() : drawn
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!(error instanceof SafetyViolation)) throw error
      this.#report(error)
    }
  }

  #report(violation: SafetyViolation): void {
    this.#violation ??= violation
  }

  #observer(): ProgramObserver {
    const { totals, clients } = this
    return {
      proposed: (_node, command) => {
        totals.proposed++
        clients.proposed(command, this.now)
      },
      answered: (command, result) => clients.answered(command, result, this.now),
      saw: (reading) => clients.saw(reading),
      acknowledged: (node, command, index) => {
        totals.acknowledged++
        this.#guard(() => clients.acknowledge(node, command, index))
      },
      failed: (node, command, outcome) => {
        if (outcome === 'rejected') {
          totals.rejected++
          this.#guard(() => clients.refused(node, command))
        } else totals.unknown++
      },
      status: (node, status) => {
        this.#statuses.set(node, status)
        if (status.role === 'leader') this.#leaders.set(node, status.term)
        else this.#leaders.delete(node)
      },
      readBegins: () => clients.known,
      readEnded: (node, what, floor, seen) => {
        totals.reads++
        if (what === 'lease read') totals.leaseReads++
        this.#guard(() => clients.read(node, what, floor, seen))
      },
      transferred: () => {
        totals.transfers++
      },
      changed: (reason) => {
        this.operator.changed()
        if (reason === null) totals.changes++
        else totals.refusedChanges++
      },
      removed: (node) => this.#removed(node),
      installed: () => {
        totals.installs++
      },
    }
  }
}
