import type { FrameType } from './frame-type.js'
import type { Frame } from './transport.js'

/**
 * Every message between nodes and its bytes. `encodeX` gives the head of a frame of type
 * `FrameType.x`; `decodeX` reads it and throws a TransportError on anything that is not one. Where
 * the payload is not made of batches, which check themselves, its checksum is in the head.
 *
 * | frame          | payload                                                                |
 * | -------------- | ---------------------------------------------------------------------- |
 * | appendEntries  | the batches' encoded bytes, one after the other                        |
 * | snapshotChunk  | the bytes of state from `offset`                                       |
 * | forwardRequest | the request's body                                                     |
 * | forwardReply   | the reply's body                                                       |
 * | all others     | none                                                                   |
 */
export {
  decodeAppendEntries,
  decodeAppendReply,
  encodeAppendEntries,
  encodeAppendReply,
  MAX_BATCHES_PER_APPEND,
} from './append-messages.js'
export {
  decodeForwardReply,
  decodeForwardRequest,
  encodeForwardReply,
  encodeForwardRequest,
} from './forward-messages.js'
export { FrameType, frameTypeName, isFrameType } from './frame-type.js'
export {
  decodeHeartbeat,
  decodeHeartbeatReply,
  encodeHeartbeat,
  encodeHeartbeatReply,
} from './heartbeat-messages.js'
export {
  decodeSnapshotChunk,
  decodeSnapshotChunkReply,
  encodeSnapshotChunk,
  encodeSnapshotChunkReply,
} from './snapshot-messages.js'
export {
  decodeRemoved,
  decodeRequestVote,
  decodeTimeoutNow,
  decodeVoteReply,
  encodeRemoved,
  encodeRequestVote,
  encodeTimeoutNow,
  encodeVoteReply,
} from './vote-messages.js'
export type {
  ForwardReply,
  ForwardRequest,
  SnapshotChunk,
  SnapshotChunkReply,
  WireAppendEntries,
  WireBatch,
} from './wire-messages.js'

const NO_PAYLOAD: readonly Uint8Array[] = []

/** A frame to send, e.g. `frameOf(FrameType.heartbeat, encodeHeartbeat(message))`. */
export function frameOf(
  type: FrameType,
  head: Uint8Array,
  payload: readonly Uint8Array[] = NO_PAYLOAD,
): Frame {
  return { type, head, payload }
}
