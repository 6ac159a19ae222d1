import type { NodeReply } from '../../actors/consensus/protocol.js'
import { assert } from '../core/assert.js'
import type { RaftCore } from '../core/raft-core.js'
import type { HardState, LogIndex, NodeId, Server, Term } from '../core/types.js'
import { inlineStateMachine } from '../fsm/define.js'
import type { StateMachine } from '../fsm/state-machine.js'
import { verifyBatch } from '../log/batch.js'
import { MemoryDisk } from '../log/memory-disk.js'
import { inspectSealed, readSealed } from '../log/sealed-value.js'
import { memoryStore } from '../log/stores.js'
import type { AssembledNode } from '../node/assembled.js'
import { assembleNode } from '../node/assembly.js'
import type { RaftConfig } from '../node/config.js'
import { placementOf } from '../node/placement.js'
import type { ActorHandle, ActorLogger, CreateActor } from '../runtime/actor.js'
import type { SimActor } from '../runtime/sim-actor.js'
import { SimActorSystem, type TraceEvent } from '../runtime/sim-host.js'
import type { SimScheduler } from '../runtime/sim-scheduler.js'
import { runSteps } from '../runtime/steps.js'
import type { WireError } from '../runtime/wire-error.js'
import { MemorySnapshots } from '../snapshot/memory-store.js'
import { memorySnapshotStore } from '../snapshot/stores.js'
import type { SimNetwork } from '../transport/sim-transport.js'
import type { DurableMachine } from './checks.js'
import type { LogEnd } from './vote-check.js'

/** What an actor says that the simulator made fail. */
export const SIMULATED_FAULT = 'a simulated fault'

export interface SimNodeOptions {
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly id: NodeId
  readonly address: string
  /** Members to begin with; null: it waits to be added. */
  readonly members: readonly Omit<Server, 'addedAt'>[] | null
  readonly config: RaftConfig
  /** How fast this machine's clock runs against the world's. */
  readonly clockRate: number
  /** How wrong its wall clock is, drawn at each start. */
  readonly wallClockErrorMs?: () => number
  /** How long a flush takes, drawn for each. */
  readonly flushMs: () => number
  readonly createMachine: (node: NodeId) => StateMachine
  readonly createProgram: CreateActor<null, NodeReply>
  readonly observeCore: (node: NodeId, core: RaftCore) => void
  readonly onFailure: (node: NodeId, error: WireError) => void
  readonly onEvent?: (event: TraceEvent) => void
  readonly logger?: ActorLogger
}

/**
 * One simulated machine: its disks outlive its processes. The actors are those of production; store,
 * snapshots and network are simulated.
 */
export class SimNode implements DurableMachine {
  readonly id: NodeId
  readonly address: string
  readonly disk = new MemoryDisk()
  readonly snapshots = new MemorySnapshots()
  /** A state machine that keeps its own state there, too (S14). */
  keptMachine: StateMachine | null = null
  /** What is wrong with the user's code here: so many calls of apply throw; how long each takes. */
  readonly machineFaults = { throws: 0, slowMs: 0 }
  readonly #options: SimNodeOptions
  #system: SimActorSystem | null = null
  #assembled: AssembledNode | null = null
  #starts = 0
  #wiped = false
  #torn: LogEnd | null = null
  #atFlush: (() => void) | null = null
  #failedBefore = 0

  constructor(options: SimNodeOptions) {
    this.#options = options
    this.id = options.id
    this.address = options.address
    this.disk.faults.writeBack = 'manual'
    this.disk.faults.onFlush = () => this.#flush()
  }

  get running(): boolean {
    return this.#system?.alive === true
  }

  /** A torn batch keeps it from leading, and may be what it acknowledged, until its log is past it (S15). */
  get torn(): boolean {
    return this.damagedEnd() !== null
  }

  /** A flush of the process that runs, or ran last, has failed (S15: which ends it). */
  get flushFailed(): boolean {
    return this.disk.failedFlushes > this.#failedBefore
  }

  /** The next flush fails, or with `times` infinite each from now on. */
  failFlushes(times: number): void {
    this.disk.faults.failFlush = new Error('a simulated disk error')
    this.disk.faults.failTimes = times
  }

  /** The disk takes writes again. */
  mendDisk(): void {
    this.disk.faults.failFlush = null
  }

  get system(): SimActorSystem | null {
    return this.#system
  }

  get assembled(): AssembledNode | null {
    return this.#assembled
  }

  /** Starts a process on this machine; resolves when its actors run, which takes virtual time. */
  async start(): Promise<void> {
    const { scheduler, network, id, config, members, onEvent, logger } = this.#options
    const { clockRate, wallClockErrorMs } = this.#options
    const system = new SimActorSystem(scheduler, {
      name: `${id}.${++this.#starts}`,
      clockRate,
      wallClockErrorMs: wallClockErrorMs?.() ?? 0,
      ...(onEvent === undefined ? {} : { onEvent }),
      ...(logger === undefined ? {} : { logger }),
    })
    this.#system = system
    this.#assembled = null
    this.#failedBefore = this.disk.failedFlushes
    const parts = {
      store: memoryStore({ disk: this.disk }),
      snapshots: memorySnapshotStore(this.snapshots),
      stateMachine: inlineStateMachine(() => this.#options.createMachine(id)),
      transport: network.transport(this.address),
    }
    const assembled = await assembleNode({
      ...parts,
      cluster: 'sim',
      id,
      dataDir: `/sim/${id}`,
      bootstrap: this.#wiped ? null : members,
      config,
      placement: placementOf('compact', parts),
      system,
      createNodeActor: this.#options.createProgram,
      observeCore: (core) => this.#options.observeCore(id, core),
      onFailure: (error) => {
        if (this.#system === system) this.#options.onFailure(id, error)
      },
    })
    if (this.#system === system && system.alive) this.#assembled = assembled
  }

  /** The machine loses power: of what was not flushed only a seeded prefix is on the disk. */
  crash(options: { readonly mayTear: boolean }): { readonly lostWrites: number } {
    const { scheduler, network } = this.#options
    this.#system?.crash()
    this.#assembled = null
    network.crash(this.address)
    const unsettled = this.disk.unsettled
    const keep = Math.floor(scheduler.random() * (unsettled + 1))
    const { torn } = this.disk.crash({ keep, tear: options.mayTear && scheduler.random() < 0.4 })
    const { lastIndex: index } = this.disk
    if (torn) this.#torn = { index, term: this.disk.durableBatch(index)?.term ?? 0 }
    return { lostWrites: unsettled - keep }
  }

  /** Calls back once, while the next flush is under way. */
  atNextFlush(callback: () => void): void {
    this.#atFlush = callback
  }

  /** The machine gets new disks; its next process waits to be added to the cluster. */
  wipe(): void {
    assert(!this.running, 'a machine is wiped while it is off', { id: this.id })
    this.disk.format()
    this.snapshots.held.clear()
    this.keptMachine = null
    this.#wiped = true
    this.#torn = null
  }

  /** As `wipe`, but nobody knows: its next process begins as it did the first time. */
  loseDisks(): void {
    const wiped = this.#wiped
    this.wipe()
    this.#wiped = wiped
  }

  /** One bit flips in a stored batch, in both copies of the hard state, or in a snapshot. */
  damage(draw: (below: number) => number): void {
    const batches = this.disk.durableBatches()
    const batch = batches[draw(batches.length)]
    const snapshot = [...this.snapshots.held.values()][0]
    const kind = draw(4)
    if (kind === 0 && this.disk.values.has('a/hard-state')) {
      this.disk.damageValue('a/hard-state')
      this.disk.damageValue('b/hard-state')
    } else if (kind === 1 && snapshot !== undefined && snapshot.bytes.length > 0) {
      const at = draw(snapshot.bytes.length)
      snapshot.bytes[at] = (snapshot.bytes[at] ?? 0) ^ 1
    } else if (batch !== undefined) {
      this.disk.damage(batch.firstIndex, draw(2) === 0 ? 'header' : 'body')
    }
  }

  /** One bit flips in the first copy of the hard state, while the other is whole (S15). */
  damageOneCopy(): boolean {
    const get = (key: string): Uint8Array | null => this.disk.values.get(key) ?? null
    const { copies, damaged } = inspectSealed(get, 'hard-state')
    if (copies < 2 || damaged > 0) return false
    this.disk.damageValue('a/hard-state')
    return true
  }

  /** The actors that run at this moment. */
  actors(): readonly ActorHandle[] {
    const handles = this.#assembled?.handles() ?? []
    return handles.filter((handle) => !(handle as SimActor).cell.gone)
  }

  /** One actor ends as by an exception of its own; its supervisor decides what follows. */
  fail(actor: ActorHandle): void {
    const { cell, host } = actor as SimActor
    const { scheduler } = this.#options
    const system = this.#system
    // What it says after a long call is on its way already: it cannot have ended before that call.
    const end = (): void => {
      if (this.#system !== system || cell.gone) return
      if (host.busyUntil > scheduler.now()) scheduler.at(host.busyUntil, end)
      else cell.fail(new Error(SIMULATED_FAULT))
    }
    end()
  }

  holds(index: LogIndex, term: Term): boolean {
    for (const { stored } of this.snapshots.held.values()) if (stored.index >= index) return true
    const batch = this.disk.durableBatch(index)
    if (batch === null || batch.term !== term) return false
    return isWhole(batch.bytes)
  }

  damagedEnd(): LogEnd | null {
    const { lastIndex } = this.disk
    if (this.#torn === null || lastIndex < this.#torn.index) return this.#torn
    const last = this.disk.durableBatch(lastIndex)
    if (last !== null && isWhole(last.bytes)) this.#torn = null
    return this.#torn
  }

  durableTerm(): Term {
    return this.#hardState()?.term ?? 0
  }

  hasVoted(term: Term, candidate: NodeId): boolean {
    const state = this.#hardState()
    if (state === null) return false
    return state.term > term || (state.term === term && state.votedFor === candidate)
  }

  #hardState(): HardState | null {
    const get = (key: string): Uint8Array | null => this.disk.values.get(key) ?? null
    const bytes = readable(() => runSteps(readSealed(get, 'hard-state')) as Uint8Array | null)
    return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as HardState)
  }

  /** The log actor's call takes this long, and only then is what it wrote durable. */
  #flush(): void {
    const { scheduler } = this.#options
    const ms = this.#options.flushMs()
    const waiting = this.#atFlush
    this.#atFlush = null
    if (waiting !== null) scheduler.after(ms * scheduler.random(), waiting)
    scheduler.occupy(ms)
    const system = this.#system
    scheduler.at(scheduler.now(), () => {
      if (this.#system === system && system?.alive === true) this.disk.settle()
    })
  }
}

function isWhole(bytes: Uint8Array): boolean {
  try {
    verifyBatch(bytes)
    return true
  } catch {
    return false
  }
}

/** What is damaged counts for nothing. */
function readable<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
