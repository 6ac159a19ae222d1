import { createActor as createConsensus } from '../../actors/consensus/consensus-actor.js'
import { allocateControlBlock } from '../../actors/consensus/control-block.js'
import { allocateLeaderBoard } from '../../actors/consensus/leader-board.js'
import type { ConsensusMessage, NodeReply } from '../../actors/consensus/protocol.js'
import { createActor as createFsm } from '../../actors/fsm/fsm-actor.js'
import type { FsmMessage, LastApplied } from '../../actors/fsm/protocol.js'
import { createActor as createInbound } from '../../actors/inbound/inbound-actor.js'
import type { InboundMessage } from '../../actors/inbound/protocol.js'
import { createActor as createLog } from '../../actors/log/log-actor.js'
import type { LogMessage, LogStats, RecoveredLog } from '../../actors/log/protocol.js'
import type { SnapshotMessage, SnapshotMeta } from '../../actors/snapshot/protocol.js'
import { createActor as createSnapshot } from '../../actors/snapshot/snapshot-actor.js'
import type { LogSummary } from '../core/types.js'
import type { ActorExit, ActorHandle, ActorRef, CreateActor, Timer } from '../runtime/actor.js'
import { SharedWords } from '../runtime/shared-words.js'
import type { Supervisor } from '../runtime/supervisor.js'
import type { WireError } from '../runtime/wire-error.js'
import type { TransportSpec } from '../transport/transport.js'
import {
  consensusInit,
  fsmInit,
  inboundInit,
  logInit,
  type SharedBlocks,
  snapshotInit,
} from './actor-inits.js'
import type { AssembledNode, AssemblyOptions } from './assembled.js'
import { RaftError } from './errors.js'
import { fatalError } from './fatal-error.js'
import { allocateFigures, FigureReader } from './figure-reader.js'
import { ReplicatorManager } from './replicator-manager.js'
import type { TroupeFigures } from './stats.js'
import { Troupe } from './troupe.js'
import { watching } from './watched-actor.js'

/** From the end of an actor's work to the news that its thread has ended; longer on a busy machine. */
const LOG_EXIT_MS = 500

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
  readonly #troupe: Troupe
  readonly #blocks: SharedBlocks = {
    controlBlock: allocateControlBlock(),
    leaderBoard: allocateLeaderBoard(),
    logAlive: SharedWords.allocate(1),
    figures: allocateFigures(),
  }
  readonly #figures = new FigureReader(this.#blocks.figures)
  #replicators: ReplicatorManager | null = null
  #log: ActorHandle<LogMessage> | null = null
  #fsm: ActorHandle<FsmMessage> | null = null
  #snapshots: Supervisor<SnapshotMessage> | null = null
  #consensus: ActorHandle<ConsensusMessage> | null = null
  #node: ActorHandle<NodeReply> | null = null
  #recovered: RecoveredLog | null = null
  #address = ''
  #transport: TransportSpec
  #closing = false
  #failed = false
  #lastFsmFailure: IndexRange | null = null
  #verdict: Timer | null = null

  constructor(options: AssemblyOptions) {
    this.#options = options
    this.#transport = options.transport
    this.#troupe = new Troupe(options, (error) => this.#fail(error))
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
    const { bootstrap } = this.#options
    const log = await this.#troupe.spawn('log', createLog, logInit(this.#options, this.#blocks))
    this.#log = log
    this.#troupe.link('log', log as ActorHandle, [])
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
    const init = snapshotInit(this.#options)
    const spawn = (): Promise<ActorHandle<SnapshotMessage>> =>
      this.#troupe.spawn('snapshot', createSnapshot, init)
    const supervisor = this.#troupe.supervise('snapshot', spawn, ['consensus', 'fsm'])
    this.#snapshots = supervisor
    const handle = await supervisor.start()
    const { firstIndex, prevTerm } = recovered.log
    const { undone } = recovered.hardState
    const ask = { kind: 'newest', ...(undone !== undefined && { undone }) } as const
    const newest = await handle.ref.ask<SnapshotMeta | null>(ask)
    // A log that begins with what came to nothing does not count; the core empties it.
    const begunAnew = undone?.index === firstIndex - 1 && undone.term === prevTerm
    if (!begunAnew) checkNoGap(firstIndex, newest?.index ?? 0)
    return newest
  }

  async #startFsm(): Promise<void> {
    const init = fsmInit(this.#options, this.#blocks)
    // S14: a state machine that hangs is never terminated.
    const extras = { ...this.#options.stateMachine, leaveHung: true }
    // The snapshot link first: `fsmReady` may bring a `restore` at once.
    const others = ['snapshot', 'consensus']
    const supervisor = this.#troupe.supervise<FsmMessage>(
      'fsm',
      () => this.#troupe.spawn('fsm', createFsm, init, extras),
      others,
      (error) => this.#mayRestartFsm(error),
    )
    this.#fsm = await supervisor.start()
  }

  async #startConsensus(recovered: RecoveredLog, snapshot: SnapshotMeta | null): Promise<void> {
    const fsm = present(this.#fsm, 'fsm')
    const { lastApplied } = await fsm.ref.ask<LastApplied>({ kind: 'lastApplied' })
    checkNotAhead(lastApplied ?? 0, recovered.log, snapshot?.index ?? 0)
    const found = { recovered, snapshot, flushedOnly: lastApplied !== null }
    const init = consensusInit(this.#options, found, this.#blocks)
    const consensus = await this.#troupe.spawn('consensus', createConsensus, init)
    this.#consensus = consensus
    consensus.onExit((exit) => this.#onConsensusExit(exit))
    this.#troupe.link('consensus', consensus as ActorHandle, [])
    for (const name of ['log', 'snapshot', 'fsm']) this.#troupe.introduce(name, 'consensus')
  }

  async #startInbound(recovered: RecoveredLog): Promise<void> {
    const init = inboundInit(this.#options, recovered, this.#blocks)
    // Port 0 is any port once; a successor must be found where the first one was.
    const spawn = (): Promise<ActorHandle<InboundMessage>> => {
      const again = this.#address === '' ? {} : { boundBefore: this.#address }
      const now = { transport: this.#transport, ...again }
      return this.#troupe.spawn('inbound', createInbound, { ...init, ...now })
    }
    const handle = await this.#troupe.supervise('inbound', spawn, ['consensus']).start()
    const bound = await handle.ref.ask<{ readonly address: string }>({ kind: 'address' })
    this.#address = bound.address
  }

  async #startNodeActor(recovered: RecoveredLog): Promise<void> {
    const { system, config, cluster, id, placement } = this.#options
    const { incarnation } = recovered.identity
    const { leaderBoard } = this.#blocks
    const manager = new ReplicatorManager({
      system,
      config,
      placement: placement.replicators,
      init: { nodeId: id, cluster, incarnation, transport: this.#transport, leaderBoard },
      consensus: this.consensus,
      onFailure: (error) => this.#fail(error),
      onRestart: this.#options.onRestart,
    })
    this.#replicators = manager
    const create: CreateActor<null, NodeReply> = async (init, context) => {
      const inner = await this.#options.createNodeActor(init, context)
      return watching(inner, (message) => {
        if (message.kind === 'members') manager.members(message.peers, message.standing)
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

  /** S14: once from the durable state; a second failure at the same index would only repeat itself. */
  #mayRestartFsm(error: Error): boolean {
    const failed = indexesOf(error)
    // A failure without an index in between, e.g. a kill, does not make the next one the first.
    if (failed === null) return true
    const before = this.#lastFsmFailure
    this.#lastFsmFailure = failed
    // A run of entries that failed as one may be cut elsewhere when it is applied again.
    return before === null || failed.to < before.from || failed.from > before.to
  }

  /**
   * Consensus cannot go on when the log actor takes nothing more, and may notice it before the end of
   * that actor's thread is heard of; then the node failed with the log, and its error says why.
   */
  #onConsensusExit(exit: ActorExit): void {
    if (this.#closing) return
    const failed = () => this.#onFatalExit('consensus', 'RAFT_CLOSED', exit)
    if (this.#options.placement.log === 'inline') return failed()
    this.#verdict = this.#options.system.after(LOG_EXIT_MS, failed)
  }

  #onFatalExit(actor: string, code: 'RAFT_STORE_FAILED' | 'RAFT_CLOSED', exit: ActorExit): void {
    if (this.#closing) return
    const cause = exit.kind === 'failed' ? exit.error : new Error(`the ${actor} actor stopped`)
    this.#fail(fatalError(cause, code, `the ${actor} actor failed: ${cause.message}`))
  }

  #fail(error: WireError): void {
    if (this.#failed || this.#closing) return
    this.#failed = true
    this.#consensus?.ref.control({ kind: 'shutdown', error })
    this.#options.onFailure(error)
  }

  handles(): readonly ActorHandle[] {
    return [...this.#troupe.handles(), ...(this.#replicators?.handles() ?? [])]
  }

  figures(): TroupeFigures {
    return {
      ...this.#figures.read(),
      replicators: this.#replicators?.figures() ?? new Map(),
      actors: this.handles().map((handle) => handle.stats()),
    }
  }

  logStats(): Promise<LogStats> {
    return present(this.#log, 'log').ref.ask<LogStats>({ kind: 'stats' })
  }

  snapshots(): ActorRef<SnapshotMessage> {
    return present(this.#snapshots?.last ?? null, 'snapshot').ref
  }

  reload(): void {
    this.#replicators?.reload()
  }

  refresh(options: unknown): void {
    this.#transport = { ...this.#transport, options }
    this.#troupe.handle('inbound')?.ref.control({ kind: 'transport', options } as InboundMessage)
    this.#replicators?.refresh(this.#transport)
  }

  async close(error: WireError | null): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#verdict?.cancel()
    this.#consensus?.ref.control({ kind: 'shutdown', error })
    const { stopTimeoutMs } = this.#options.config
    this.#troupe.release()
    await this.#replicators?.stop(stopTimeoutMs)
    for (const name of ['inbound', 'fsm', 'snapshot', 'consensus', 'log']) {
      await this.#troupe.handle(name)?.stop(stopTimeoutMs)
    }
    await this.#node?.stop(stopTimeoutMs)
    await this.#options.system.close(stopTimeoutMs)
  }

  async kill(): Promise<void> {
    this.#closing = true
    this.#verdict?.cancel()
    this.#troupe.release()
    const fsm = this.#troupe.handle('fsm')
    const others = this.handles().filter((handle) => handle !== fsm)
    const killed = [...others, this.#node].map((handle) => handle?.kill())
    // S14: a thread of user code is not terminated, whatever it does.
    await Promise.all([fsm?.stop(0), ...killed])
  }
}

/** S13: entries between snapshot and log are gone; to guess would be to lose them silently. */
function checkNoGap(logBegins: number, snapshotIndex: number): void {
  if (snapshotIndex >= logBegins - 1) return
  throw new RaftError(
    'RAFT_CORRUPT',
    `the log begins at index ${logBegins} and the newest readable snapshot ends at ` +
      `${snapshotIndex}: entries between them are missing. Restore the snapshot file, or ` +
      'remove this node and add it again',
    { details: { logBegins, snapshotIndex } },
  )
}

/** S14: it holds entries that this node never stored; those that come at their indexes would be skipped. */
function checkNotAhead(lastApplied: number, log: LogSummary, snapshotIndex: number): void {
  const stored = Math.max(log.lastIndex, log.voteFloor?.index ?? 0, snapshotIndex)
  if (lastApplied <= stored) return
  throw new RaftError(
    'RAFT_CORRUPT',
    `the state machine holds entries up to index ${lastApplied}, log and snapshots end at ${stored}: ` +
      'its state belongs to another data directory. Remove it, and it is made anew from the log',
    { details: { lastApplied, stored } },
  )
}

function present<T>(value: T | null, what: string): T {
  if (value === null) throw new RaftError('RAFT_CLOSED', `the ${what} actor has not been started`)
  return value
}

interface IndexRange {
  readonly from: number
  readonly to: number
}

/** The entries that the state machine failed at. */
function indexesOf(error: Error): IndexRange | null {
  const { details } = error as { details?: { index?: unknown; toIndex?: unknown } }
  if (typeof details?.index !== 'number') return null
  const { index: from, toIndex } = details
  return { from, to: typeof toIndex === 'number' ? toIndex : from }
}
