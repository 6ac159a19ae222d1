import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import { payloadChecksum, verifyPayload } from './payload-checksum.js'
import type { ForwardReply, ForwardRequest } from './wire-messages.js'

/** `payload` is the request's body; its checksum goes into the head. */
export function encodeForwardRequest(message: ForwardRequest, payload: Uint8Array): Uint8Array {
  return new ByteWriter(32)
    .u64(message.request)
    .f64(message.timeoutMs)
    .u32(payloadChecksum(payload))
    .finish()
}

/** Verifies the payload too. */
export function decodeForwardRequest(head: Uint8Array, payload: Uint8Array): ForwardRequest {
  const reader = new ByteReader(head, 'ForwardRequest')
  const message: ForwardRequest = {
    kind: 'forwardRequest',
    request: reader.u64(),
    timeoutMs: reader.f64(),
  }
  const checksum = reader.u32()
  reader.end()
  verifyPayload('ForwardRequest', payload, checksum)
  return message
}

/** The head only; the payload is `message.body`. */
export function encodeForwardReply(message: ForwardReply): Uint8Array {
  return new ByteWriter(32).u64(message.request).u32(payloadChecksum(message.body)).finish()
}

/** Verifies the payload, which becomes the body. */
export function decodeForwardReply(head: Uint8Array, payload: Uint8Array): ForwardReply {
  const reader = new ByteReader(head, 'ForwardReply')
  const request = reader.u64()
  const checksum = reader.u32()
  reader.end()
  verifyPayload('ForwardReply', payload, checksum)
  return { kind: 'forwardReply', request, body: payload }
}
