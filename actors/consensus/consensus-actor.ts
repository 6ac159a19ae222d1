import { assertNever } from '../../lib/core/assert.js'
import type { CoreConfig } from '../../lib/core/core-state.js'
import type { Input, ReceivedConfiguration } from '../../lib/core/inputs.js'
import { RaftCore } from '../../lib/core/raft-core.js'
import type {
  Configuration,
  HardState,
  IndexedConfiguration,
  LogIndex,
  LogSummary,
  NodeId,
  Term,
} from '../../lib/core/types.js'
import { type BatchRef, decodeEntries, ENTRY_CONFIGURATION } from '../../lib/log/batch.js'
import { batchTime, firstEntryType } from '../../lib/log/batch-peek.js'
import { decodeConfiguration } from '../../lib/log/configuration-codec.js'
import { LogTail } from '../../lib/log/log-tail.js'
import { batchBytes, PIN_CONSENSUS, unpin } from '../../lib/log/slab.js'
import type { ActorContext, ActorRef, Behavior, CreateActor } from '../../lib/runtime/actor.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import type { SnapshotChunk } from '../inbound/protocol.js'
import { ApplyFeed } from './apply-feed.js'
import { ControlBlockWriter } from './control-block.js'
import { EffectRunner } from './effect-runner.js'
import { FlushClock } from './flush-clock.js'
import { FollowerFeeds } from './follower-feeds.js'
import { LeaderBoardWriter } from './leader-board.js'
import { Links } from './links.js'
import { LogReader } from './log-reader.js'
import { PeerDesk } from './peer-desk.js'
import { Proposals } from './proposals.js'
import type { ConsensusMessage, ConsensusStatus } from './protocol.js'
import { SnapshotDesk, type SnapshotPolicy } from './snapshot-desk.js'

export interface ConsensusInit {
  readonly nodeId: NodeId
  readonly incarnation: string
  readonly core: CoreConfig
  readonly snapshots: SnapshotPolicy
  readonly tailMaxBytes: number
  /** Bytes given to the state machine and not yet applied. */
  readonly maxApplyBytes: number
  readonly maxReadBytes: number
  /** Time between ticks; also how fresh this actor's sign of life is for the replicators (S11). */
  readonly tickMs: number
  readonly hardState: HardState
  readonly log: LogSummary
  /** Leader time of the newest entry in the log. */
  readonly lastTime: number
  readonly snapshot: {
    readonly index: LogIndex
    readonly term: Term
    readonly configuration: IndexedConfiguration
  } | null
  readonly incarnations: Readonly<Record<NodeId, string>>
  /** False when this directory was made just now (S16). */
  readonly mayVote: boolean
  /** The state machine keeps its state by itself and is given flushed entries only (S14). */
  readonly flushedOnly: boolean
  readonly controlBlock: SharedArrayBuffer
  readonly leaderBoard: SharedArrayBuffer
}

export const createActor: CreateActor<ConsensusInit, ConsensusMessage> = (init, context) =>
  new ConsensusActor(init, context)

/** Messages in, effects out; see protocol.ts for the troupe around it. */
export class ConsensusActor implements Behavior<ConsensusMessage> {
  readonly #init: ConsensusInit
  readonly #context: ActorContext
  readonly #core: RaftCore
  readonly #links = new Links()
  readonly #tail: LogTail
  readonly #reader: LogReader
  readonly #feeds: FollowerFeeds
  readonly #apply: ApplyFeed
  readonly #proposals: Proposals
  readonly #snapshots: SnapshotDesk
  readonly #peers: PeerDesk
  readonly #control: ControlBlockWriter
  readonly #board: LeaderBoardWriter
  readonly #flushClock = new FlushClock()
  readonly #effects: EffectRunner
  #token = 0
  #lastTurnAt: number
  #published = ''

  constructor(init: ConsensusInit, context: ActorContext) {
    this.#init = init
    this.#context = context
    const now = context.now()
    this.#lastTurnAt = now
    this.#core = new RaftCore({
      id: init.nodeId,
      incarnation: init.incarnation,
      config: init.core,
      now,
      random: () => context.random(),
      hardState: init.hardState,
      log: init.log,
      snapshot: init.snapshot,
      incarnations: init.incarnations,
      mayVote: init.mayVote,
    })
    this.#tail = new LogTail(init.tailMaxBytes)
    this.#reader = new LogReader(() => this.#links.log, init.maxReadBytes)
    this.#proposals = new Proposals(() => this.#links.node)
    this.#feeds = new FollowerFeeds({
      tail: this.#tail,
      reader: this.#reader,
      term: () => this.#core.status().term,
      baseIndex: () => this.#core.status().baseIndex,
      lastIndex: () => this.#core.status().lastLogIndex,
    })
    this.#apply = new ApplyFeed({
      tail: this.#tail,
      reader: this.#reader,
      maxBytes: init.maxApplyBytes,
      resultsFrom: () => this.#proposals.firstIndex,
    })
    this.#snapshots = new SnapshotDesk({
      context,
      links: this.#links,
      feed: this.#apply,
      policy: init.snapshots,
      configurations: () => this.#core.configurations(),
    })
    this.#control = new ControlBlockWriter(new SharedWords(init.controlBlock))
    this.#board = new LeaderBoardWriter(new SharedWords(init.leaderBoard))
    this.#effects = new EffectRunner({
      context,
      core: () => this.#core,
      links: this.#links,
      tail: this.#tail,
      feeds: this.#feeds,
      apply: this.#apply,
      proposals: this.#proposals,
      board: this.#board,
      control: this.#control,
      flushClock: this.#flushClock,
      lastTime: init.lastTime,
    })
    this.#peers = new PeerDesk({
      context,
      self: init.nodeId,
      core: this.#core,
      links: this.#links,
      feeds: this.#feeds,
      tail: this.#tail,
      effects: this.#effects,
      step: (input) => this.#step(input),
      incarnations: init.incarnations,
      mayVote: init.mayVote,
    })
  }

  linked(name: string, ref: ActorRef): void {
    this.#links.set(name, ref)
    // The node actor is linked last: from here on the core may act.
    if (name === 'node') this.#begin()
  }

  unlinked(name: string): void {
    const gone = this.#links.clear(name)
    if (gone !== null) this.#peers.replicatorGone(gone)
    if (name === 'fsm') {
      this.#proposals.resultsLost(this.#apply.fed)
      this.#apply.stop()
    }
    if (name === 'fsm' || name === 'snapshot') {
      this.#snapshots.interrupted(toWireError(new Error(`the ${name} actor is gone`)))
    }
  }

  beforeTurn(): void {
    const now = this.#context.now()
    const late = now - this.#lastTurnAt
    this.#lastTurnAt = now
    this.#board.consensusAliveAt = now
    // S11: after so long others may lead; the first act on waking is to step down.
    if (late > this.#init.core.leaderStallTimeoutMs) {
      this.#step({ kind: 'stalled', term: this.#core.status().term })
    }
  }

  afterTurn(): void {
    const status = this.#core.status()
    this.#proposals.flushed(status.flushedIndex)
    const bounded = this.#init.flushedOnly || this.#snapshots.holdsBack
    const { commitIndex, flushedIndex } = status
    this.#apply.raiseLimit(bounded ? Math.min(commitIndex, flushedIndex) : commitIndex)
    this.#snapshots.pump(flushedIndex)
    this.#tail.evict(Math.min(flushedIndex, this.#apply.applied))
    this.#board.oldestUnflushedAt = this.#flushClock.oldestAt
    this.#publishStatus()
  }

  receive(message: ConsensusMessage): void {
    switch (message.kind) {
      // -- the program's side
      case 'propose':
        this.#proposals.offer(message.proposal, message.batch)
        return this.#step({
          kind: 'propose',
          token: message.proposal,
          count: message.batch.count,
          bytes: message.batch.length,
        })
      case 'barrier':
        return this.#step({ kind: 'barrier', id: message.id })
      case 'readIndex':
        return this.#readIndex(message.id, message.lease)
      case 'query':
        return this.#apply.query(message.minIndex, message.items)
      case 'transfer':
        return this.#step({ kind: 'transfer', id: message.id, to: message.to })
      case 'takeSnapshot':
        return this.#snapshots.want(message.id)
      case 'bootstrap':
        return this.#bootstrap(message.id, message.configuration)
      case 'forward':
        return this.#forward(message)
      case 'answerForwarded': {
        const { connection, request, body } = message
        const reply = { kind: 'forwardReply', request, body } as const
        this.#links.inbound?.control({ kind: 'reply', connection, reply })
        return
      }
      case 'replicatorStarted':
        return this.#peers.replicatorStarted(message.peer, message.pinSlot)
      case 'shutdown':
        this.#control.withdraw()
        return this.#proposals.shutdown(
          this.#core.status().commitIndex,
          message.error === null ? 'shutdown' : 'storeFailed',
        )
      // -- log
      case 'logFlushed':
        this.#flushClock.flushed(message.seq)
        return this.#step({ kind: 'logFlushed', seq: message.seq })
      case 'hardStateSaved':
        return this.#step({ kind: 'hardStateSaved', seq: message.seq })
      case 'incarnationsSaved':
        return this.#peers.incarnationsSaved(message.seq)
      case 'logRefused':
        this.#flushClock.clear()
        this.#context.log.warn({ lastIndex: message.lastIndex }, message.message)
        this.#effects.event({ kind: 'overload', what: 'storage' })
        return this.#step({
          kind: 'logRefused',
          seq: message.seq,
          lastIndex: message.lastIndex,
        })
      case 'logWritable':
        return this.#step({ kind: 'logWritable' })
      case 'logRead':
        return this.#reader.answered(message.request, message.batches)
      // -- state machine
      case 'fsmReady':
        return this.#fsmReady(message.lastApplied)
      case 'applied':
        this.#apply.onApplied(message.toIndex)
        return this.#proposals.applied(message.toIndex, message.results)
      case 'queried': {
        const { index, items } = message
        this.#links.node.tell({ kind: 'queryDone', index, items })
        return
      }
      case 'restored':
        this.#proposals.resultsLost(message.index)
        return this.#apply.restored(message.index)
      case 'snapshotTaken':
        if (!this.#snapshots.taken(message)) return
        this.#snapshotEvent(message.index, message.term, 'saved')
        return this.#step({ kind: 'snapshotSaved', index: message.index, term: message.term })
      case 'snapshotFailed':
        this.#context.log.warn({ error: message.error.message }, 'snapshot failed')
        return this.#snapshots.failed(message)
      // -- snapshots
      case 'chunkRead':
        return this.#snapshots.chunkRead(message)
      case 'chunkFailed':
        return this.#snapshots.chunkFailed(message)
      case 'chunkStored':
        return this.#snapshots.chunkStored(message, this.#core.status().term)
      case 'snapshotReceived':
        return this.#snapshotReceived(message)
      // -- replicators
      case 'peerConnected':
        return this.#peers.connected(message.peer, message.incarnation)
      case 'peerRefused':
        return this.#peers.refusedBy(message.peer, message.code, message.message)
      case 'peerHealth': {
        const { peer, healthy, reason } = message
        return this.#effects.event({ kind: 'heartbeat', peer, healthy, reason })
      }
      case 'voteReply':
        return this.#step({ kind: 'voteReply', from: message.peer, reply: message.reply })
      case 'higherTerm':
        return this.#step({ kind: 'higherTerm', peer: message.peer, term: message.term })
      case 'matched':
      case 'heartbeatAck':
        return this.#step(message)
      case 'lostState': {
        const { peer, session } = message
        this.#context.log.error({ peer, lastIndex: message.lastIndex }, 'a follower lost entries')
        this.#peers.lostState(peer)
        return this.#step({ kind: 'lostState', peer, session })
      }
      case 'stalled':
        return this.#step({ kind: 'stalled', term: message.term })
      case 'feed': {
        const link = this.#links.replicators.get(message.peer)
        if (link === undefined) return
        const { term, feed, fromIndex, creditBytes } = message
        return this.#feeds.start(link, term, feed, fromIndex, creditBytes)
      }
      case 'credit':
        return this.#feeds.addCredit(message.peer, message.feed, message.bytes)
      case 'wantChunk':
        return this.#snapshots.wantChunk(message)
      case 'snapshotSent':
        this.#snapshotEvent(this.#core.status().snapshotIndex, 0, 'sent')
        return this.#snapshots.endTransfer(message)
      case 'forwardReply': {
        const { request, body, sent } = message
        this.#links.node.tell({ kind: 'forwardReply', request, body, sent })
        return
      }
      // -- inbound
      case 'hello':
        return this.#peers.hello(message.connection, message.peer, message.incarnation)
      case 'rpcRequestVote':
        return this.#step({
          kind: 'requestVote',
          connection: message.connection,
          request: message.request,
        })
      case 'rpcHeartbeat':
        return this.#step({
          kind: 'heartbeat',
          connection: message.connection,
          request: message.request,
        })
      case 'rpcTimeoutNow':
        return this.#step({ kind: 'timeoutNow', request: message.request })
      case 'rpcAppendEntries':
        return this.#appendEntries(message)
      case 'rpcSnapshotChunk':
        return this.#snapshotChunk(message.connection, message.request, message.bytes)
      case 'rpcForward': {
        const { connection, request, peer, body } = message
        this.#links.node.tell({ kind: 'forwarded', connection, request, peer, body })
        return
      }
      case 'connectionClosed':
        return
      default:
        assertNever(message)
    }
  }

  #begin(): void {
    this.#effects.run(this.#core.start())
    this.#peers.allowVoting()
    this.#snapshots.watch(() => this.#core.status().snapshotIndex)
    this.#tick()
  }

  #tick(): void {
    this.#context.after(this.#init.tickMs, () => {
      this.#tick()
      this.#step({ kind: 'tick' })
    })
  }

  /**
   * One step of the core and its effects. S9: before a step that may vote, campaign or change the term
   * the fast path of heartbeats is withdrawn and what it heard is told; afterwards it is restored
   * unless the core has withdrawn it itself.
   */
  #step(input: Input): void {
    const guarded = this.#mayChangeTerm(input)
    if (guarded) this.#control.withdraw()
    if (guarded || input.kind === 'tick') this.#tellContact()
    this.#effects.run(this.#core.step(this.#context.now(), input))
    const block = this.#effects.controlBlock
    if (guarded && block !== null && !this.#control.published) this.#control.publish(block)
  }

  /** The log actor makes the first entry durable; the core then takes it as its own. */
  #bootstrap(id: number, configuration: Configuration): void {
    if (!this.#isEmpty()) {
      this.#links.node.tell({ kind: 'bootstrapDone', id, reason: 'alreadyBootstrapped' })
      return
    }
    const entry = { index: 1, configuration }
    const message = { kind: 'bootstrap', configuration: entry, term: 1, time: 0 } as const
    const done = (): void => {
      this.#context.turn(() => {
        this.#step({ kind: 'bootstrapped', configuration })
        this.#links.node.tell({ kind: 'bootstrapDone', id, reason: null })
      })
    }
    this.#links.log.ask(message).then(done, (error: Error) => this.#context.fail(error))
  }

  #isEmpty(): boolean {
    const { term, lastLogIndex, snapshotIndex } = this.#core.status()
    return term === 0 && lastLogIndex === 0 && snapshotIndex === 0
  }

  #tellContact(): void {
    const at = this.#control.contact()
    if (at === null) return
    this.#effects.run(this.#core.step(this.#context.now(), { kind: 'contact', at }))
  }

  #mayChangeTerm(input: Input): boolean {
    switch (input.kind) {
      case 'requestVote':
      case 'voteReply':
      case 'heartbeat':
      case 'timeoutNow':
      case 'higherTerm':
      case 'stalled':
        return true
      case 'appendEntries':
        return input.request.term !== this.#core.status().term
      case 'tick':
        return this.#context.now() >= this.#core.nextDeadline()
      default:
        return false
    }
  }

  /** S10, S11: a replicator that saw a higher term or fell silent has revoked the lease. */
  #readIndex(id: number, lease: boolean): void {
    const { term } = this.#core.status()
    if (lease && this.#board.isRevoked(term)) {
      this.#links.node.tell({ kind: 'readIndexFailed', id, reason: 'leaseUnavailable' })
      return
    }
    this.#step({ kind: 'readIndex', id, lease })
  }

  #forward(message: Extract<ConsensusMessage, { kind: 'forward' }>): void {
    const { request, to, body, timeoutMs } = message
    const link = this.#links.replicators.get(to)
    if (link !== undefined) {
      link.ref.control({ kind: 'forward', request, body, timeoutMs })
      return
    }
    this.#links.node.tell({ kind: 'forwardReply', request, body: null, sent: false })
  }

  #appendEntries(message: Extract<ConsensusMessage, { kind: 'rpcAppendEntries' }>): void {
    const { connection, request, batches } = message
    const token = ++this.#token
    this.#effects.receiving(token, batches)
    const configurations = receivedConfigurations(batches)
    const lastBefore = this.#core.status().lastLogIndex
    this.#step({ kind: 'appendEntries', connection, token, request, configurations })
    const last = batches.at(-1)
    if (last !== undefined && this.#core.status().lastLogIndex !== lastBefore) {
      this.#effects.sawTime(batchTime(last))
    }
    // The tail took the pins of what was appended; the rest is let go here.
    for (const batch of this.#effects.received(token)) {
      if (this.#tail.find(batch.firstIndex) !== batch) unpin(batch, PIN_CONSENSUS)
    }
  }

  #fsmReady(lastApplied: LogIndex | null): void {
    const { fsm } = this.#links
    if (fsm === null) return
    const { snapshotIndex: index, snapshotTerm: term } = this.#core.status()
    const holds = lastApplied ?? 0
    // S13: what the log has no more comes from the snapshot.
    this.#apply.start(fsm, holds, holds < index ? { index, term } : null)
  }

  #snapshotReceived(message: Extract<ConsensusMessage, { kind: 'snapshotReceived' }>): void {
    const { leader, leaderTerm, meta, connection, transfer } = message
    const { index, term, configuration } = meta
    this.#snapshotEvent(index, term, 'received')
    this.#step({ kind: 'snapshotReceived', leader, leaderTerm, index, term, configuration })
    const status = this.#core.status()
    const installed = status.commitIndex >= index
    const { size: offset } = meta
    const answer = { term: status.term, transfer, offset, installed, failed: !installed }
    this.#snapshots.answer(connection, answer)
  }

  #snapshotChunk(connection: number, request: SnapshotChunk, bytes: Uint8Array): void {
    if (request.incarnation !== this.#init.incarnation) return
    const { term, leader } = this.#core.status()
    if (request.term === term && request.leader === leader) {
      return this.#snapshots.receive(connection, request, bytes)
    }
    const { transfer, offset } = request
    this.#snapshots.answer(connection, { term, transfer, offset, installed: false, failed: true })
  }

  #snapshotEvent(index: LogIndex, term: Term, change: 'saved' | 'received' | 'sent'): void {
    this.#context.log.info({ index, term, change }, 'snapshot')
    this.#effects.event({ kind: 'snapshot', index, term, change, reason: '' })
  }

  #publishStatus(): void {
    const { baseIndex: _, ...core } = this.#core.status()
    const lastApplied = this.#apply.applied
    const leading = core.role === 'leader'
    const contact = leading ? this.#context.now() : this.#heardAt(core.lastContactAt)
    const { role, term, leader, commitIndex, flushedIndex, lastLogIndex, snapshotIndex, ready } =
      core
    const marks = [role, term, leader, commitIndex, flushedIndex, lastLogIndex, lastApplied]
    const rest = [snapshotIndex, ready, core.configuration.index, core.committedConfigurationIndex]
    const summary = [...marks, ...rest, leading ? 0 : contact].join()
    if (summary === this.#published) return
    this.#published = summary
    const status: ConsensusStatus = { ...core, lastApplied, lastContactAt: contact }
    this.#links.node.tell({ kind: 'status', status })
  }

  #heardAt(coreAt: number | null): number | null {
    const fast = this.#control.contact()
    if (fast === null || coreAt === null) return coreAt
    return Math.max(fast, coreAt)
  }
}

/** S6: a configuration entry is a batch of its own. */
function receivedConfigurations(batches: readonly BatchRef[]): readonly ReceivedConfiguration[] {
  const found: ReceivedConfiguration[] = []
  batches.forEach((batch, position) => {
    if (batch.count !== 1 || firstEntryType(batch) !== ENTRY_CONFIGURATION) return
    const [entry] = decodeEntries(batchBytes(batch), { copy: true })
    if (entry !== undefined)
      found.push({ position, configuration: decodeConfiguration(entry.data) })
  })
  return found
}
