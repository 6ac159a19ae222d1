import { assert, assertNever } from '../../lib/core/assert.js'
import type { AppendedBatch, ControlBlock, Effect } from '../../lib/core/effects.js'
import type { RaftCore } from '../../lib/core/raft-core.js'
import type { IndexedConfiguration, LogIndex, NodeId, Term } from '../../lib/core/types.js'
import {
  type BatchRef,
  ENTRY_BARRIER,
  ENTRY_CONFIGURATION,
  ENTRY_NOOP,
  encodeBatch,
  type NewEntry,
  sealBatch,
} from '../../lib/log/batch.js'
import { encodeConfiguration } from '../../lib/log/configuration-codec.js'
import type { LogTail } from '../../lib/log/log-tail.js'
import { PIN_LOG, pin } from '../../lib/log/slab.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { LogMessage } from '../log/protocol.js'
import { Announcer } from './announcer.js'
import type { ApplyFeed } from './apply-feed.js'
import type { ControlBlockWriter } from './control-block.js'
import type { FlushClock } from './flush-clock.js'
import type { FollowerFeeds } from './follower-feeds.js'
import type { LagMeter } from './lag-meter.js'
import type { LeaderBoardWriter } from './leader-board.js'
import type { Links } from './links.js'
import type { Proposals } from './proposals.js'
import type { NodeEvent } from './protocol.js'

const NOTHING = new Uint8Array(0)

export interface EffectRunnerParts {
  readonly self: NodeId
  readonly context: ActorContext
  readonly core: () => RaftCore
  readonly links: Links
  readonly tail: LogTail
  readonly feeds: FollowerFeeds
  readonly apply: ApplyFeed
  readonly proposals: Proposals
  readonly board: LeaderBoardWriter
  readonly control: ControlBlockWriter
  readonly flushClock: FlushClock
  readonly lag: LagMeter
  /** Time of the newest batch that the log held at start. */
  readonly lastTime: number
  readonly onMembers: (configuration: IndexedConfiguration, committed: boolean) => void
}

/** Carries out the core's effects, in order; the only way from the core to the rest of the troupe. */
export class EffectRunner {
  readonly announcer: Announcer
  readonly #parts: EffectRunnerParts
  /** Bytes of AppendEntries that the core is stepping through, by token. */
  readonly #received = new Map<number, readonly BatchRef[]>()
  /** What the core last published; a step that withdraws it puts it back afterwards (S9). */
  #block: ControlBlock | null = null
  #lastTime: number
  #probe = 0

  constructor(parts: EffectRunnerParts) {
    this.#parts = parts
    this.announcer = new Announcer(parts.self, (event) => this.event(event))
    this.#lastTime = parts.lastTime
  }

  get controlBlock(): ControlBlock | null {
    return this.#block
  }

  get probe(): number {
    return this.#probe
  }

  receiving(token: number, batches: readonly BatchRef[]): void {
    this.#received.set(token, batches)
  }

  /** Forgets the token; returns the batches that no append took. */
  received(token: number): readonly BatchRef[] {
    const batches = this.#received.get(token) ?? []
    this.#received.delete(token)
    return batches
  }

  run(effects: readonly Effect[]): void {
    for (const effect of effects) this.#run(effect)
  }

  event(event: NodeEvent): void {
    this.#parts.links.node.tell({ kind: 'event', event })
  }

  snapshotEvent(index: LogIndex, term: Term, change: 'saved' | 'received' | 'sent'): void {
    this.#parts.context.log.info({ index, term, change }, 'snapshot')
    this.event({ kind: 'snapshot', index, term, change, reason: '' })
  }

  /** `id`: of the snapshot, as far as it is known. */
  snapshotFailed(
    id: { readonly index: LogIndex; readonly term: Term } | null,
    reason: string,
  ): void {
    const { index, term } = id ?? { index: 0, term: 0 }
    this.event({ kind: 'snapshot', index, term, change: 'failed', reason })
  }

  #run(effect: Effect): void {
    const { links, apply, proposals, feeds } = this.#parts
    switch (effect.kind) {
      case 'saveHardState':
        links.log.control({
          kind: 'saveHardState',
          seq: effect.seq,
          hardState: effect.hardState,
        })
        return
      case 'append':
        return this.#append(effect.seq, effect.batches)
      case 'truncate':
        if (effect.again !== true) this.#cut(effect.fromIndex)
        return this.#changeLog({ kind: 'truncate', seq: effect.seq, fromIndex: effect.fromIndex })
      case 'resetLog': {
        if (effect.again !== true) this.#empty(effect.index)
        const { seq, index, term } = effect
        return this.#changeLog({ kind: 'reset', seq, index, term })
      }
      case 'compact':
        return this.#changeLog({ kind: 'compact', seq: effect.seq, index: effect.index })
      case 'commit':
        this.#parts.board.commitIndex = effect.index
        return
      case 'restoreSnapshot':
        return apply.restore(effect.index, effect.term)
      case 'discardSnapshot':
        links.snapshot?.tell(discard(effect))
        return
      case 'holdApply':
        return apply.hold()
      case 'restoreUndone':
        return apply.goOn(effect.index, effect.term, effect.undone)
      case 'restoreReady':
      case 'restoreRefused':
        links.node.tell(effect)
        return
      case 'replyVote':
        this.announcer.voteAnswered(effect)
        return this.#reply(effect)
      case 'replyAppend':
      case 'replyHeartbeat':
        return this.#reply(effect)
      case 'requestVotes':
        this.announcer.votesRequested(effect)
        for (const peer of effect.peers) {
          const request = { kind: 'requestVote', request: effect.request } as const
          links.replicators.get(peer)?.ref.control(request)
        }
        return
      case 'lead':
        return this.lead(effect)
      case 'unlead':
        feeds.stop(effect.peer)
        links.replicators.get(effect.peer)?.ref.control({ kind: 'unlead' })
        return
      case 'probe':
        return this.#sendProbe(effect.probe)
      case 'timeoutNow':
        links.replicators.get(effect.peer)?.ref.control({ kind: 'timeoutNow', term: effect.term })
        return
      case 'tellRemoved': {
        const { peer, term, index } = effect
        links.replicators.get(peer)?.ref.control({ kind: 'tellRemoved', term, index })
        return
      }
      case 'members':
        return this.#members(effect)
      case 'removedFromCluster':
        this.#parts.context.log.warn({ index: effect.index }, 'removed from the cluster')
        links.node.tell({ kind: 'removed', index: effect.index })
        return
      case 'changeDone':
        links.node.tell(effect)
        return
      case 'controlBlock':
        this.#block = effect.block
        if (effect.block === null) this.#parts.control.withdraw()
        else this.#parts.control.publish(effect.block)
        return
      case 'accepted':
        return proposals.accepted(effect.token, effect.firstIndex, effect.term)
      case 'rejected':
        return proposals.rejected(effect.token, effect.reason)
      case 'barrierAccepted':
        return proposals.barrier(effect.id, effect.index)
      case 'barrierRejected': {
        const { id, reason } = effect
        links.node.tell({ kind: 'barrierFailed', id, reason, outcome: 'rejected' })
        return
      }
      case 'readReady':
        links.node.tell({ kind: 'readIndexDone', id: effect.id, index: effect.index })
        return
      case 'readRejected':
        links.node.tell({ kind: 'readIndexFailed', id: effect.id, reason: effect.reason })
        return
      case 'transferDone':
        links.node.tell({ kind: 'transferDone', id: effect.id, reason: effect.reason })
        return
      case 'proposalsUnknown':
        return proposals.unknown(effect.fromIndex, effect.reason ?? 'leadershipLost')
      case 'roleChanged':
        return this.#roleChanged(effect)
      default:
        assertNever(effect)
    }
  }

  #reply(effect: Extract<Effect, { kind: 'replyVote' | 'replyAppend' | 'replyHeartbeat' }>): void {
    const { connection, reply } = effect
    this.#parts.links.inbound?.control({ kind: 'reply', connection, reply })
  }

  /** Also called when a replicator has been started anew while this node leads. */
  lead(effect: Omit<Extract<Effect, { kind: 'lead' }>, 'kind'>): void {
    const { peer, term, incarnation, lastIndex, lastTerm } = effect
    this.#parts.feeds.stop(peer.id)
    const { addedAt } = peer
    const where = { term, addedAt, incarnation, lastIndex, lastTerm, probe: this.#probe }
    this.#parts.links.replicators.get(peer.id)?.ref.control({ kind: 'lead', ...where })
  }

  #append(seq: number, batches: readonly AppendedBatch[]): void {
    const { tail, feeds, context, flushClock, lag } = this.#parts
    const refs: BatchRef[] = []
    let bytes = 0
    for (const batch of batches) {
      const ref = this.#bytesOf(batch)
      if (batch.content.kind !== 'held') {
        tail.append(ref)
        lag.appended(batch.lastIndex, ref.length)
      }
      pin(ref, PIN_LOG)
      bytes += ref.length
      refs.push(ref)
    }
    flushClock.issued(seq, context.now())
    // S5: the leader sends before it writes; it counts itself only when the flush has returned.
    feeds.pump()
    this.#tellLog({ kind: 'append', seq, batches: refs }, bytes)
  }

  #bytesOf(batch: AppendedBatch): BatchRef {
    const { content } = batch
    switch (content.kind) {
      case 'proposed': {
        const body = this.#parts.proposals.take(content.token)
        assert(body !== undefined, 'a proposal has its bytes', { token: content.token })
        return sealBatch(body, this.#head(batch))
      }
      case 'received': {
        const ref = this.#received.get(content.token)?.[content.position]
        assert(ref !== undefined, 'a received batch has its bytes', { ...content })
        return ref
      }
      case 'held': {
        const ref = this.#parts.tail.find(batch.firstIndex)
        assert(ref !== null, 'what the store refused is still in the tail', {
          firstIndex: batch.firstIndex,
        })
        return ref
      }
      case 'noop':
        return this.#encode(batch, { type: ENTRY_NOOP, data: NOTHING })
      case 'barrier':
        return this.#encode(batch, { type: ENTRY_BARRIER, data: NOTHING })
      case 'configuration': {
        const data = encodeConfiguration(content.configuration)
        return this.#encode(batch, { type: ENTRY_CONFIGURATION, data })
      }
      default:
        return assertNever(content)
    }
  }

  #encode(batch: AppendedBatch, entry: NewEntry): BatchRef {
    return encodeBatch([entry], this.#head(batch))
  }

  /** S14: the leader's clock, made never to decrease along the log. */
  #head(batch: AppendedBatch) {
    this.#lastTime = Math.max(this.#lastTime, this.#parts.context.wallClock())
    const { firstIndex, term, prevTerm } = batch
    return { firstIndex, term, prevTerm, time: this.#lastTime }
  }

  /** The clock of the leader whose batches these are; a later own term goes on from it. */
  sawTime(time: number): void {
    this.#lastTime = Math.max(this.#lastTime, time)
  }

  #changeLog(
    message:
      | { readonly kind: 'truncate'; readonly seq: number; readonly fromIndex: number }
      | {
          readonly kind: 'reset'
          readonly seq: number
          readonly index: number
          readonly term: number
        }
      | { readonly kind: 'compact'; readonly seq: number; readonly index: number },
  ): void {
    this.#parts.flushClock.issued(message.seq, this.#parts.context.now())
    this.#tellLog(message, 0)
  }

  /** S5: the log is one FIFO; to go on behind an operation that was not taken would tear it. */
  #tellLog(message: LogMessage & { readonly seq: number }, bytes: number): void {
    const taken = this.#parts.links.log.tell(message, bytes)
    assert(taken, 'the log actor has room for what the windows allow', { seq: message.seq, bytes })
  }

  #cut(fromIndex: LogIndex): void {
    this.#parts.tail.truncate(fromIndex)
    this.#parts.lag.truncated(fromIndex)
  }

  #empty(index: LogIndex): void {
    this.#parts.tail.reset(index)
    this.#parts.lag.truncated(0)
  }

  #sendProbe(probe: number): void {
    this.#probe = probe
    const { term } = this.#parts.core().status()
    for (const { ref } of this.#parts.links.replicators.values()) {
      ref.control({ kind: 'probe', term, probe })
    }
  }

  #members(effect: Extract<Effect, { kind: 'members' }>): void {
    const { peers, standing, committed, configuration } = effect
    this.#parts.onMembers(configuration, committed)
    this.#parts.links.node.tell({ kind: 'members', peers, standing })
    this.announcer.members(configuration, committed)
  }

  #roleChanged(effect: Extract<Effect, { kind: 'roleChanged' }>): void {
    const { role, term, leader, cause } = effect
    this.#parts.context.log.info({ role, term, leader, cause }, 'role changed')
    this.announcer.roleChanged(effect)
  }
}

function discard({ index, term, undone }: Extract<Effect, { kind: 'discardSnapshot' }>) {
  return { kind: 'discard', index, term, ...(undone === true && { undone }) } as const
}
