import type { NodeId } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { Allocation } from '../../lib/log/slab.js'
import { TransportError } from '../../lib/transport/errors.js'
import {
  decodeAppendEntries,
  decodeForwardRequest,
  decodeHeartbeat,
  decodeRemoved,
  decodeRequestVote,
  decodeSnapshotChunk,
  decodeTimeoutNow,
  FrameType,
  frameTypeName,
  type WireAppendEntries,
} from '../../lib/transport/messages.js'
import type { Channel, ChannelHandler, Purpose } from '../../lib/transport/transport.js'
import type { BatchReceiver } from './batch-receiver.js'
import { ChunkRoom } from './chunk-room.js'
import type { ConsensusLink } from './consensus-link.js'
import type { InboundCounts } from './figures.js'
import type { HeartbeatAnswerer } from './heartbeat-answerer.js'
import { type Reply, replyFrame } from './replies.js'
import { Unanswered } from './unanswered.js'

/** S18: a peer that does not read its replies is cut off here. */
const MAX_BUFFERED_REPLY_BYTES = 32 * 1024 * 1024

/** What all connections share. */
export interface ConnectionServices {
  readonly consensus: ConsensusLink
  readonly heartbeats: HeartbeatAnswerer
  readonly batches: BatchReceiver
  readonly maxUnansweredBytes: number
  readonly figures: InboundCounts
  now(): number
  closed(connection: PeerConnection, error: Error | null): void
}

/** One admitted connection of a peer: its frames become requests to the consensus actor. */
export class PeerConnection implements ChannelHandler {
  /** Never used again in this process. */
  readonly number: number
  readonly peer: NodeId
  readonly purpose: Purpose
  readonly #services: ConnectionServices
  readonly #unanswered = new Unanswered()
  readonly #chunks = new ChunkRoom()
  #channel: Channel | null = null
  #paused = false
  /** An AppendEntries whose payload is still arriving. */
  #arriving: { readonly wire: WireAppendEntries; readonly allocation: Allocation } | null = null

  constructor(number: number, peer: NodeId, purpose: Purpose, services: ConnectionServices) {
    this.number = number
    this.peer = peer
    this.purpose = purpose
    this.#services = services
  }

  onOpen(channel: Channel): void {
    this.#channel = channel
  }

  allocate(type: number, head: Uint8Array, length: number): Uint8Array {
    this.#checkType(type)
    switch (type) {
      case FrameType.appendEntries: {
        const wire = decodeAppendEntries(head, length)
        const allocation = this.#services.batches.allocate(length)
        this.#arriving = { wire, allocation }
        return new Uint8Array(allocation.memory, allocation.offset, length)
      }
      case FrameType.snapshotChunk:
        return this.#chunks.take(length)
      case FrameType.forwardRequest:
        return new Uint8Array(length)
      default:
        throw new TransportError(
          'RAFT_MESSAGE_MALFORMED',
          `${frameTypeName(type)} has no payload, found one of ${length} bytes`,
          { type, length },
        )
    }
  }

  onFrame(_channel: Channel, type: number, head: Uint8Array, payload: Uint8Array): void {
    this.#checkType(type)
    switch (type) {
      case FrameType.heartbeat:
        return this.#heartbeat(head)
      case FrameType.requestVote:
        return this.#requestVote(head)
      case FrameType.timeoutNow:
        return this.#timeoutNow(head)
      case FrameType.removed:
        return this.#removed(head)
      case FrameType.appendEntries:
        return this.#appendEntries(head)
      case FrameType.snapshotChunk:
        return this.#snapshotChunk(head, payload)
      case FrameType.forwardRequest:
        return this.#forward(head, payload)
    }
  }

  onClose(_channel: Channel, error: Error | null): void {
    this.#channel = null
    if (this.#arriving !== null) this.#services.batches.discard(this.#arriving.allocation)
    this.#arriving = null
    this.#services.closed(this, error)
  }

  reply(reply: Reply): void {
    this.#unanswered.answered(reply)
    if (reply.kind === 'snapshotChunkReply') this.#chunks.release()
    const channel = this.#channel
    if (channel === null) return
    channel.send(replyFrame(reply))
    if (channel.bufferedBytes > MAX_BUFFERED_REPLY_BYTES) return channel.close()
    if (this.#paused && this.#unanswered.bytes <= this.#services.maxUnansweredBytes) {
      this.#paused = false
      channel.resume()
    }
  }

  close(): void {
    this.#channel?.close()
  }

  #heartbeat(head: Uint8Array): void {
    const request = decodeHeartbeat(head)
    this.#checkSender(request.kind, request.leader)
    const { figures, heartbeats } = this.#services
    figures.add('heartbeats')
    const answer = heartbeats.answer(request, this.#services.now())
    if (answer !== null) {
      figures.add('heartbeatsAnswered')
      return this.reply(answer)
    }
    this.#services.consensus.control({ kind: 'rpcHeartbeat', connection: this.number, request })
  }

  #requestVote(head: Uint8Array): void {
    const request = decodeRequestVote(head)
    this.#checkSender(request.kind, request.candidate)
    this.#services.figures.add('votesAsked')
    this.#services.consensus.control({ kind: 'rpcRequestVote', connection: this.number, request })
  }

  #timeoutNow(head: Uint8Array): void {
    const request = decodeTimeoutNow(head)
    this.#checkSender(request.kind, request.leader)
    this.#services.consensus.control({ kind: 'rpcTimeoutNow', connection: this.number, request })
  }

  #removed(head: Uint8Array): void {
    const request = decodeRemoved(head)
    this.#checkSender(request.kind, request.leader)
    this.#services.consensus.control({ kind: 'rpcRemoved', connection: this.number, request })
  }

  #appendEntries(head: Uint8Array): void {
    const arriving = this.#arriving
    this.#arriving = null
    const { request, batches: announced } = arriving?.wire ?? decodeAppendEntries(head, 0)
    const { batches: receiver, consensus } = this.#services
    const batches = arriving === null ? [] : receiver.accept(arriving.allocation, announced)
    const bytes = arriving?.allocation.length ?? 0
    try {
      this.#checkSender(request.kind, request.leader)
      const message = {
        kind: 'rpcAppendEntries',
        connection: this.number,
        request,
        batches,
      } as const
      this.#tell(consensus.data(message, bytes), bytes)
    } catch (error) {
      receiver.release(batches)
      throw error
    }
    this.#count(batches, bytes)
    this.#unanswered.append(request.request, bytes)
    this.#pauseWhenFull()
  }

  #snapshotChunk(head: Uint8Array, bytes: Uint8Array): void {
    const request = decodeSnapshotChunk(head, bytes)
    this.#checkSender(request.kind, request.leader)
    const message = { kind: 'rpcSnapshotChunk', connection: this.number, request, bytes } as const
    this.#tell(this.#services.consensus.data(message, bytes.length), bytes.length)
    this.#services.figures.add('chunks')
    this.#services.figures.add('chunkBytes', bytes.length)
    this.#unanswered.chunk(bytes.length)
    this.#pauseWhenFull()
  }

  #forward(head: Uint8Array, body: Uint8Array): void {
    const { request } = decodeForwardRequest(head, body)
    const { number: connection, peer } = this
    const message = { kind: 'rpcForward', connection, request, peer, body } as const
    this.#tell(this.#services.consensus.data(message, body.length), body.length)
    this.#services.figures.add('forwards')
    this.#unanswered.forward(request, body.length)
    this.#pauseWhenFull()
  }

  #count(batches: readonly BatchRef[], bytes: number): void {
    const { figures } = this.#services
    figures.add('requests')
    if (batches.length === 0) return
    figures.add(
      'entries',
      batches.reduce((sum, { count }) => sum + count, 0),
    )
    figures.add('bytes', bytes)
  }

  /** The pause takes effect behind the frames that are already in the socket's chunk. */
  #pauseWhenFull(): void {
    if (this.#paused || this.#unanswered.bytes <= this.#services.maxUnansweredBytes) return
    this.#paused = true
    this.#services.figures.add('pauses')
    this.#channel?.pause()
  }

  /** A request that found no room is never answered: the peer learns by losing the connection. */
  #tell(taken: boolean, bytes: number): void {
    if (taken) return
    throw new TransportError(
      'RAFT_OVERLOADED',
      'the mailbox of the consensus actor is full; the peer dials again and sends anew',
      { peer: this.peer, bytes },
    )
  }

  #checkType(type: number): void {
    if (CARRIED[this.purpose].has(type)) return
    throw new TransportError(
      'RAFT_FRAME_UNEXPECTED',
      `a ${this.purpose} connection does not carry ${frameTypeName(type)}`,
      { peer: this.peer, purpose: this.purpose, type },
    )
  }

  /** Nobody speaks for another node. */
  #checkSender(kind: string, sender: NodeId): void {
    if (sender === this.peer) return
    throw new TransportError(
      'RAFT_MESSAGE_MALFORMED',
      `a ${kind} of ${sender} came over a connection of ${this.peer}`,
      { kind, sender, peer: this.peer },
    )
  }
}

const CARRIED: Readonly<Record<Purpose, ReadonlySet<number>>> = {
  data: new Set<number>([FrameType.appendEntries, FrameType.snapshotChunk]),
  heartbeat: new Set<number>([
    FrameType.heartbeat,
    FrameType.requestVote,
    FrameType.timeoutNow,
    FrameType.removed,
  ]),
  client: new Set<number>([FrameType.forwardRequest]),
}
