import { assertNever } from '../../lib/core/assert.js'
import type {
  ActorContext,
  ActorRef,
  Behavior,
  CreateActor,
  Timer,
} from '../../lib/runtime/actor.js'
import type { ConsensusInit } from './consensus-init.js'
import { FsmReplies } from './fsm-replies.js'
import { FsmWatch } from './fsm-watch.js'
import { InboundRequests } from './inbound-requests.js'
import { LogReplies } from './log-replies.js'
import { NodeRequests } from './node-requests.js'
import { createParts, type Parts } from './parts.js'
import type { ConsensusMessage } from './protocol.js'
import { ReplayProgress } from './replay-progress.js'
import { ReplicatorReplies } from './replicator-replies.js'
import { SnapshotReplies } from './snapshot-replies.js'

export const createActor: CreateActor<ConsensusInit, ConsensusMessage> = (init, context) =>
  new ConsensusActor(init, context)

/**
 * Messages in, effects out; see protocol.ts for the troupe around it. Each source of messages has a
 * dispatcher of its own; this class knows what happens around them, at the turns of the actor.
 */
export class ConsensusActor implements Behavior<ConsensusMessage> {
  readonly #parts: Parts
  readonly #node: NodeRequests
  readonly #log: LogReplies
  readonly #fsm: FsmReplies
  readonly #snapshot: SnapshotReplies
  readonly #replicators: ReplicatorReplies
  readonly #inbound: InboundRequests
  readonly #fsmWatch: FsmWatch
  #lastTurnAt: number
  readonly #replay: ReplayProgress
  #nextTick: Timer | null = null
  #begun = false

  constructor(init: ConsensusInit, context: ActorContext) {
    this.#lastTurnAt = context.now()
    const parts = createParts(init, context)
    this.#parts = parts
    this.#fsmWatch = new FsmWatch(
      init.applyStallTimeoutMs,
      () => parts.settings.now.tickMs,
      context.now(),
    )
    this.#replay = new ReplayProgress(init.log.lastIndex, context.now(), (event) =>
      parts.effects.event(event),
    )
    this.#node = new NodeRequests(parts, () => this.#settingsChanged())
    this.#log = new LogReplies(parts)
    this.#fsm = new FsmReplies(parts)
    this.#snapshot = new SnapshotReplies(parts)
    this.#replicators = new ReplicatorReplies(parts)
    this.#inbound = new InboundRequests(parts, () => this.#node.bootstrapping)
  }

  linked(name: string, ref: ActorRef): void {
    this.#parts.links.set(name, ref)
    if (name === 'fsm') this.#fsm.linked()
    // Whoever is told what the core does is there now.
    if (name === 'node') this.#begin()
  }

  unlinked(name: string): void {
    const { links, peers, outgoing } = this.#parts
    const gone = links.clear(name)
    if (gone !== null) {
      peers.replicatorGone(gone)
      outgoing.stop(gone.peer)
    }
    if (name === 'fsm') this.#fsm.unlinked()
    if (name === 'snapshot') this.#snapshot.unlinked()
  }

  beforeTurn(): void {
    const { context, board, settings, stepper, core } = this.#parts
    const now = context.now()
    const late = now - this.#lastTurnAt
    this.#lastTurnAt = now
    board.consensusAliveAt = now
    // S11: after so long others may lead; the first act on waking is to step down.
    if (late > settings.now.core.leaderStallTimeoutMs) {
      stepper.step({ kind: 'stalled', term: core.status().term })
    }
  }

  afterTurn(): void {
    if (!this.#begun) return
    const { core, proposals, init, snapshots, apply, tail, lag, board, flushClock } = this.#parts
    const { commitIndex, flushedIndex, role } = core.status()
    if (role !== 'leader') this.#parts.outgoing.stopAll()
    proposals.flushed(flushedIndex)
    const bounded = init.flushedOnly || snapshots.holdsBack
    apply.raiseLimit(bounded ? Math.min(commitIndex, flushedIndex) : commitIndex)
    snapshots.pump(flushedIndex)
    // S7: a state machine that lags reads what is evicted from the store, like a follower.
    tail.evict(flushedIndex)
    lag.committed(commitIndex)
    lag.applied(apply.applied)
    this.#replay.look(this.#lastTurnAt, apply.applied)
    board.oldestUnflushedAt = flushClock.oldestAt
    this.#parts.status.publish()
  }

  receive(message: ConsensusMessage): void {
    switch (message.kind) {
      case 'propose':
      case 'barrier':
      case 'readIndex':
      case 'query':
      case 'transfer':
      case 'changeMembers':
      case 'cancelChange':
      case 'takeSnapshot':
      case 'reload':
      case 'restoreBegin':
      case 'restoreCommit':
      case 'restoreCancel':
      case 'bootstrap':
      case 'peers':
      case 'forward':
      case 'answerForwarded':
      case 'replicatorStarted':
      case 'shutdown':
        return this.#node.receive(message)
      case 'logFlushed':
      case 'hardStateSaved':
      case 'incarnationsSaved':
      case 'logRefused':
      case 'logWritable':
      case 'logRead':
        return this.#log.receive(message)
      case 'fsmReady':
      case 'applied':
      case 'queried':
      case 'restored':
      case 'restoring':
      case 'snapshotTaken':
      case 'snapshotFailed':
        return this.#fsm.receive(message)
      case 'chunkRead':
      case 'chunkFailed':
      case 'chunkStored':
      case 'snapshotReceived':
        return this.#snapshot.receive(message)
      case 'peerConnected':
      case 'peerRefused':
      case 'peerHealth':
      case 'voteReply':
      case 'higherTerm':
      case 'matched':
      case 'heartbeatAck':
      case 'lostState':
      case 'stalled':
      case 'feed':
      case 'credit':
      case 'wantChunk':
      case 'snapshotSent':
      case 'forwardReply':
        return this.#replicators.receive(message)
      case 'hello':
      case 'rpcRequestVote':
      case 'rpcHeartbeat':
      case 'rpcTimeoutNow':
      case 'rpcRemoved':
      case 'rpcAppendEntries':
      case 'rpcSnapshotChunk':
      case 'rpcForward':
      case 'connectionClosed':
        return this.#inbound.receive(message)
      default:
        assertNever(message)
    }
  }

  /** Shorter timeouts are looked at by shorter ticks, from now on. */
  #settingsChanged(): void {
    if (this.#nextTick === null) return
    this.#nextTick.cancel()
    this.#tick()
  }

  #begin(): void {
    const { effects, core, peers, snapshots } = this.#parts
    this.#begun = true
    effects.run(core.start())
    peers.allowVoting()
    snapshots.watch(() => core.status().snapshotIndex)
    this.#tick()
  }

  #tick(): void {
    const { context, settings, stepper, feeds, apply, contacts, core } = this.#parts
    const { tickMs } = settings.now
    contacts.armed(context.now(), tickMs)
    this.#nextTick = context.after(tickMs, () => {
      const { heartbeatTimeoutMs } = settings.now.core
      stepper.step({ kind: 'tick' })
      contacts.ticked(context.now(), core.status(), heartbeatTimeoutMs)
      this.#tick()
      // What found a full mailbox is told again.
      feeds.pump()
      apply.pump()
      this.#watchFsm()
    })
  }

  #watchFsm(): void {
    const { context, apply, effects } = this.#parts
    const report = this.#fsmWatch.look(context.now(), apply.work)
    if (report === null) return
    const { answers: _, ...facts } = report
    if (facts.change === 'resumed') context.log.info(facts, 'the state machine answers again')
    else context.log.warn(facts, 'the state machine does not answer')
    effects.event({ kind: 'stateMachine', ...facts })
  }
}
