import type { MemberChange } from '../core/membership.js'
import type { LogIndex, NodeId, Server } from '../core/types.js'
import type { RaftConfig } from '../node/config.js'
import { resolveConfig } from '../node/resolve-config.js'
import { SimScheduler } from '../runtime/sim-scheduler.js'
import { SimNetwork } from '../transport/sim-transport.js'
import { Ambushes } from './ambushes.js'
import { Checks } from './checks.js'
import { ClientChecks } from './client-checks.js'
import { clusterObserver } from './cluster-observer.js'
import type { SimClusterOptions } from './cluster-options.js'
import { compareDisks, pictureOf } from './cluster-picture.js'
import { clusterSession } from './cluster-session.js'
import { noTotals } from './cluster-totals.js'
import { ClusterView } from './cluster-view.js'
import { USER_ERROR, verdictOn } from './node-failures.js'
import { Operator } from './operator.js'
import { type ReplicaMachine, replicaMachine } from './replica-machine.js'
import { SimNode } from './sim-node.js'
import { SimProgram } from './sim-program.js'
import { SubjectReplica } from './subject-replica.js'
import { ConvergenceError, SafetyViolation } from './violation.js'
import { watchfulLogger } from './watchful-logger.js'

const START_AGAIN_MS = 500
/** Some times what seven nodes under the heaviest load bring about. */
const MOST_EVENTS_PER_MS = 120

/**
 * Memory is kept far below what a configuration may say, so that slabs are reused (S7), the tail lets
 * go of batches, followers and state machines are fed from the store, and snapshots come in many chunks.
 */
const SMALL_MEMORY = {
  slabBytes: 4096,
  maxIdleSlabs: 1,
  tailMaxBytes: 8192,
  maxReadBytes: 4096,
  maxInflightBytes: 16_384,
  maxAppendBytes: 4096,
  snapshotChunkBytes: 1024,
}

/** A whole cluster of production actors in one thread, in virtual time, from one seed. */
export class SimCluster {
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly checks: Checks
  readonly clients = new ClientChecks()
  readonly nodes: readonly SimNode[]
  readonly totals = noTotals()
  readonly view: ClusterView
  readonly operator: Operator
  readonly #options: SimClusterOptions
  /** The newest state machine and program of each node. */
  readonly #machines = new Map<NodeId, ReplicaMachine>()
  readonly #programs = new Map<NodeId, SimProgram>()
  readonly #ambushes = new Ambushes()
  #violation: SafetyViolation | null = null
  #quiet = false

  constructor(options: SimClusterOptions) {
    this.#options = options
    const { seed, preemption, network, nodes, spares = 0 } = options
    this.scheduler = new SimScheduler({ seed, ...(preemption === undefined ? {} : { preemption }) })
    const faults = network === undefined ? {} : { faults: network }
    this.network = new SimNetwork({ time: this.scheduler, ...faults })
    const all: Omit<Server, 'addedAt'>[] = Array.from({ length: nodes + spares }, (_, i) => ({
      id: `n${i + 1}`,
      address: `10.0.0.${i + 1}:7000`,
      suffrage: 'voter',
    }))
    const members = all.slice(0, nodes)
    const config = { ...resolveConfig(options.config), ...SMALL_MEMORY }
    this.view = new ClusterView(() => this.nodes)
    this.nodes = all.map((each, i) => this.#createNode(each, i < nodes ? members : null, config))
    this.operator = new Operator(this, options.changeEveryMs ?? 0)
    this.checks = new Checks(this.nodes, (violation) => this.#report(violation))
    for (let each = 0; each < (options.sessions ?? 0); each++) this.#createSession(`c${each + 1}`)
  }

  /** Virtual ms. */
  get now(): number {
    return this.scheduler.now()
  }

  /** Clocks run at different rates. */
  get skewed(): boolean {
    return (this.#options.clockSkew ?? 0) > 0
  }

  /** The newest program of a node; its process may have ended. */
  program(node: NodeId): SimProgram | undefined {
    return this.#programs.get(node)
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

  /** Whatever is down and not in repair. */
  startAll(): void {
    for (const node of this.nodes) {
      if (!node.running && !this.operator.isRuined(node)) this.restart(node)
    }
  }

  restart(node: SimNode): void {
    this.totals.restarts++
    node.start().catch((error: unknown) => {
      if (node.running) this.#notStarted(node, error)
    })
    this.scheduler.promisesDue()
  }

  crash(node: SimNode): void {
    this.totals.crashes++
    this.view.forget(node.id)
    this.#programs.delete(node.id)
    if (node.crash({ mayTear: this.#mayTear() }).lostWrites > 0) this.totals.crashesThatLostWrites++
    this.checks.forget(node.id)
  }

  /** The cluster has removed this node. Some programs close a node that is out, some leave it running. */
  removed(id: NodeId): void {
    this.totals.removals++
    const node = this.nodes.find((each) => each.id === id)
    if (this.scheduler.random() < 0.5) return
    this.scheduler.after(0, () => {
      if (node?.running === true) this.crash(node)
    })
  }

  /** Acts once so many more events have happened anywhere. */
  afterEvents(count: number, act: () => void): void {
    this.#ambushes.add(this.scheduler.fired + count, act)
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
        this.#ambushes.spring(this.scheduler.fired)
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

  /** One leader, equal logs, everything applied, every machine replaced, and no member waits for an answer. */
  get converged(): boolean {
    if (!this.operator.done || !this.view.converged) return false
    // Who is out may wait for entries that it will never hear of.
    return this.view.members().every(({ id }) => this.#programs.get(id)?.idle === true)
  }

  /** Once converged: all logs and states are the same. @throws SafetyViolation */
  compare(): void {
    this.checks.matchLogs()
    if (this.#violation !== null) throw this.#violation
    const members = this.view.members()
    for (const { id } of members) this.clients.final(id, this.#machines.get(id)?.state)
    this.clients.checkHistory()
    compareDisks(members)
  }

  /** For messages about what did not converge. */
  picture(): readonly object[] {
    const { ruined } = this.operator
    const { configuration } = this.view.leading()?.status ?? {}
    const nodes = this.nodes.map((node) => {
      const idle = this.#programs.get(node.id)?.idle
      return { ...pictureOf(node, this.view.statusOf(node.id)), idle }
    })
    return [...nodes, { ruined, configuration }]
  }

  /** A directory cannot be made on a full disk; whoever runs the program tries again. */
  #notStarted(node: SimNode, error: unknown): void {
    const full = (error as { readonly code?: unknown }).code === 'RAFT_STORAGE_FULL'
    if (!full) return this.#nodeFailed(node, `it did not start: ${String(error)}`)
    this.crash(node)
    this.#startAgain(node)
  }

  #startAgain(node: SimNode): void {
    this.scheduler.after(START_AGAIN_MS, () => {
      if (!node.running && !this.operator.isRuined(node)) this.restart(node)
    })
  }

  #nodeFailed(node: SimNode, message: string): void {
    this.totals.failures++
    const verdict = verdictOn(node, message, this.operator.isRuined(node))
    if (verdict === 'violation') {
      return this.#report(new SafetyViolation('nodes do not fail', `${node.id}: ${message}`))
    }
    // Its program ends the process, which waits for nothing.
    this.scheduler.after(0, () => {
      if (node.running) this.crash(node)
    })
    if (verdict === 'restart') this.#startAgain(node)
  }

  /**
   * S15: nobody can tell a batch that a crash tore from one that was damaged later. Where a majority may
   * have acknowledged one that nobody can read, nobody may lead: that is not what is simulated.
   */
  #mayTear(): boolean {
    const voters = Math.min(this.view.fewestVoters ?? this.#options.nodes, this.#options.nodes)
    const unsure = this.nodes.filter((node) => node.torn || this.operator.isRuined(node)).length
    return unsure + 1 <= (voters - 1) / 2
  }

  #createNode(
    { id, address }: Omit<Server, 'addedAt'>,
    members: readonly Omit<Server, 'addedAt'>[] | null,
    config: RaftConfig,
  ): SimNode {
    const { clockSkew = 0, wallClockErrorMs = 0, onEvent, logger } = this.#options
    const drawn = (): number => 2 * this.scheduler.random() - 1
    // One that is slow among fast ones: the others are done waiting when that one thinks it still leads.
    const slow = members?.[0]?.id === id
    const bent = this.#options.extremeClocks ? (slow ? -1 : 1) : drawn()
    const node: SimNode = new SimNode({
      scheduler: this.scheduler,
      network: this.network,
      id,
      address,
      members,
      config,
      clockRate: 1 + bent * clockSkew,
      wallClockErrorMs: () => Math.floor(drawn() * wallClockErrorMs),
      flushMs: () => this.#flushMs(),
      createMachine: () => this.#createMachine(node),
      createProgram: (_init, context) => this.#createProgram(id, context),
      observeCore: (of, core) => this.checks.observe(of, core),
      onFailure: (_of, error) => this.#nodeFailed(node, error.message),
      ...(onEvent === undefined ? {} : { onEvent }),
      logger: watchfulLogger(id, (violation) => this.#report(violation), logger),
    })
    return node
  }

  #createProgram(id: NodeId, context: ConstructorParameters<typeof SimProgram>[1]): SimProgram {
    const { proposeEveryMs = 5, readEveryMs = proposeEveryMs, transferEveryMs = 0 } = this.#options
    const program = new SimProgram(
      {
        node: id,
        observer: clusterObserver(this, this.view, (check) => this.#guard(check)),
        proposeEveryMs,
        readEveryMs,
        transferEveryMs,
        maxBatch: 8,
        now: () => this.now,
        quiet: () => this.#quiet,
        nextCommand: this.#nextCommand(),
      },
      context,
    )
    this.#programs.set(id, program)
    return program
  }

  #createMachine(node: SimNode): ReplicaMachine {
    const { id, machineFaults } = node
    const { subject, keepingMachines = false } = this.#options
    const kept = this.#machines.get(id)
    if (kept !== undefined && node.keptMachine === kept) return kept
    const machine = replicaMachine({
      onApply: (applied) => this.#guard(() => this.clients.applied(id, applied)),
      beforeApply: () => {
        const { scheduler } = this
        if (machineFaults.slowMs > 0) scheduler.occupy(scheduler.random() * machineFaults.slowMs)
        if (machineFaults.throws === 0) return
        machineFaults.throws--
        throw new Error(USER_ERROR)
      },
      keepsItself: keepingMachines,
      subject:
        subject === undefined
          ? null
          : new SubjectReplica(subject, id, (violation) => this.#report(violation)),
    })
    this.#machines.set(id, machine)
    if (keepingMachines) node.keptMachine = machine
    return machine
  }

  #nextCommand(): (() => Uint8Array) | null {
    const { subject } = this.#options
    if (subject === undefined) return null
    const { nextCommand, codec } = subject
    return () => {
      const command = nextCommand(() => this.scheduler.random())
      return codec === undefined ? (command as Uint8Array) : codec.encode(command)
    }
  }

  #createSession(name: string): void {
    const guard = (check: () => void): void => this.#guard(check)
    clusterSession(name, this, { guard, quiet: () => this.#quiet })
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
    if (this.#violation !== null) return
    violation.atMs = this.now
    this.#violation = violation
  }
}
