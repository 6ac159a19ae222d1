import type { PeerReport } from '../../actors/consensus/protocol.js'
import type { LogStats } from '../../actors/log/protocol.js'
import type { StateMachineSpec, StateMachineTypes } from '../fsm/spec.js'
import { createActorSystem } from '../runtime/actor-system.js'
import { consensusSettings } from './actor-inits.js'
import type { AdminOptions, AdminRequest, ServerChange } from './administration.js'
import { Applier } from './applier.js'
import type { AssembledNode } from './assembled.js'
import { Bootstrapper } from './bootstrapper.js'
import type { RaftConfig } from './config.js'
import type { EventsOptions, RaftEventKind, RaftEventListener, RaftEventOrGap } from './events.js'
import type { LeaderTask, WhileLeaderOptions } from './leader-tasks.js'
import type { Life } from './life.js'
import type { AddVoterOptions, Changed, ChangeOptions } from './member-changes.js'
import { type ServerArguments, serverArguments } from './member-options.js'
import type { NodeSide } from './node-side.js'
import { type RaftNodeOptions, resolveOptions, type ServerOptions } from './options.js'
import { queryProxy } from './query-proxy.js'
import { recover } from './recovery.js'
import type { RecoverOptions, RecoveryReport } from './recovery-types.js'
import { reloadedConfig } from './reload-config.js'
import type { Restored, RestoreMeta, RestoreSource } from './restore-types.js'
import { Session } from './session.js'
import type { SessionOptions } from './sessions.js'
import { type NodeSnapshot, Snapshots } from './snapshots.js'
import { codecOf, type StartedNode, startError, startNode } from './start-node.js'
import { NodeStatistics } from './stats.js'
import type {
  Applied,
  AppliedBatch,
  ApplyOptions,
  CallOptions,
  ClosedInfo,
  CloseOptions,
  ConfigurationInfo,
  LeaderInfo,
  NodeState,
  NodeStats,
  QueryAnswer,
  QueryOptions,
  QueryProxy,
  WaitCondition,
} from './types.js'

/**
 * One node of a cluster: a replicated log and the state machine it feeds. Made by `RaftNode.start`, ended
 * by `close`. Every asynchronous method takes `{ timeoutMs, signal }` and rejects with a RaftError whose
 * `outcome` says what became of a proposal.
 */
export class RaftNode<Types extends StateMachineTypes = StateMachineTypes> {
  readonly #started: StartedNode
  readonly #side: NodeSide
  readonly #assembled: AssembledNode
  readonly #applier: Applier
  readonly #bootstrapper: Bootstrapper
  readonly #life: Life
  readonly #snapshots: Snapshots
  readonly #statistics: NodeStatistics
  /** What the program has given of the configuration so far. */
  #given: Partial<RaftConfig>

  private constructor(started: StartedNode) {
    const { side, assembled, options, codec } = started
    this.#started = started
    this.#side = side
    this.#assembled = assembled
    this.#applier = new Applier(side, options.config, codec)
    this.#bootstrapper = new Bootstrapper(side, options.id, assembled.recovered.bootstrap)
    this.#life = started.life
    const over = (): boolean => started.life.over
    this.#snapshots = new Snapshots(() => assembled.snapshots(), over)
    this.#statistics = new NodeStatistics(side)
    this.#given = options.given
  }

  /**
   * Starts the actors of one node and resolves once it takes part in its cluster; a leader may not be
   * elected yet (`waitFor({ leader: true })`).
   * @throws RaftError RAFT_CONFIG_INVALID, RAFT_DATA_DIR_LOCKED, RAFT_DATA_DIR_FOREIGN,
   * RAFT_MODULE_LOAD, RAFT_CORRUPT, RAFT_INSECURE_LISTEN; or the system's error, e.g. EADDRINUSE.
   */
  static async start<Types extends StateMachineTypes>(
    options: RaftNodeOptions<Types>,
  ): Promise<RaftNode<Types>> {
    const resolved = resolveOptions(options)
    const codec = await codecOf(options.stateMachine)
    const { logger, actorUrl } = resolved
    const system = createActorSystem({ logger, moduleUrl: actorUrl })
    return new RaftNode<Types>(await startNode({ options: resolved, codec, system }))
  }

  get id(): string {
    return this.#side.view.id
  }

  /** `host:port` at which this node's Raft transport listens. */
  get address(): string {
    return this.#assembled.address
  }

  /** The last entry that this node's state machine has applied. */
  get appliedIndex(): number {
    return this.#side.view.status.lastApplied
  }

  get state(): NodeState {
    return this.#life.over ? 'closed' : this.#side.view.status.role
  }

  /** Who leads, as far as this node knows. */
  get leader(): LeaderInfo | null {
    return this.#side.view.leader
  }

  /** Settles when the node has ended, for whatever reason; never rejects. */
  get closed(): Promise<ClosedInfo> {
    return this.#life.closed
  }

  /**
   * Proposes a command; resolves once it is committed and this node's state machine has applied it.
   * Its bytes are copied before this returns.
   */
  apply(command: Types['command'], options?: ApplyOptions): Promise<Applied<Types['result']>> {
    return options === undefined
      ? this.#applier.apply(command)
      : this.#applier.applyWith(command, options)
  }

  /** Proposes commands that get consecutive indexes. Not a transaction: each has a result of its own. */
  applyBatch(
    commands: readonly Types['command'][],
    options: ApplyOptions = {},
  ): Promise<AppliedBatch<Types['result']>> {
    return this.#applier.applyBatch(commands, options)
  }

  /**
   * Opens a client session, on any node: each command of it is applied once, whatever is lost on the way.
   * @throws RaftError RAFT_TIMEOUT, RAFT_CLOSED, RAFT_CONFIG_INVALID
   */
  async session(options?: SessionOptions): Promise<Session<Types>> {
    const { side, codec } = this.#started
    return new Session<Types>(await side.sessions.open(options), codec)
  }

  /** Leader only. Resolves with an index once everything before it is applied here. */
  barrier(options?: CallOptions): Promise<number> {
    return this.#side.requests.barrier(options)
  }

  /** Resolves with a read index if this node leads and a quorum confirms it after the call. */
  verifyLeader(options?: CallOptions): Promise<number> {
    return this.#side.reader.readIndex(options, true)
  }

  /** Any node: an index at or above every write that was applied anywhere before the call. */
  readIndex(options?: CallOptions): Promise<number> {
    return this.#side.reader.readIndex(options, false)
  }

  /** Asks this node's state machine; what the answer may miss is `consistency`'s affair. */
  query(request: Types['request'], options?: QueryOptions): Promise<QueryAnswer<Types['answer']>> {
    return this.#side.reader.query({ request }, options)
  }

  /** The state machine's `queries` object, with every method asynchronous and gated like `query`. */
  queries(options?: QueryOptions): QueryProxy<Types['queries']> {
    return queryProxy<Types['queries']>(this.#side.reader, options)
  }

  /**
   * Hands leadership to the voter `id`, or to the one with the most up-to-date log. Leader only, unless
   * `forward` takes the request there. To the node that leads already: done.
   */
  async transferLeadership(id?: string, options?: AdminOptions): Promise<void> {
    await this.#side.administration.run({ kind: 'transfer', to: id ?? null }, options)
  }

  /**
   * Takes a snapshot of this node's state machine now; resolves when it is durable.
   * @throws RaftError RAFT_NOTHING_TO_SNAPSHOT when nothing was applied since the newest one.
   */
  async snapshot(options?: CallOptions): Promise<NodeSnapshot> {
    const { index, term, bytes } = await this.#side.requests.snapshot(options)
    return this.#snapshots.handle(index, term, bytes)
  }

  /** The newest snapshot of this node that is sound, whoever made it; null while there is none. */
  newestSnapshot(): Promise<NodeSnapshot | null> {
    return this.#snapshots.newest()
  }

  /** Resolves when the condition holds on this node. Waits without limit unless one is given. */
  waitFor(condition: WaitCondition, options?: CallOptions): Promise<void> {
    const call = this.#side.calls.start<void>('waitFor', options, Number.POSITIVE_INFINITY, null)
    if (!call.settled) this.#side.waiters.wait(call, condition)
    return call.promise
  }

  /** The configuration in use here, which may not be committed yet. */
  async configuration(): Promise<ConfigurationInfo> {
    const { configuration, committedConfigurationIndex } = this.#side.view.status
    const { servers } = configuration.configuration
    // what the caller does with it is not the node's affair.
    const copies = structuredClone(servers) as typeof servers
    return {
      index: configuration.index,
      committedIndex: committedConfigurationIndex,
      servers: copies,
    }
  }

  /**
   * Makes the list the first configuration, if this node holds no state. Idempotent.
   * @throws RaftError RAFT_BOOTSTRAP_MISMATCH if it was bootstrapped with another list.
   */
  bootstrap(
    servers: readonly ServerOptions[],
    options?: CallOptions,
  ): Promise<{ readonly bootstrapped: boolean }> {
    return this.#bootstrapper.bootstrap(servers, options)
  }

  /**
   * How the other members do, as this leader sees them; none on a node that does not lead, unless
   * `forward: true` asks the leader.
   */
  peers(options?: AdminOptions): Promise<readonly PeerReport[]> {
    return this.#side.peerReports.ask(options)
  }

  /**
   * Adds a voter, or promotes a nonvoter: it catches up without a vote, round after round, and counts once
   * it is close to the leader's log (`immediate`: at once). Of a voter address and meta change. Leader only.
   * A large state takes its time: raise `timeoutMs` (default changeTimeoutMs); when it runs out while
   * the server catches up, it stays a nonvoter, and calling again goes on from there.
   * @throws RaftError RAFT_NOT_LEADER, RAFT_CHANGE_IN_PROGRESS, RAFT_CONFIGURATION_CONFLICT,
   * RAFT_CONFIG_INVALID, RAFT_TRANSFER_IN_PROGRESS, RAFT_TIMEOUT
   */
  addVoter(...given: ServerArguments<AddVoterOptions>): Promise<Changed> {
    const [server, options] = serverArguments(given)
    const { prevIndex, immediate } = options ?? {}
    return this.#change({ kind: 'addVoter', server, prevIndex, immediate }, options)
  }

  /** Adds a member that holds the log and serves reads but has no vote; of a member address and meta change. */
  addNonvoter(...given: ServerArguments<ChangeOptions>): Promise<Changed> {
    const [server, options] = serverArguments(given)
    return this.#change({ kind: 'addNonvoter', server, prevIndex: options?.prevIndex }, options)
  }

  /** Takes a member's vote away. A leader that demotes itself hands over once that is committed. */
  demoteVoter(id: string, options?: ChangeOptions): Promise<Changed> {
    return this.#change({ kind: 'demoteVoter', id, prevIndex: options?.prevIndex }, options)
  }

  /**
   * Removes a member. It is told, and closes if `shutdownOnRemove` is set; a leader that removes itself
   * hands over once that is committed.
   * @throws RaftError RAFT_UNKNOWN_SERVER, and those of addVoter
   */
  removeServer(id: string, options?: ChangeOptions): Promise<Changed> {
    return this.#change({ kind: 'removeServer', id, prevIndex: options?.prevIndex }, options)
  }

  /**
   * Changes the address, the meta or the vote of a member, in one change; its log stays. `suffrage: 'voter'`
   * promotes as addVoter does.
   */
  updateServer(id: string, change: ServerChange, options?: ChangeOptions): Promise<Changed> {
    const { prevIndex } = options ?? {}
    return this.#change({ kind: 'updateServer', id, change, prevIndex }, options)
  }

  /**
   * Changes to any set of members in one call: new voters catch up first, then the old and the new majority
   * decide together (joint consensus, Raft §6) until the new set is committed.
   */
  reconfigure(servers: readonly ServerOptions[], options?: ChangeOptions): Promise<Changed> {
    return this.#change({ kind: 'reconfigure', servers, prevIndex: options?.prevIndex }, options)
  }

  async #change(request: AdminRequest, options: ChangeOptions | undefined): Promise<Changed> {
    return { index: await this.#side.administration.run(request, options) }
  }

  /**
   * Runs `task` whenever this node leads: once the leader's barrier is applied here, with a signal that is
   * aborted when leadership is lost. A run never overlaps with the one before it, which is waited for even
   * when it ignores its signal; a run that ends by itself is not repeated in its term. Resolves once the node
   * is closed or `options.signal` aborted, and the last run has ended; rejects with what a run throws
   * while it leads, unless `options.onError` takes it.
   */
  whileLeader(task: LeaderTask, options?: WhileLeaderOptions): Promise<void> {
    return this.#side.leaderTasks.run(task, options)
  }

  /**
   * Changes options while the node runs: timeouts, intervals, the snapshot policy and what else can be
   * changed safely; running timers follow at once. The whole configuration is checked first, and nothing
   * changes on an error.
   * @throws RaftError RAFT_CONFIG_INVALID naming field, value and rule, or the field that needs a restart.
   */
  async reloadConfig(part: Partial<RaftConfig>, options?: CallOptions): Promise<void> {
    const { config, maxPayloadBytes } = this.#started.options
    const current = { given: this.#given, config }
    const next = reloadedConfig(current, part, maxPayloadBytes)
    this.#given = next.given
    Object.assign(config, next.config)
    this.#side.deadServers.changed()
    // Replicators first: a leader that expects more frequent answers must get them.
    this.#assembled.reload()
    await this.#side.requests.reload(consensusSettings(next.config), options)
  }

  /**
   * Reads the transport's certificates again from the files that they were named by, as the node does by
   * itself from time to time; resolves true when they have changed. When they are no good, nothing changes.
   * @throws RaftError RAFT_CONFIG_INVALID
   */
  reloadTls(): Promise<boolean> {
    return this.#started.refresh.refresh().catch((error) => Promise.reject(startError(error)))
  }

  /** Every option as it is in force now, defaults and reloads included. */
  get config(): Readonly<RaftConfig> {
    return this.#started.options.config
  }

  /**
   * Where this node stands, and what it has counted and measured: positions, rates, times of each stage, load of
   * each actor. Gathered when it is asked for, so ask as often as you look at it, not for each command.
   */
  stats(): NodeStats {
    return this.#statistics.read({
      cluster: this.#started.options.cluster,
      address: this.address,
      state: this.state,
      deadLetters: this.#started.system.deadLetters().count,
      figures: this.#assembled.figures(),
    })
  }

  /** Counters of this node's log store since the start. */
  logStats(): Promise<LogStats> {
    return this.#assembled.logStats()
  }

  /** Calls `listener` for each event of that kind, in the node's turn. Returns what takes it away again. */
  on<K extends RaftEventKind>(kind: K, listener: RaftEventListener<K>): () => void {
    return this.#side.events.on(kind, listener)
  }

  /** All events from now on. A slow reader loses the oldest and is told how many. */
  events(options?: EventsOptions): AsyncIterableIterator<RaftEventOrGap> {
    return this.#side.events.stream(options)
  }

  /** Every pending promise settles, every actor stops. Resolves also after a failure; never rejects. */
  close(options?: CloseOptions): Promise<void> {
    return this.#life.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Replaces the state of the whole cluster by that of a snapshot. Leader only; no time limit by default.
   * @throws RaftError RAFT_NOT_LEADER, RAFT_CHANGE_IN_PROGRESS, RAFT_TRANSFER_IN_PROGRESS (nothing has
   * changed); RAFT_CORRUPT when the source breaks off or has another length than `meta.size` (nothing has
   * changed); RAFT_LEADERSHIP_LOST (outcome unknown).
   */
  restore(meta: RestoreMeta, source: RestoreSource, options?: CallOptions): Promise<Restored> {
    const snapshots = () => this.#assembled.snapshots()
    return this.#side.restorer.restore(meta, source, options, snapshots)
  }

  /**
   * After the loss of a quorum: forces a configuration on a node that does not run. To be done on every
   * node that is left, with the same servers; whoever was left behind cannot come back with its data.
   * @throws RaftError RAFT_NOT_BOOTSTRAPPED (no initial state), RAFT_CONFIG_INVALID, RAFT_DATA_DIR_LOCKED,
   * RAFT_DATA_DIR_FOREIGN, RAFT_CORRUPT, RAFT_STATE_MACHINE_FAILED, RAFT_MODULE_LOAD.
   */
  static recover(options: RecoverOptions): Promise<RecoveryReport> {
    return recover(options)
  }
}

/** The node type that a state machine spec leads to. */
export type NodeOf<Spec> = Spec extends StateMachineSpec<infer Types> ? RaftNode<Types> : never
