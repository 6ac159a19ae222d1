import { crc32 } from 'node:zlib'
import { TransportError } from './errors.js'

/** Batches check themselves; other payloads have their checksum in the head. */
export function payloadChecksum(payload: Uint8Array): number {
  return crc32(payload) >>> 0
}

export function verifyPayload(what: string, payload: Uint8Array, expected: number): void {
  const found = payloadChecksum(payload)
  if (found === expected) return
  throw new TransportError(
    'RAFT_FRAME_CORRUPT',
    `${what}: the payload of ${payload.length} bytes has checksum ${found}, its head says ${expected}; the connection is closed and made anew`,
    { message: what, length: payload.length, found, expected },
  )
}
