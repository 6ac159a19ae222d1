import { createActor as createConsensus } from '../../actors/consensus/consensus-actor.js'
import type { ConsensusInit } from '../../actors/consensus/consensus-init.js'
import { allocateControlBlock } from '../../actors/consensus/control-block.js'
import { allocateLeaderBoard } from '../../actors/consensus/leader-board.js'
import type { ConsensusMessage, NodeReply } from '../../actors/consensus/protocol.js'
import { createActor as createFsm } from '../../actors/fsm/fsm-actor.js'
import type { FsmInit, FsmMessage } from '../../actors/fsm/protocol.js'
import { createActor as createInbound } from '../../actors/inbound/inbound-actor.js'
import type { InboundInit, InboundMessage } from '../../actors/inbound/protocol.js'
import { createActor as createLog } from '../../actors/log/log-actor.js'
import type { LogInit, LogMessage, LogStats, RecoveredLog } from '../../actors/log/protocol.js'
import type { SnapshotInit, SnapshotMessage, SnapshotMeta } from '../../actors/snapshot/protocol.js'
import { createActor as createSnapshot } from '../../actors/snapshot/snapshot-actor.js'
import type { ActorHandle, ActorSpec, ActorStats, CreateActor, Message } from '../runtime/actor.js'
import { SharedWords } from '../runtime/shared-words.js'
import type { WireError } from '../runtime/wire-error.js'
import type { AssembledNode, AssemblyOptions } from './assembled.js'
import { RaftError } from './errors.js'
import { fatalError } from './fatal-error.js'
import { Keeper, type Kept } from './keeper.js'
import type { Placement } from './placement.js'
import { ReplicatorManager } from './replicator-manager.js'
import { watching } from './watched-actor.js'

/**
 * What comes to the log actor is bounded by those who send it: the windows of the leader, the bytes not
 * yet committed, the operations not yet flushed. Nothing of it may be refused (S5, S18).
 */
const LOG_MAILBOX = { maxMessages: 2 ** 20, maxBytes: 2 ** 29 }

/**
 * Puts the actors of one node together: spawns them in the order in which they need each other, links
 * them, and keeps them alive. The same on threads, inline and in the simulator.
 *
 * | dies       | what follows                                                                     |
 * | ---------- | -------------------------------------------------------------------------------- |
 * | log        | the node fails: what it promised can no longer be kept (S5)                       |
 * | consensus  | the node fails                                                                    |
 * | fsm        | restarted from snapshot and log; the second time at one index the node fails (S14)|
 * | snapshot, inbound, replicator | restarted with backoff; past maxRestarts the node fails        |
 */
export async function assembleNode(options: AssemblyOptions): Promise<AssembledNode> {
  const assembly = new Assembly(options)
  try {
    await assembly.start()
    return assembly
  } catch (error) {
    await assembly.close(null)
    throw error
  }
}

class Assembly implements AssembledNode {
  readonly #options: AssemblyOptions
  readonly #handles = new Map<string, ActorHandle>()
  readonly #controlBlock = allocateControlBlock()
  readonly #leaderBoard = allocateLeaderBoard()
  readonly #logAlive = SharedWords.allocate(1)
  #replicators: ReplicatorManager | null = null
  #log: ActorHandle<LogMessage> | null = null
  #consensus: ActorHandle<ConsensusMessage> | null = null
  #node: ActorHandle<NodeReply> | null = null
  #recovered: RecoveredLog | null = null
  #fsm: Kept<FsmMessage> | null = null
  #snapshot: Kept<SnapshotMessage> | null = null
  #inbound: Kept<InboundMessage> | null = null
  #address = ''
  #closing = false
  #failed = false
  #lastFsmFailure: number | null = null

  constructor(options: AssemblyOptions) {
    this.#options = options
  }

  get consensus(): ActorHandle<ConsensusMessage> {
    return present(this.#consensus, 'consensus')
  }

  get node(): ActorHandle<NodeReply> {
    return present(this.#node, 'node')
  }

  get recovered(): RecoveredLog {
    return present(this.#recovered, 'log')
  }

  get address(): string {
    return this.#address
  }

  async start(): Promise<void> {
    const recovered = await this.#startLog()
    this.#recovered = recovered
    const snapshot = await this.#startSnapshots(recovered)
    await this.#startFsm()
    await this.#startConsensus(recovered, snapshot)
    await this.#startNodeActor(recovered)
    await this.#startInbound(recovered)
  }

  async #startLog(): Promise<RecoveredLog> {
    const { cluster, id, dataDir, store, config, bootstrap } = this.#options
    const init: LogInit = {
      nodeId: id,
      cluster,
      dataDir,
      store,
      maxReadBytes: config.maxReadBytes,
      aliveWord: this.#logAlive,
    }
    const log = await this.#spawn<LogInit, LogMessage>('log', createLog, init, 'log')
    this.#log = log
    log.onExit((exit) => this.#onFatalExit('log', 'RAFT_STORE_FAILED', exit))
    const recovered = await log.ref.ask<RecoveredLog>({ kind: 'recovered' })
    if (!recovered.fresh || bootstrap === null) return recovered
    const servers = bootstrap.map((server) => ({ ...server, addedAt: 1 }))
    const configuration = { index: 1, configuration: { servers } }
    // the first entry is the same on every node, byte for byte: term 1, time 0.
    await log.ref.ask({ kind: 'bootstrap', configuration, term: 1, time: 0 })
    const bootstrapped = await log.ref.ask<RecoveredLog>({ kind: 'recovered' })
    return { ...bootstrapped, fresh: true }
  }

  async #startSnapshots(recovered: RecoveredLog): Promise<SnapshotMeta | null> {
    const { id, dataDir, snapshots, config } = this.#options
    const init: SnapshotInit = {
      nodeId: id,
      dataDir,
      store: snapshots,
      retain: config.retainSnapshots,
    }
    const keeper = this.#keeper<SnapshotMessage>(
      'snapshot',
      () => this.#spawn('snapshot', createSnapshot, init, 'snapshot'),
      (handle) => this.#link('snapshot', handle, ['consensus', 'fsm']),
    )
    this.#snapshot = keeper
    const handle = await keeper.start()
    const newest = await handle.ref.ask<SnapshotMeta | null>({ kind: 'newest' })
    const logBegins = recovered.log.firstIndex
    if ((newest?.index ?? 0) < logBegins - 1) {
      // S13: entries between them are gone; to guess would be to lose them silently.
      throw new RaftError(
        'RAFT_CORRUPT',
        `the log begins at index ${logBegins} and the newest readable snapshot ends at ` +
          `${newest?.index ?? 0}: entries between them are missing. Restore the snapshot file, or ` +
          'remove this node and add it again',
        { details: { logBegins, snapshotIndex: newest?.index ?? 0 } },
      )
    }
    return newest
  }

  async #startFsm(): Promise<void> {
    const { id, dataDir, stateMachine, config } = this.#options
    const init: FsmInit = {
      nodeId: id,
      dataDir,
      stateMachine,
      maxApplyEntries: config.maxApplyEntries,
    }
    const keeper = this.#keeper<FsmMessage>(
      'fsm',
      () => this.#spawn('fsm', createFsm, init, 'fsm', stateMachine),
      // The snapshot link first: `fsmReady` may bring a `restore` at once.
      (handle) => this.#link('fsm', handle, ['snapshot', 'consensus']),
      (error) => this.#mayRestartFsm(error),
    )
    this.#fsm = keeper
    await keeper.start()
  }

  async #startConsensus(recovered: RecoveredLog, snapshot: SnapshotMeta | null): Promise<void> {
    const lastApplied = await present(this.#fsm, 'fsm').handle.ref.ask<{
      readonly lastApplied: number | null
    }>({ kind: 'lastApplied' })
    const init = this.#consensusInit(recovered, snapshot, lastApplied.lastApplied !== null)
    const consensus = await this.#spawn<ConsensusInit, ConsensusMessage>(
      'consensus',
      createConsensus,
      init,
      'consensus',
    )
    this.#consensus = consensus
    consensus.onExit((exit) => this.#onFatalExit('consensus', 'RAFT_CLOSED', exit))
    this.#link('log', present(this.#log, 'log'), ['consensus'])
    this.#link('snapshot', present(this.#snapshot, 'snapshot').handle, ['consensus'])
    this.#link('fsm', present(this.#fsm, 'fsm').handle, ['consensus'])
  }

  #consensusInit(
    recovered: RecoveredLog,
    snapshot: SnapshotMeta | null,
    flushedOnly: boolean,
  ): ConsensusInit {
    const { config, id } = this.#options
    return {
      nodeId: id,
      incarnation: recovered.identity.incarnation,
      core: {
        heartbeatTimeoutMs: config.heartbeatTimeoutMs,
        electionTimeoutMs: config.electionTimeoutMs,
        leaderLeaseTimeoutMs: config.leaderLeaseTimeoutMs,
        leaderStallTimeoutMs: config.leaderStallTimeoutMs,
        maxClockDrift: config.maxClockDrift,
        preVote: config.preVote,
        trailingLogs: config.trailingLogEntries,
        maxUncommittedBytes: config.maxPendingBytes,
      },
      snapshots: {
        snapshotIntervalMs: config.snapshotIntervalMs,
        snapshotThreshold: config.snapshotThresholdEntries,
        snapshotChunkBytes: config.snapshotChunkBytes,
      },
      tailMaxBytes: config.tailMaxBytes,
      maxApplyBytes: config.maxInflightBytes,
      maxApplyLagBytes: config.maxApplyLagBytes,
      maxReadBytes: config.maxReadBytes,
      tickMs: Math.max(2, config.heartbeatTimeoutMs / 20),
      hardState: recovered.hardState,
      log: recovered.log,
      lastTime: recovered.lastTime,
      snapshot,
      incarnations: recovered.incarnations,
      mayVote: !recovered.fresh,
      flushedOnly,
      ...(this.#options.observeCore && { observeCore: this.#options.observeCore }),
      controlBlock: this.#controlBlock,
      leaderBoard: this.#leaderBoard,
    }
  }

  async #startInbound(recovered: RecoveredLog): Promise<void> {
    const { cluster, id, transport, config } = this.#options
    const init: InboundInit = {
      nodeId: id,
      cluster,
      incarnation: recovered.identity.incarnation,
      transport,
      controlBlock: this.#controlBlock,
      logAliveWord: this.#logAlive,
      arena: { slabBytes: config.slabBytes, maxIdleSlabs: config.maxIdleSlabs },
      maxUnansweredBytes: config.maxUnansweredBytes,
    }
    const keeper = this.#keeper<InboundMessage>(
      'inbound',
      () => this.#spawn('inbound', createInbound, init, 'inbound'),
      (handle) => this.#link('inbound', handle, ['consensus']),
    )
    this.#inbound = keeper
    const handle = await keeper.start()
    const bound = await handle.ref.ask<{ readonly address: string }>({ kind: 'address' })
    this.#address = bound.address
  }

  async #startNodeActor(recovered: RecoveredLog): Promise<void> {
    const { system, config, transport, cluster, id, placement } = this.#options
    const manager = new ReplicatorManager({
      system,
      config,
      placement: placement.replicators,
      init: {
        nodeId: id,
        cluster,
        incarnation: recovered.identity.incarnation,
        transport,
        leaderBoard: this.#leaderBoard,
      },
      consensus: this.consensus,
      onFailure: (error) => this.#fail(error),
    })
    this.#replicators = manager
    const create: CreateActor<null, NodeReply> = async (init, context) => {
      const inner = await this.#options.createNodeActor(init, context)
      return watching(inner, (message) => {
        if (message.kind === 'members') manager.members(message.configuration.configuration)
        if (message.kind === 'fatal') this.#fail(message.error)
      })
    }
    const node = await system.spawn<null, NodeReply>({
      name: 'node',
      module: new URL('./node-actor.js', import.meta.url),
      create,
      init: null,
      placement: 'inline',
      mailbox: { maxMessages: 2 ** 24, maxBytes: 2 ** 29 },
    })
    this.#node = node
    system.link(node, 'consensus', this.consensus)
    // From here on the core acts.
    system.link(this.consensus, 'node', node)
  }

  // -- life and death

  #spawn<Init, M extends Message>(
    name: string,
    create: CreateActor<Init, M>,
    init: Init,
    actor: keyof Placement,
    extras: Pick<ActorSpec, 'execArgv' | 'resourceLimits'> = {},
  ): Promise<ActorHandle<M>> {
    const { config, placement, system } = this.#options
    const ordinary = { maxMessages: config.mailboxMaxMessages, maxBytes: config.mailboxMaxBytes }
    return system.spawn<Init, M>({
      name,
      module: new URL(`../../actors/${name}/${name}-actor.js`, import.meta.url),
      create,
      init,
      placement: placement[actor],
      mailbox: actor === 'log' ? LOG_MAILBOX : ordinary,
      ...(extras.execArgv !== undefined && extras.execArgv.length > 0
        ? { execArgv: extras.execArgv }
        : {}),
      ...(extras.resourceLimits !== undefined ? { resourceLimits: extras.resourceLimits } : {}),
    })
  }

  #keeper<M extends Message>(
    name: string,
    spawn: () => Promise<ActorHandle<M>>,
    link: (handle: ActorHandle<M>) => void,
    mayRestart?: (error: Error) => boolean,
  ): Kept<M> {
    return new Keeper<M>({
      name,
      clock: this.#options.system,
      random: () => this.#options.system.random(),
      config: this.#options.config,
      spawn,
      started: link,
      ...(mayRestart === undefined ? {} : { mayRestart }),
      gaveUp: (error: WireError) => this.#fail(error),
    })
  }

  /** Links an actor and those of `others` that run with each other, both ways. */
  #link(name: string, handle: ActorHandle, others: readonly string[]): void {
    this.#handles.set(name, handle)
    if (this.#consensus !== null) this.#handles.set('consensus', this.#consensus as ActorHandle)
    const { system } = this.#options
    for (const other of others) {
      const to = this.#handles.get(other)
      if (to === undefined) continue
      // Whoever is told of the other must be reachable for its answer first.
      system.link(to, name, handle)
      system.link(handle, other, to)
    }
  }

  /** S14: once from the durable state; a second failure at the same index would only repeat itself. */
  #mayRestartFsm(error: Error): boolean {
    const index = indexOf(error)
    const again = index !== null && index === this.#lastFsmFailure
    this.#lastFsmFailure = index
    return !again
  }

  #onFatalExit(
    actor: string,
    code: 'RAFT_STORE_FAILED' | 'RAFT_CLOSED',
    exit: { readonly kind: string; readonly error?: Error },
  ): void {
    if (this.#closing) return
    const cause = exit.error ?? new Error(`the ${actor} actor stopped`)
    this.#fail(fatalError(cause, code, `the ${actor} actor failed: ${cause.message}`))
  }

  #fail(error: WireError): void {
    if (this.#failed || this.#closing) return
    this.#failed = true
    this.#consensus?.ref.control({ kind: 'shutdown', error })
    this.#options.onFailure(error)
  }

  handles(): readonly ActorHandle[] {
    return [...this.#handles.values(), ...(this.#replicators?.handles() ?? [])]
  }

  actors(): readonly ActorStats[] {
    return this.handles().map((handle) => handle.stats())
  }

  logStats(): Promise<LogStats> {
    return present(this.#log, 'log').ref.ask<LogStats>({ kind: 'stats' })
  }

  async close(error: WireError | null): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#consensus?.ref.control({ kind: 'shutdown', error })
    const { stopTimeoutMs } = this.#options.config
    for (const keeper of [this.#fsm, this.#snapshot, this.#inbound]) keeper?.release()
    await this.#replicators?.stop(stopTimeoutMs)
    for (const name of ['inbound', 'fsm', 'snapshot', 'consensus', 'log']) {
      const handle = name === 'log' ? this.#log : this.#handles.get(name)
      await handle?.stop(stopTimeoutMs)
    }
    await this.#node?.stop(stopTimeoutMs)
    await this.#options.system.close(stopTimeoutMs)
  }

  async kill(): Promise<void> {
    this.#closing = true
    for (const keeper of [this.#fsm, this.#snapshot, this.#inbound]) keeper?.release()
    const rest = [...(this.#replicators?.handles() ?? []), ...this.#handles.values()]
    await Promise.all([...rest, this.#node, this.#log].map((handle) => handle?.kill()))
  }
}

function present<T>(value: T | null, what: string): T {
  if (value === null) throw new RaftError('RAFT_CLOSED', `the ${what} actor has not been started`)
  return value
}

function indexOf(error: Error): number | null {
  const details = (error as { details?: { index?: unknown } }).details
  return typeof details?.index === 'number' ? details.index : null
}
