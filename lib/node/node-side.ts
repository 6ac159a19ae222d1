import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import { assertNever } from '../core/assert.js'
import { Arena } from '../log/slab.js'
import type { ActorContext, ActorRef, Behavior } from '../runtime/actor.js'
import { Administration } from './administration.js'
import { Budget } from './budget.js'
import { publishEvent } from './channels.js'
import type { ResolvedConfig } from './config.js'
import { DEFAULT_MAX_PAYLOAD_BYTES } from './config-rules.js'
import { DeadServerCleaner } from './dead-server-cleaner.js'
import { Deadlines } from './deadlines.js'
import type { RaftError } from './errors.js'
import { EventCounts } from './event-counts.js'
import { EventHub, type RaftEvent } from './events.js'
import { FlappingDetector } from './flapping.js'
import { ForwardServer } from './forward-server.js'
import { Forwarder } from './forwarder.js'
import { LeaderTasks } from './leader-tasks.js'
import { localAdministration } from './local-administration.js'
import { MemberChanges } from './member-changes.js'
import { NodeView } from './node-view.js'
import { PeerReports } from './peer-reports.js'
import { PeerRequests } from './peer-requests.js'
import { Calls } from './pending-call.js'
import { Proposer } from './proposer.js'
import { ReadIndexes } from './read-indexes.js'
import { Reader } from './reader.js'
import { Requests } from './requests.js'
import { Restorer } from './restorer.js'
import { Sessions } from './sessions.js'
import { StageClock } from './stage-clock.js'
import { Waiters } from './waiters.js'

export interface NodeSideOptions {
  readonly id: string
  readonly config: ResolvedConfig
  /** The state machine runs on another thread. */
  readonly remoteMachine: boolean
  /** Largest answer to a forwarded request. Default: what fits in a frame of 16 MiB. */
  readonly maxReplyBytes?: number
  /** The cluster has removed this node. */
  readonly onRemoved?: () => void
  /** Runs a callback once the current turn's microtasks so far have run. Default queueMicrotask. */
  readonly defer?: (callback: () => void) => void
}

/** Room in a frame beside the body of an answer. */
const FRAME_ROOM_BYTES = 64 * 1024

/** How often an overload is told to observers at most. */
const OVERLOAD_EVENT_MS = 1000

/**
 * The program's side of a node, as an actor: every NodeReply of consensus arrives here, every NodeRequest
 * leaves from here, and every promise that the node has given out is kept by one of its parts.
 */
export class NodeSide implements Behavior<NodeReply> {
  readonly view: NodeView
  readonly calls: Calls
  readonly budget: Budget
  readonly proposer: Proposer
  readonly peers: PeerRequests
  readonly forwarder: Forwarder
  readonly readIndexes: ReadIndexes
  readonly reader: Reader
  readonly requests: Requests
  readonly restorer: Restorer
  readonly administration: Administration
  readonly peerReports: PeerReports
  readonly changes: MemberChanges
  readonly sessions: Sessions
  readonly waiters: Waiters
  readonly leaderTasks: LeaderTasks
  readonly deadServers: DeadServerCleaner
  readonly events: EventHub
  readonly stages: StageClock
  readonly counts = new EventCounts()
  /** Resolves with the first status: from then on the view is that of consensus. */
  readonly ready: Promise<void>
  /** Calls refused because too much was pending. */
  refusedForLoad = 0
  /** Leaders that this node has seen begin a term. */
  leaderChanges = 0
  /** Actors that failed and were started again. */
  actorRestarts = 0
  readonly #flapping: FlappingDetector
  readonly #options: NodeSideOptions
  readonly #context: ActorContext
  readonly #deadlines: Deadlines
  readonly #server: ForwardServer
  #consensus: ActorRef<NodeRequest> | null = null
  #becomeReady: () => void = () => {}
  #overloadToldAt = Number.NEGATIVE_INFINITY

  constructor(options: NodeSideOptions, context: ActorContext) {
    const { id, config } = options
    this.#options = options
    this.#context = context
    this.#deadlines = new Deadlines(context)
    this.#flapping = new FlappingDetector(config)
    this.view = new NodeView(id)
    this.calls = new Calls(this.#deadlines)
    this.budget = new Budget(config.maxPendingEntries, config.maxPendingBytes)
    this.waiters = new Waiters(this.view)
    this.events = new EventHub(id, (error, kind) => {
      context.log.error({ error, kind }, 'an event listener threw')
    })
    const tell = (request: NodeRequest, bytes: number) => this.#tell(request, bytes)
    const overloaded = (what: string) => this.#overloaded(what)
    const now = () => context.now()
    this.stages = new StageClock(id, now)
    const { stages } = this
    const defer = options.defer ?? queueMicrotask
    const { view, calls, budget, waiters } = this
    const deadlines = this.#deadlines
    const { slabBytes, maxIdleSlabs } = config
    const arena = new Arena({ slabBytes, maxIdleSlabs })
    const control = (request: NodeRequest) => this.#consensus?.control(request) ?? false
    const shared = {
      config,
      view,
      control,
      calls,
      budget,
      deadlines,
      waiters,
      tell,
      overloaded,
      now,
      defer,
      stages,
    }
    this.peers = new PeerRequests(tell)
    const { peers } = this
    this.proposer = new Proposer({ ...shared, arena })
    const { proposer } = this
    this.forwarder = new Forwarder({ ...shared, proposer, peers })
    const random = () => context.random()
    this.sessions = new Sessions({ ...shared, forwarder: this.forwarder, random })
    this.readIndexes = new ReadIndexes({ ...shared, peers })
    const { readIndexes } = this
    this.reader = new Reader({ ...shared, readIndexes, remoteMachine: options.remoteMachine })
    this.requests = new Requests(shared)
    this.changes = new MemberChanges(shared)
    this.restorer = new Restorer({ view, calls, requests: this.requests, tell })
    this.peerReports = new PeerReports({ ...shared, peers })
    const local = localAdministration(this.requests, this.changes, view)
    this.administration = new Administration({ ...shared, peers, local })
    const { administration, peerReports } = this
    const { requests } = this
    this.leaderTasks = new LeaderTasks({ ...shared, requests, context })
    this.deadServers = new DeadServerCleaner({
      ...shared,
      context,
      peers: () => peerReports.ask(),
      remove: (id, prevIndex) => local({ kind: 'removeServer', id, prevIndex }, {}),
    })
    const maxReplyBytes = options.maxReplyBytes ?? DEFAULT_MAX_PAYLOAD_BYTES - FRAME_ROOM_BYTES
    this.#server = new ForwardServer({
      calls,
      proposer,
      readIndexes,
      administration,
      peerReports,
      maxReplyBytes,
      tell,
    })
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve
    })
  }

  /** Monotonic ms. */
  now(): number {
    return this.#context.now()
  }

  /** Ms since the epoch. */
  wallClock(): number {
    return this.#context.wallClock()
  }

  /** Calls that ran out of time. */
  get timeouts(): number {
    return this.calls.timeouts + this.proposer.timeouts
  }

  linked(name: string, ref: ActorRef): void {
    if (name === 'consensus') this.#consensus = ref as unknown as ActorRef<NodeRequest>
  }

  unlinked(name: string): void {
    if (name === 'consensus') this.#consensus = null
  }

  receive(message: NodeReply): void {
    switch (message.kind) {
      case 'proposalAccepted':
        return this.proposer.accepted(message.proposal, message.firstIndex, message.term)
      case 'proposalFlushed':
        return this.proposer.flushed(message.proposal)
      case 'proposalApplied':
        return this.proposer.applied(message.proposal, message.results)
      case 'proposalFailed':
        return this.proposer.failed(message)
      case 'readIndexDone':
        return this.readIndexes.done(message.id, message.index)
      case 'readIndexFailed':
        return this.readIndexes.failed(message.id, message.reason)
      case 'queryDone':
        return this.reader.answered(message)
      case 'barrierDone':
      case 'barrierFailed':
      case 'transferDone':
      case 'snapshotDone':
      case 'bootstrapDone':
      case 'reloaded':
        return this.requests.replied(message)
      case 'peersDone':
        return this.peerReports.replied(message.id, message.peers)
      case 'changeDone':
        return this.changes.done(message)
      case 'restoreReady':
      case 'restoreRefused':
        return this.restorer.replied(message)
      case 'forwarded':
        return this.#server.take(message)
      case 'forwardReply':
        return this.peers.replied(message.request, message.body, message.sent)
      case 'status':
        return this.#statusChanged(message.status)
      case 'event':
        return this.emit(message.event)
      case 'removed':
        this.#options.onRemoved?.()
        return
      case 'members':
      case 'fatal':
        // The assembly's affair: it listens in on this mailbox.
        return
      default:
        assertNever(message)
    }
  }

  stop(): void {
    this.close(undefined)
  }

  /** Later calls are refused as closed; those under way go on. */
  refuseNew(): void {
    this.calls.refuseNew(undefined)
    this.proposer.refuseNew(undefined)
  }

  /** Every pending promise ends, with what can be said of it (S17). `cause`: the node's failure. */
  close(cause: RaftError | undefined): void {
    this.leaderTasks.close(cause)
    this.deadServers.close()
    // Calls first: a command that the proposer then lets go must not look for another leader.
    this.calls.close(cause)
    this.proposer.close(cause)
    this.#deadlines.close()
    this.#becomeReady()
  }

  emit(event: DistributiveOmit<RaftEvent, 'node' | 'at'>): void {
    const stamped = { ...event, node: this.view.id, at: this.#context.wallClock() }
    this.#emit(stamped as RaftEvent)
    const flapping = this.#flapping.saw(stamped as RaftEvent, this.#context.now())
    if (flapping !== null) this.#emit({ ...stamped, ...flapping })
  }

  #emit(event: RaftEvent): void {
    if (event.kind === 'leader' && event.leader !== null) this.leaderChanges++
    this.counts.saw(event)
    publishEvent(event)
    this.events.emit(event)
  }

  #tell(request: NodeRequest, bytes: number): boolean {
    return this.#consensus?.tell(request, bytes) ?? false
  }

  #statusChanged(status: Extract<NodeReply, { kind: 'status' }>['status']): void {
    const before = this.view.status
    const led = this.view.leads
    this.view.update(status)
    if (led && !this.view.leads) this.proposer.stoppedLeading()
    else if (led) this.stages.moved(status.replicatedIndex, status.commitIndex)
    if (status.leader !== before.leader || status.term !== before.term || this.view.leads !== led) {
      this.forwarder.routesChanged()
      this.readIndexes.routesChanged()
    }
    this.waiters.check()
    this.leaderTasks.changed()
    this.deadServers.changed()
    this.restorer.statusChanged()
    this.#becomeReady()
  }

  #overloaded(what: string): void {
    this.refusedForLoad++
    const now = this.#context.now()
    if (now - this.#overloadToldAt < OVERLOAD_EVENT_MS) return
    this.#overloadToldAt = now
    this.emit({ kind: 'overload', what })
  }
}

/** Omit over each member of a union. */
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
