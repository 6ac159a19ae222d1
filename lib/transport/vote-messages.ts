import type { Removed, RequestVote, TimeoutNow, VoteReply } from '../core/rpc.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'

const PRE_VOTE = 1
const TRANSFER = 2
const GRANTED = 2
/** A reason is for people; the wire keeps it short. */
const MAX_REASON = 256

export function encodeRequestVote(message: RequestVote): Uint8Array {
  return new ByteWriter()
    .u8((message.preVote ? PRE_VOTE : 0) | (message.transfer ? TRANSFER : 0))
    .u64(message.term)
    .string(message.candidate)
    .u64(message.lastLogIndex)
    .u64(message.lastLogTerm)
    .u64(message.round)
    .finish()
}

export function decodeRequestVote(head: Uint8Array): RequestVote {
  const reader = new ByteReader(head, 'RequestVote')
  const flags = reader.flags(PRE_VOTE | TRANSFER)
  const message: RequestVote = {
    kind: 'requestVote',
    preVote: (flags & PRE_VOTE) !== 0,
    transfer: (flags & TRANSFER) !== 0,
    term: reader.u64(),
    candidate: reader.string(),
    lastLogIndex: reader.u64(),
    lastLogTerm: reader.u64(),
    round: reader.u64(),
  }
  reader.end()
  return message
}

export function encodeVoteReply(message: VoteReply): Uint8Array {
  return new ByteWriter()
    .u8((message.preVote ? PRE_VOTE : 0) | (message.granted ? GRANTED : 0))
    .u64(message.term)
    .u64(message.round)
    .string(message.reason.slice(0, MAX_REASON))
    .u64(message.outsideSince)
    .finish()
}

export function decodeVoteReply(head: Uint8Array): VoteReply {
  const reader = new ByteReader(head, 'VoteReply')
  const flags = reader.flags(PRE_VOTE | GRANTED)
  const message: VoteReply = {
    kind: 'voteReply',
    preVote: (flags & PRE_VOTE) !== 0,
    granted: (flags & GRANTED) !== 0,
    term: reader.u64(),
    round: reader.u64(),
    reason: reader.string(),
    outsideSince: reader.u64(),
  }
  reader.end()
  return message
}

export function encodeRemoved(message: Removed): Uint8Array {
  return new ByteWriter().u64(message.term).string(message.leader).u64(message.index).finish()
}

export function decodeRemoved(head: Uint8Array): Removed {
  const reader = new ByteReader(head, 'Removed')
  const message: Removed = {
    kind: 'removed',
    term: reader.u64(),
    leader: reader.string(),
    index: reader.u64(),
  }
  reader.end()
  return message
}

export function encodeTimeoutNow(message: TimeoutNow): Uint8Array {
  return new ByteWriter().u64(message.term).string(message.leader).finish()
}

export function decodeTimeoutNow(head: Uint8Array): TimeoutNow {
  const reader = new ByteReader(head, 'TimeoutNow')
  const message: TimeoutNow = { kind: 'timeoutNow', term: reader.u64(), leader: reader.string() }
  reader.end()
  return message
}
