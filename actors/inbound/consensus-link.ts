import type { ActorRef } from '../../lib/runtime/actor.js'
import type { InboundReply } from './protocol.js'

type ControlReply = Exclude<InboundReply, DataReply>
type DataReply = Extract<
  InboundReply,
  { readonly kind: 'rpcAppendEntries' | 'rpcSnapshotChunk' | 'rpcForward' }
>

/** The way to the consensus actor, by lane. Before the link exists nothing is taken. */
export class ConsensusLink {
  #ref: ActorRef<InboundReply> | null = null

  get isLinked(): boolean {
    return this.#ref !== null
  }

  linked(ref: ActorRef<InboundReply>): void {
    this.#ref = ref
  }

  unlinked(): void {
    this.#ref = null
  }

  control(message: ControlReply): boolean {
    return this.#ref?.control(message) ?? false
  }

  data(message: DataReply, bytes: number): boolean {
    return this.#ref?.tell(message, bytes) ?? false
  }
}
