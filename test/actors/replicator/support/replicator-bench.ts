import {
  allocateLeaderBoard,
  LeaderBoardWriter,
} from '../../../../actors/consensus/leader-board.js'
import type {
  ReplicatorConfig,
  ReplicatorInit,
  ReplicatorMessage,
  ReplicatorReply,
} from '../../../../actors/replicator/protocol.js'
import { createActor } from '../../../../actors/replicator/replicator-actor.js'
import type { AppendReply, HeartbeatReply } from '../../../../lib/core/rpc.js'
import { BatchBuilder, type BatchRef, ENTRY_COMMAND, sealBatch } from '../../../../lib/log/batch.js'
import { Arena, pin } from '../../../../lib/log/slab.js'
import type { ActorRef, Behavior, Message } from '../../../../lib/runtime/actor.js'
import { isPromise } from '../../../../lib/runtime/promise.js'
import { SharedWords } from '../../../../lib/runtime/shared-words.js'
import {
  decodeAppendEntries,
  decodeHeartbeat,
  encodeAppendReply,
  encodeHeartbeatReply,
  FrameType,
} from '../../../../lib/transport/messages.js'
import type { Frame, Purpose } from '../../../../lib/transport/transport.js'
import { ManualContext } from '../../../transport/support/manual-context.js'
import { type FakeChannel, FakeTransport } from './fake-transport.js'

export const SLOT = 5
export const TERM = 7
export const PEER_INCARNATION = 'inc-2'

export const benchConfig: ReplicatorConfig = {
  heartbeatIntervalMs: 100,
  heartbeatTimeoutMs: 1000,
  leaderLeaseTimeoutMs: 500,
  commitTimeoutMs: 50,
  maxInflightBytes: 100_000,
  maxInflightRequests: 8,
  maxAppendBytes: 10_000,
  snapshotChunkBytes: 1000,
  replicationStallTimeoutMs: 10_000,
  leaderStallTimeoutMs: 5000,
  reconnectMinMs: 50,
  reconnectMaxMs: 2000,
  forwardTimeoutMs: 4000,
}

type Kind = ReplicatorReply['kind']
type Reply<K extends Kind> = Extract<ReplicatorReply, { kind: K }>

/** A replicator of node n1 towards n2 whose time, peer and consensus actor are the test. */
export class ReplicatorBench {
  readonly context = new ManualContext()
  readonly transport = new FakeTransport(this.context)
  readonly board: LeaderBoardWriter
  readonly arena = new Arena({ slabBytes: 1 << 16, maxIdleSlabs: 2 })
  readonly #told: ReplicatorReply[] = []
  readonly #actor: Behavior<ReplicatorMessage>
  /** False: consensus is blocked, and its sign of life grows old. */
  consensusRuns = true

  constructor(config: Partial<ReplicatorConfig> = {}) {
    const leaderBoard = allocateLeaderBoard()
    this.board = new LeaderBoardWriter(new SharedWords(leaderBoard))
    this.board.consensusAliveAt = this.context.now()
    const init: ReplicatorInit = {
      nodeId: 'n1',
      cluster: 'orders',
      incarnation: 'inc-1',
      standing: { generation: '-', addedAt: 1 },
      peer: 'n2',
      address: 'n2:7702',
      transport: this.transport.spec,
      pinSlot: SLOT,
      leaderBoard,
      config: { ...benchConfig, ...config },
    }
    const actor = createActor(init, this.context)
    if (isPromise(actor)) throw new Error('with a transport at hand there is nothing to wait for')
    this.#actor = actor
    this.context.afterTurn = () => actor.afterTurn?.()
    this.context.turn(() => actor.linked?.('consensus', this.#consensus()))
  }

  /** Up to the end of the first handshake: n2 is connected and admitted. */
  static connected(config: Partial<ReplicatorConfig> = {}): ReplicatorBench {
    const bench = new ReplicatorBench(config)
    bench.heartbeat.welcome(PEER_INCARNATION)
    bench.tell({ kind: 'admitted', incarnation: PEER_INCARNATION, admitted: true })
    bench.takeAll()
    return bench
  }

  /** And n1 leads; its log ends at (10, 6). */
  static leading(config: Partial<ReplicatorConfig> = {}): ReplicatorBench {
    const bench = ReplicatorBench.connected(config)
    bench.lead()
    return bench
  }

  /** And the data connection is up and its first probe taken: the feed 1 is open from 11 on. */
  static replicating(config: Partial<ReplicatorConfig> = {}): ReplicatorBench {
    const bench = ReplicatorBench.leading(config)
    bench.data.welcome(PEER_INCARNATION)
    bench.answerAppend({ request: 1, matchIndex: 10 })
    bench.heartbeat.take()
    bench.data.take()
    bench.takeAll()
    return bench
  }

  get heartbeat(): FakeChannel {
    return this.transport.newest('heartbeat')
  }

  get data(): FakeChannel {
    return this.transport.newest('data')
  }

  get client(): FakeChannel {
    return this.transport.newest('client')
  }

  tell(...messages: readonly ReplicatorMessage[]): void {
    this.context.turn(() => {
      for (const message of messages) this.#actor.receive(message)
    })
  }

  lead(fields: Partial<Extract<ReplicatorMessage, { kind: 'lead' }>> = {}): void {
    const log = { lastIndex: 10, lastTerm: 6 }
    const session = { term: TERM, addedAt: 1, incarnation: PEER_INCARNATION }
    this.tell({ kind: 'lead', ...session, ...log, probe: 0, ...fields })
  }

  /** Time passes in small steps, while the consensus actor runs or does not. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 10) {
      if (this.consensusRuns) this.board.consensusAliveAt = this.context.now() + 10
      this.context.advance(Math.min(10, left))
    }
  }

  stop(): void {
    this.#actor.stop?.()
    this.context.alive = false
  }

  /** What consensus was told of this kind since it was last asked. */
  take<K extends Kind>(kind: K): readonly Reply<K>[] {
    const taken = this.#told.filter((reply): reply is Reply<K> => reply.kind === kind)
    for (const reply of taken) this.#told.splice(this.#told.indexOf(reply), 1)
    return taken
  }

  takeAll(): readonly ReplicatorReply[] {
    return this.#told.splice(0)
  }

  dials(purpose: Purpose): number {
    return this.transport.count(purpose)
  }

  /** Answers the oldest unanswered heartbeat, or says something else in that form. */
  answerHeartbeat(reply: Partial<HeartbeatReply>): void {
    const fields = { kind: 'heartbeatReply', term: TERM, accepted: true } as const
    const echo = { probe: 0, sentAt: 0, leaseMs: 500, ...reply }
    const head = encodeHeartbeatReply({ ...fields, ...echo })
    this.heartbeat.receive(FrameType.heartbeatReply, head)
  }

  answerAppend(reply: Partial<AppendReply>): void {
    const fields = { kind: 'appendReply', term: TERM, request: 1, success: true, matchIndex: 0 }
    const head = encodeAppendReply({ ...fields, ...reply } as AppendReply)
    this.data.receive(FrameType.appendReply, head)
  }

  /** A batch of one command as consensus would feed it: pinned for this replicator. */
  batch(firstIndex: number, term = TERM, prevTerm = term): BatchRef {
    const builder = new BatchBuilder(this.arena)
    builder.add(ENTRY_COMMAND, new TextEncoder().encode(`entry ${firstIndex}`))
    const ref = sealBatch(builder.finish(), { firstIndex, term, prevTerm, time: 1 })
    pin(ref, SLOT)
    return ref
  }

  #consensus(): ActorRef {
    const told = this.#told
    return {
      name: 'consensus',
      tell: () => {
        throw new Error('replies to consensus use the control lane')
      },
      control: (message: Message) => told.push(message as ReplicatorReply) > 0,
      ask: () => Promise.reject(new Error('nothing is asked')),
      backlog: () => ({ messages: 0, bytes: 0 }),
    }
  }
}

/** Pins that this replicator holds on the batch's slab. */
export function pins(ref: BatchRef): number {
  return Atomics.load(new Int32Array(ref.memory), SLOT)
}

export function heartbeatsOf(frames: readonly Frame[]) {
  return frames
    .filter(({ type }) => type === FrameType.heartbeat)
    .map(({ head }) => decodeHeartbeat(head))
}

export function appendsOf(frames: readonly Frame[]) {
  return frames
    .filter(({ type }) => type === FrameType.appendEntries)
    .map(({ head, payload }) => {
      const bytes = payload.reduce((sum, part) => sum + part.length, 0)
      return decodeAppendEntries(head, bytes).request
    })
}
