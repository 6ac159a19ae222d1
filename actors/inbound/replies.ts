import { assertNever } from '../../lib/core/assert.js'
import {
  encodeAppendReply,
  encodeForwardReply,
  encodeHeartbeatReply,
  encodeSnapshotChunkReply,
  encodeVoteReply,
  FrameType,
  frameOf,
} from '../../lib/transport/messages.js'
import type { Frame } from '../../lib/transport/transport.js'
import type { InboundMessage } from './protocol.js'

export type Reply = Extract<InboundMessage, { readonly kind: 'reply' }>['reply']

export function replyFrame(reply: Reply): Frame {
  switch (reply.kind) {
    case 'appendReply':
      return frameOf(FrameType.appendReply, encodeAppendReply(reply))
    case 'voteReply':
      return frameOf(FrameType.voteReply, encodeVoteReply(reply))
    case 'heartbeatReply':
      return frameOf(FrameType.heartbeatReply, encodeHeartbeatReply(reply))
    case 'snapshotChunkReply':
      return frameOf(FrameType.snapshotChunkReply, encodeSnapshotChunkReply(reply))
    case 'forwardReply':
      return frameOf(FrameType.forwardReply, encodeForwardReply(reply), [reply.body])
    default:
      return assertNever(reply)
  }
}
