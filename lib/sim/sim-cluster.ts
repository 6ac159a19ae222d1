import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { NodeId, Server } from '../core/types.js'
import type { RaftConfig } from '../node/config.js'
import { resolveConfig } from '../node/resolve-config.js'
import type { ActorLogger } from '../runtime/actor.js'
import type { TraceEvent } from '../runtime/sim-host.js'
import { SimScheduler } from '../runtime/sim-scheduler.js'
import type { WireError } from '../runtime/wire-error.js'
import { type NetworkFaults, SimNetwork } from '../transport/sim-transport.js'
import { Checks, SafetyViolation } from './checks.js'
import { listMachine } from './list-machine.js'
import { SimNode } from './sim-node.js'
import { type ProgramObserver, SimProgram } from './sim-program.js'

export interface SimClusterOptions {
  readonly seed: number
  readonly nodes: number
  readonly config?: Partial<RaftConfig>
  readonly network?: Partial<NetworkFaults>
  /** Mean time between two batches that a leading program proposes. Default 5. */
  readonly proposeEveryMs?: number
  readonly onEvent?: (event: TraceEvent) => void
  readonly logger?: ActorLogger
}

export interface ClusterTotals {
  proposed: number
  acknowledged: number
  unknown: number
  rejected: number
  crashes: number
  crashesThatLostWrites: number
  restarts: number
  failures: number
}

/** A whole cluster of production actors in one thread, in virtual time, from one seed. */
export class SimCluster {
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly checks = new Checks()
  readonly nodes: readonly SimNode[]
  readonly totals: ClusterTotals = {
    proposed: 0,
    acknowledged: 0,
    unknown: 0,
    rejected: 0,
    crashes: 0,
    crashesThatLostWrites: 0,
    restarts: 0,
    failures: 0,
  }
  readonly #leaders = new Map<NodeId, number>()
  readonly #statuses = new Map<NodeId, ConsensusStatus>()
  #violation: SafetyViolation | null = null
  #quiet = false
  readonly failures: { readonly node: NodeId; readonly error: WireError }[] = []

  constructor(options: SimClusterOptions) {
    this.scheduler = new SimScheduler({ seed: options.seed })
    this.network = new SimNetwork({
      time: this.scheduler,
      ...(options.network === undefined ? {} : { faults: options.network }),
    })
    const members: Omit<Server, 'addedAt'>[] = Array.from({ length: options.nodes }, (_, i) => ({
      id: `n${i + 1}`,
      address: `10.0.0.${i + 1}:7000`,
      suffrage: 'voter',
    }))
    const config = resolveConfig({ slabBytes: 64 * 1024, maxIdleSlabs: 1, ...options.config })
    const observer = this.#observer()
    const everyMs = options.proposeEveryMs ?? 5
    this.nodes = members.map(
      ({ id, address }) =>
        new SimNode({
          scheduler: this.scheduler,
          network: this.network,
          id,
          address,
          members,
          config,
          flushMs: () => this.#flushMs(),
          createMachine: (node) =>
            listMachine((index, term, command) => {
              this.#guard(() => this.checks.applied(node, index, term, command))
            }),
          createProgram: (_init, context) => {
            const quiet = (): boolean => this.#quiet
            return new SimProgram({ node: id, observer, everyMs, maxBatch: 8, quiet }, context)
          },
          observeCore: (node, core) => this.#guard(() => this.checks.observe(node, core)),
          onFailure: (node, error) => {
            this.totals.failures++
            this.failures.push({ node, error })
          },
          ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
          ...(options.logger === undefined ? {} : { logger: options.logger }),
        }),
    )
  }

  /** The nodes that lead, as their programs were told last. */
  get leaders(): readonly NodeId[] {
    const newest = Math.max(0, ...this.#leaders.values())
    return [...this.#leaders].filter(([, term]) => term === newest).map(([node]) => node)
  }

  start(): void {
    for (const node of this.nodes) this.restart(node)
  }

  restart(node: SimNode): void {
    this.totals.restarts++
    node.start().catch((error: unknown) => {
      if (!node.running) return
      this.totals.failures++
      this.#violation ??= new SafetyViolation('start', `${node.id} did not start: ${String(error)}`)
    })
    this.scheduler.promisesDue()
  }

  crash(node: SimNode): void {
    this.totals.crashes++
    this.#leaders.delete(node.id)
    this.#statuses.delete(node.id)
    if (node.crash().lostWrites > 0) this.totals.crashesThatLostWrites++
    this.checks.forget(node.id)
  }

  /** Runs for so much virtual time, checking after every event. @throws SafetyViolation */
  async run(forMs: number, until?: () => boolean): Promise<void> {
    await this.scheduler.run({
      forMs,
      until: () => {
        this.#guard(() => this.checks.afterStep())
        return this.#violation !== null || until?.() === true
      },
    })
    if (this.#violation !== null) throw this.#violation
  }

  /** The programs propose nothing from now on. */
  quiesce(): void {
    this.#quiet = true
  }

  /** All replicas run, know one leader, and have the same log committed and applied. */
  get converged(): boolean {
    const statuses = this.nodes.map((node) => this.#statuses.get(node.id))
    const [first] = statuses
    if (first === undefined || first.leader === null) return false
    return this.nodes.every((node, i) => {
      const status = statuses[i]
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

  /** For messages about what did not converge. */
  picture(): readonly object[] {
    return this.nodes.map((node) => ({
      id: node.id,
      running: node.running,
      ...this.#statuses.get(node.id),
      configuration: undefined,
    }))
  }

  /** Mostly a fast device; now and then a slow flush. */
  #flushMs(): number {
    const fast = 0.2 + this.scheduler.random()
    return this.scheduler.random() < 0.01 ? fast * 50 : fast
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      if (!(error instanceof SafetyViolation)) throw error
      this.#violation ??= error
    }
  }

  #observer(): ProgramObserver {
    const { totals } = this
    return {
      proposed: () => {
        totals.proposed++
      },
      acknowledged: (node, command, index) => {
        totals.acknowledged++
        this.#guard(() => this.checks.acknowledge(node, command, index))
      },
      failed: (node, command, outcome) => {
        if (outcome === 'rejected') {
          totals.rejected++
          this.#guard(() => this.checks.refused(node, command))
        } else totals.unknown++
      },
      status: (node, status) => {
        this.#statuses.set(node, status)
        if (status.role === 'leader') this.#leaders.set(node, status.term)
        else this.#leaders.delete(node)
      },
    }
  }
}
