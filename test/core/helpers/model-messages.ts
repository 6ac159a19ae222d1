import type {
  AppendEntries,
  AppendReply,
  Heartbeat,
  HeartbeatReply,
  Removed,
  RequestVote,
  TimeoutNow,
  VoteReply,
} from '../../../lib/core/rpc.js'
import type { LogIndex, NodeId, Term } from '../../../lib/core/types.js'
import type { ModelBatch, ModelSnapshot } from './model-disk.js'

/** What pure cores send each other through the soup. */
export type Message =
  | RequestVote
  | VoteReply
  | {
      readonly kind: 'append'
      readonly request: AppendEntries
      readonly batches: readonly ModelBatch[]
    }
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | TimeoutNow
  | Removed
  | {
      readonly kind: 'snapshot'
      readonly term: Term
      readonly leader: NodeId
      readonly snapshot: ModelSnapshot
    }
  | {
      readonly kind: 'snapshotReply'
      readonly term: Term
      readonly index: LogIndex
      readonly installed: boolean
    }

export interface Envelope {
  readonly from: NodeId
  readonly to: NodeId
  readonly message: Message
}
