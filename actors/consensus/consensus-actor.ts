import { assertNever } from '../../lib/core/assert.js'
import type { Input } from '../../lib/core/inputs.js'
import { RaftCore } from '../../lib/core/raft-core.js'
import type { Configuration, LogIndex, Term } from '../../lib/core/types.js'
import { LogTail } from '../../lib/log/log-tail.js'
import type { ActorContext, ActorRef, Behavior, CreateActor } from '../../lib/runtime/actor.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import type { SnapshotChunk } from '../inbound/protocol.js'
import { AppendReceiver } from './append-receiver.js'
import { ApplyFeed } from './apply-feed.js'
import type { ConsensusInit } from './consensus-init.js'
import { ControlBlockWriter } from './control-block.js'
import { EffectRunner } from './effect-runner.js'
import { FlushClock } from './flush-clock.js'
import { FollowerFeeds } from './follower-feeds.js'
import { LeaderBoardWriter } from './leader-board.js'
import { Links } from './links.js'
import { LogReader } from './log-reader.js'
import { PeerDesk } from './peer-desk.js'
import { Proposals } from './proposals.js'
import type { ConsensusMessage } from './protocol.js'
import { SnapshotDesk } from './snapshot-desk.js'
import { StatusPublisher } from './status-publisher.js'
import { Stepper } from './stepper.js'

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
  readonly #stepper: Stepper
  readonly #appends: AppendReceiver
  readonly #status: StatusPublisher
  #lastTurnAt: number
  #begun = false
  /** What the state machine said of itself, until its link is here too. */
  #fsmHolds: LogIndex | null = null

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
    init.observeCore?.(this.#core)
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
    this.#stepper = new Stepper({
      context,
      core: this.#core,
      control: this.#control,
      effects: this.#effects,
    })
    const step = (input: Input): void => this.#stepper.step(input)
    this.#appends = new AppendReceiver({
      core: this.#core,
      effects: this.#effects,
      tail: this.#tail,
      step,
    })
    this.#status = new StatusPublisher({
      context,
      core: this.#core,
      apply: this.#apply,
      control: this.#control,
      links: this.#links,
    })
    this.#peers = new PeerDesk({
      context,
      self: init.nodeId,
      core: this.#core,
      links: this.#links,
      feeds: this.#feeds,
      tail: this.#tail,
      effects: this.#effects,
      step,
      incarnations: init.incarnations,
      mayVote: init.mayVote,
    })
  }

  linked(name: string, ref: ActorRef): void {
    this.#links.set(name, ref)
    if (name === 'fsm') this.#startFsm()
    // Whoever is told what the core does is there now.
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
      this.#stepper.step({ kind: 'stalled', term: this.#core.status().term })
    }
  }

  afterTurn(): void {
    if (!this.#begun) return
    const status = this.#core.status()
    this.#proposals.flushed(status.flushedIndex)
    const bounded = this.#init.flushedOnly || this.#snapshots.holdsBack
    const { commitIndex, flushedIndex } = status
    this.#apply.raiseLimit(bounded ? Math.min(commitIndex, flushedIndex) : commitIndex)
    this.#snapshots.pump(flushedIndex)
    this.#tail.evict(Math.min(flushedIndex, this.#apply.applied))
    this.#board.oldestUnflushedAt = this.#flushClock.oldestAt
    this.#status.publish()
  }

  receive(message: ConsensusMessage): void {
    switch (message.kind) {
      // -- the program's side
      case 'propose':
        this.#proposals.offer(message.proposal, message.batch)
        return this.#stepper.step({
          kind: 'propose',
          token: message.proposal,
          count: message.batch.count,
          bytes: message.batch.length,
        })
      case 'barrier':
        return this.#stepper.step({ kind: 'barrier', id: message.id })
      case 'readIndex':
        return this.#readIndex(message.id, message.lease)
      case 'query':
        return this.#apply.query(message.minIndex, message.items)
      case 'transfer':
        return this.#stepper.step({ kind: 'transfer', id: message.id, to: message.to })
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
        return this.#stepper.step({ kind: 'logFlushed', seq: message.seq })
      case 'hardStateSaved':
        return this.#stepper.step({ kind: 'hardStateSaved', seq: message.seq })
      case 'incarnationsSaved':
        return this.#peers.incarnationsSaved(message.seq)
      case 'logRefused':
        this.#flushClock.clear()
        this.#links.log.tell({ kind: 'refusalSeen', seq: message.seq })
        this.#context.log.warn({ lastIndex: message.lastIndex }, message.message)
        this.#effects.event({ kind: 'overload', what: 'storage' })
        return this.#stepper.step({
          kind: 'logRefused',
          seq: message.seq,
          lastIndex: message.lastIndex,
        })
      case 'logWritable':
        return this.#stepper.step({ kind: 'logWritable' })
      case 'logRead':
        return this.#reader.answered(message.request, message.batches)
      // -- state machine
      case 'fsmReady':
        this.#fsmHolds = message.lastApplied ?? 0
        return this.#startFsm()
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
        return this.#stepper.step({
          kind: 'snapshotSaved',
          index: message.index,
          term: message.term,
        })
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
        return this.#stepper.step({ kind: 'voteReply', from: message.peer, reply: message.reply })
      case 'higherTerm':
        return this.#stepper.step({ kind: 'higherTerm', peer: message.peer, term: message.term })
      case 'matched':
      case 'heartbeatAck':
        return this.#stepper.step(message)
      case 'lostState': {
        const { peer, session } = message
        this.#context.log.error({ peer, lastIndex: message.lastIndex }, 'a follower lost entries')
        this.#peers.lostState(peer)
        return this.#stepper.step({ kind: 'lostState', peer, session })
      }
      case 'stalled':
        return this.#stepper.step({ kind: 'stalled', term: message.term })
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
        return this.#stepper.step({
          kind: 'requestVote',
          connection: message.connection,
          request: message.request,
        })
      case 'rpcHeartbeat':
        return this.#stepper.step({
          kind: 'heartbeat',
          connection: message.connection,
          request: message.request,
        })
      case 'rpcTimeoutNow':
        return this.#stepper.step({ kind: 'timeoutNow', request: message.request })
      case 'rpcAppendEntries':
        return this.#appends.receive(message)
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
    this.#begun = true
    this.#effects.run(this.#core.start())
    this.#peers.allowVoting()
    this.#snapshots.watch(() => this.#core.status().snapshotIndex)
    this.#tick()
  }

  #tick(): void {
    this.#context.after(this.#init.tickMs, () => {
      this.#tick()
      this.#stepper.step({ kind: 'tick' })
    })
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
        this.#stepper.step({ kind: 'bootstrapped', configuration })
        // S16: whom a fresh node must ask follows from the list; of a single one nobody.
        this.#peers.allowVoting()
        this.#links.node.tell({ kind: 'bootstrapDone', id, reason: null })
      })
    }
    this.#links.log.ask(message).then(done, (error: Error) => this.#context.fail(error))
  }

  #isEmpty(): boolean {
    const { term, lastLogIndex, snapshotIndex } = this.#core.status()
    return term === 0 && lastLogIndex === 0 && snapshotIndex === 0
  }

  /** S10, S11: a replicator that saw a higher term or fell silent has revoked the lease. */
  #readIndex(id: number, lease: boolean): void {
    const { term } = this.#core.status()
    if (lease && this.#board.isRevoked(term)) {
      this.#links.node.tell({ kind: 'readIndexFailed', id, reason: 'leaseUnavailable' })
      return
    }
    this.#stepper.step({ kind: 'readIndex', id, lease })
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

  #startFsm(): void {
    const { fsm } = this.#links
    const holds = this.#fsmHolds
    if (fsm === null || holds === null) return
    this.#fsmHolds = null
    const { snapshotIndex: index, snapshotTerm: term } = this.#core.status()
    // S13: what the log has no more comes from the snapshot.
    this.#apply.start(fsm, holds, holds < index ? { index, term } : null)
  }

  #snapshotReceived(message: Extract<ConsensusMessage, { kind: 'snapshotReceived' }>): void {
    const { leader, leaderTerm, meta, connection, transfer } = message
    const { index, term, configuration } = meta
    this.#snapshotEvent(index, term, 'received')
    this.#stepper.step({ kind: 'snapshotReceived', leader, leaderTerm, index, term, configuration })
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
}
