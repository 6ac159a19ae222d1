import type { ActorContext, Behavior } from '../../../../lib/runtime/actor.js'
import { PROTOCOL_VERSION } from '../../../../lib/transport/handshake.js'
import {
  decodeAppendEntries,
  decodeHeartbeat,
  encodeAppendReply,
  encodeHeartbeatReply,
  FrameType,
  frameOf,
} from '../../../../lib/transport/messages.js'
import { openTransport } from '../../../../lib/transport/open-transport.js'
import type {
  Channel,
  ChannelHandler,
  Listener,
  TransportSpec,
} from '../../../../lib/transport/transport.js'
import { ModelFollower } from '../../../core/support/model-follower.js'
import { PEER_INCARNATION, TERM } from './replicator-bench.js'

/** The other node: answers heartbeats and appends, on whatever transport. */
export class FollowerActor implements Behavior {
  readonly model = new ModelFollower(TERM, [])
  readonly #listener: Listener
  readonly #channels = new Set<Channel>()

  private constructor(listener: Listener) {
    this.#listener = listener
  }

  static async create(spec: TransportSpec, context: ActorContext): Promise<FollowerActor> {
    const transport = await openTransport(spec, context)
    let follower: FollowerActor | null = null
    const listener = await transport.listen({
      onHello: (hello, accept) => {
        const { cluster, to } = hello
        const identity = { cluster, nodeId: to, incarnation: PEER_INCARNATION }
        if (follower !== null) {
          accept({ version: PROTOCOL_VERSION, ...identity }, follower.#handler())
        }
      },
      onRefused: (_remote, error) => context.fail(error),
    })
    follower = new FollowerActor(listener)
    return follower
  }

  get address(): string {
    return this.#listener.address
  }

  receive(): void {}

  /** Breaks every connection. */
  hangUp(): void {
    for (const channel of this.#channels) channel.close()
  }

  async stop(): Promise<void> {
    this.hangUp()
    await this.#listener.close()
  }

  #handler(): ChannelHandler {
    return {
      onOpen: (channel) => this.#channels.add(channel),
      onClose: (channel) => this.#channels.delete(channel),
      onFrame: (channel, type, head, payload) => {
        if (type === FrameType.heartbeat) {
          const { kind, leader, ...echo } = decodeHeartbeat(head)
          const reply = { kind: 'heartbeatReply', accepted: true, ...echo } as const
          channel.send(frameOf(FrameType.heartbeatReply, encodeHeartbeatReply(reply)))
        } else if (type === FrameType.appendEntries) this.#append(channel, head, payload)
      },
    }
  }

  #append(channel: Channel, head: Uint8Array, payload: Uint8Array): void {
    const { request, batches } = decodeAppendEntries(head, payload.length)
    const reply = this.model.append({ ...request, batches })
    for (const answer of reply === null ? this.model.flush() : [reply]) {
      channel.send(frameOf(FrameType.appendReply, encodeAppendReply(answer)))
    }
  }
}
