import { assertNever } from '../../lib/core/assert.js'
import { Replication } from '../../lib/core/replication.js'
import type { ReplicationInput, ReplicationOutput } from '../../lib/core/replication-messages.js'
import type { AppendEntries } from '../../lib/core/rpc.js'
import type { LogIndex, NodeId, Session, Term } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { batchBytes, unpin } from '../../lib/log/slab.js'
import type { ActorContext, Timer } from '../../lib/runtime/actor.js'
import {
  decodeAppendReply,
  decodeSnapshotChunkReply,
  encodeAppendEntries,
  encodeSnapshotChunk,
  FrameType,
  frameOf,
  type SnapshotChunk,
} from '../../lib/transport/messages.js'
import type { LeaderBoardReader } from '../consensus/leader-board.js'
import { AppendTimes } from './append-times.js'
import type { ReplicatorCounts } from './figures.js'
import type { Leadership } from './leadership.js'
import type { PeerConnection } from './peer-connection.js'
import type { ReplicatorConfig, ReplicatorMessage, ReplicatorReply } from './protocol.js'
import { unexpectedFrame } from './unexpected-frame.js'

type Chunk = Extract<ReplicatorMessage, { kind: 'snapshotChunk' }>
type Input = ReplicationInput<BatchRef, Chunk>
type Output = ReplicationOutput<BatchRef, Chunk>

export interface DataLaneParts {
  readonly nodeId: NodeId
  readonly peer: NodeId
  readonly context: ActorContext
  readonly config: ReplicatorConfig
  readonly pinSlot: number
  readonly board: LeaderBoardReader
  readonly leadership: Leadership
  readonly figures: ReplicatorCounts
  readonly connection: () => PeerConnection
  readonly tell: (reply: ReplicatorReply) => void
}

/**
 * Hosts the pure replication machine of the current session: carries its requests over the data
 * connection, which is up only while this node leads, and its wishes to the consensus actor.
 */
export class DataLane {
  readonly #parts: DataLaneParts
  readonly #times: AppendTimes
  #session: Session | null = null
  #machine: Replication<BatchRef, Chunk> | null = null
  #numbers = { firstFeed: 1, firstTransfer: 1 }
  #commitIndex: LogIndex = 0
  /** Of this turn: acknowledgements that arrive together are one message. */
  #matchIndex: LogIndex | null = null
  #timer: { readonly at: number; readonly timer: Timer } | null = null

  constructor(parts: DataLaneParts) {
    this.#parts = parts
    this.#times = new AppendTimes(parts.figures)
  }

  lead(session: Session, lastIndex: LogIndex, lastTerm: Term): void {
    this.unlead()
    this.#session = session
    this.#commitIndex = 0
    this.#machine = new Replication({
      term: session.term,
      lastIndex,
      lastTerm,
      config: this.#parts.config,
      ...this.#numbers,
    })
    this.#parts.connection().start()
  }

  unlead(): void {
    this.#parts.connection().stop()
    const machine = this.#machine
    if (machine === null) return
    this.#machine = null
    this.#session = null
    this.#matchIndex = null
    this.#times.clear()
    this.#numbers = machine.nextNumbers
    this.#timer?.timer.cancel()
    this.#timer = null
    for (const output of machine.end()) {
      if (output.kind === 'release') this.#unpin(output.batches)
    }
  }

  ready(): void {
    if (this.#parts.connection().incarnation === this.#session?.incarnation) {
      this.#step({ kind: 'connected' })
    } else this.#parts.connection().drop('the peer is not the one this session is with', 'long')
  }

  down(): void {
    this.#times.clear()
    this.#step({ kind: 'disconnected' })
  }

  batches(message: Extract<ReplicatorMessage, { kind: 'batches' }>): void {
    if (this.#machine === null) this.#unpin(message.batches)
    else this.#step(message)
  }

  chunk(chunk: Chunk): void {
    this.#step({ kind: 'chunk', chunk })
  }

  frame(type: number, head: Uint8Array): void {
    if (type === FrameType.appendReply) {
      const reply = decodeAppendReply(head)
      this.#times.answered(reply.request, this.#parts.context.now())
      this.#step({ kind: 'appendReply', reply })
    } else if (type === FrameType.snapshotChunkReply) {
      this.#step({ kind: 'chunkReply', reply: decodeSnapshotChunkReply(head) })
    } else throw unexpectedFrame('data', type)
  }

  /** Ends a turn. */
  flush(): void {
    const { peer, tell } = this.#parts
    if (this.#matchIndex !== null && this.#session !== null) {
      tell({ kind: 'matched', peer, session: this.#session, matchIndex: this.#matchIndex })
      this.#matchIndex = null
    }
    this.#arm()
  }

  #step(input: Input): void {
    const now = this.#parts.context.now()
    const commitIndex = this.#parts.board.commitIndex
    if (commitIndex > this.#commitIndex) {
      this.#commitIndex = commitIndex
      this.#carryOut(this.#machine?.step(now, { kind: 'committed', index: commitIndex }) ?? [])
    }
    this.#carryOut(this.#machine?.step(now, input) ?? [])
  }

  /** The session may end among the outputs; what is left of them is then only let go. */
  #carryOut(outputs: readonly Output[]): void {
    for (const output of outputs) {
      const session = this.#session
      if (session !== null) this.#carryOutOne(session, output)
      else if (output.kind === 'append' || output.kind === 'release') this.#unpin(output.batches)
    }
  }

  #carryOutOne(session: Session, output: Output): void {
    const { peer, tell, connection, leadership } = this.#parts
    switch (output.kind) {
      case 'append':
        return this.#sendAppend(output)
      case 'sendChunk':
        return this.#sendChunk(output.chunk, output.meta)
      case 'dropConnection':
        return connection().drop(output.reason)
      case 'matched':
        this.#matchIndex = output.matchIndex
        return
      case 'higherTerm':
        return leadership.overtaken(output.term)
      case 'lostState':
        return tell({ kind: 'lostState', peer, session, lastIndex: output.lastIndex })
      case 'feed': {
        const { feed, fromIndex, creditBytes } = output
        return tell({ kind: 'feed', peer, term: session.term, feed, fromIndex, creditBytes })
      }
      case 'credit':
        return tell({ kind: 'credit', peer, feed: output.feed, bytes: output.bytes })
      case 'wantChunk': {
        const { transfer, offset } = output
        return tell({ kind: 'wantChunk', peer, term: session.term, transfer, offset })
      }
      case 'snapshotSent':
        return tell({ kind: 'snapshotSent', peer, transfer: output.transfer })
      case 'release':
        return this.#unpin(output.batches)
      default:
        assertNever(output)
    }
  }

  #sendAppend(output: Extract<Output, { kind: 'append' }>): void {
    const { batches } = output
    const { context, leadership, nodeId, connection } = this.#parts
    const now = context.now()
    const session = leadership.speakFor(now)
    if (session === null) {
      this.#unpin(batches)
      return
    }
    const request: AppendEntries = {
      kind: 'appendEntries',
      term: session.term,
      leader: nodeId,
      addedAt: session.addedAt,
      incarnation: session.incarnation,
      request: output.request,
      prevLogIndex: output.prevLogIndex,
      prevLogTerm: output.prevLogTerm,
      leaderCommit: output.leaderCommit,
      batches: batches.map(spanOf),
    }
    const head = encodeAppendEntries(request, batches)
    const frame = frameOf(FrameType.appendEntries, head, batches.map(batchBytes))
    // S7: the socket reads the memory until it calls `written`, and only then it may be reused.
    const written = () => this.#unpin(batches)
    if (!connection().send(frame, written)) return written()
    this.#times.sent(output.request, now)
    this.#count(batches)
  }

  #sendChunk(chunk: Chunk, meta: SnapshotChunk['meta']): void {
    const { context, leadership, nodeId, connection } = this.#parts
    const session = leadership.speakFor(context.now())
    if (session === null) return
    const { transfer, offset, length, compressed, done, bytes } = chunk
    const { term, incarnation, addedAt } = session
    const from = { term, leader: nodeId, incarnation, addedAt, transfer, meta }
    const part = { offset, length, compressed, done }
    const head = encodeSnapshotChunk({ kind: 'snapshotChunk', ...from, ...part }, bytes)
    connection().send(frameOf(FrameType.snapshotChunk, head, [bytes]))
    this.#parts.figures.add('chunks')
    this.#parts.figures.add('chunkBytes', bytes.length)
  }

  #count(batches: readonly BatchRef[]): void {
    const { figures } = this.#parts
    let entries = 0
    let bytes = 0
    for (const batch of batches) {
      entries += batch.count
      bytes += batch.length
    }
    figures.add('requests')
    if (entries === 0) return
    figures.add('entries', entries)
    figures.add('bytes', bytes)
  }

  #unpin(batches: readonly BatchRef[]): void {
    for (const batch of batches) unpin(batch, this.#parts.pinSlot)
  }

  /** One timer, at the machine's deadline or before it. */
  #arm(): void {
    const at = this.#machine?.deadline() ?? null
    if (at === null || (this.#timer !== null && this.#timer.at <= at)) return
    const { context } = this.#parts
    this.#timer?.timer.cancel()
    // Whole milliseconds, rounded up: a timer that fires a fraction early would only be set again.
    const timer = context.after(Math.max(1, Math.ceil(at - context.now())), () => {
      this.#timer = null
      this.#tick()
    })
    this.#timer = { at, timer }
  }

  #tick(): void {
    const at = this.#machine?.deadline() ?? null
    if (at !== null && at <= this.#parts.context.now()) this.#step({ kind: 'tick' })
  }
}

function spanOf(batch: BatchRef): AppendEntries['batches'][number] {
  const { firstIndex, count, term } = batch
  return { firstIndex, lastIndex: firstIndex + count - 1, term }
}
