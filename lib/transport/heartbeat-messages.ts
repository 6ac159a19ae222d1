import type { Heartbeat, HeartbeatReply } from '../core/rpc.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'

const ACCEPTED = 1

export function encodeHeartbeat(message: Heartbeat): Uint8Array {
  return new ByteWriter()
    .u64(message.term)
    .string(message.leader)
    .u64(message.addedAt)
    .string(message.incarnation)
    .u64(message.probe)
    .f64(message.sentAt)
    .f64(message.leaseMs)
    .finish()
}

export function decodeHeartbeat(head: Uint8Array): Heartbeat {
  const reader = new ByteReader(head, 'Heartbeat')
  const message: Heartbeat = {
    kind: 'heartbeat',
    term: reader.u64(),
    leader: reader.string(),
    addedAt: reader.u64(),
    incarnation: reader.string(),
    probe: reader.u64(),
    sentAt: reader.f64(),
    leaseMs: reader.f64(),
  }
  reader.end()
  return message
}

export function encodeHeartbeatReply(message: HeartbeatReply): Uint8Array {
  return new ByteWriter()
    .u8(message.accepted ? ACCEPTED : 0)
    .u64(message.term)
    .u64(message.probe)
    .f64(message.sentAt)
    .f64(message.leaseMs)
    .finish()
}

export function decodeHeartbeatReply(head: Uint8Array): HeartbeatReply {
  const reader = new ByteReader(head, 'HeartbeatReply')
  const message: HeartbeatReply = {
    kind: 'heartbeatReply',
    accepted: reader.flags(ACCEPTED) !== 0,
    term: reader.u64(),
    probe: reader.u64(),
    sentAt: reader.f64(),
    leaseMs: reader.f64(),
  }
  reader.end()
  return message
}
