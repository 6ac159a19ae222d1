import { TransportError } from './errors.js'
import type { TransportLimits } from './transport.js'

export const DEFAULT_LIMITS: TransportLimits = {
  maxHeadBytes: 64 * 1024,
  maxPayloadBytes: 16 * 1024 * 1024,
  handshakeTimeoutMs: 5000,
  maxConnections: 1024,
}

/** The defaults with what is given in their place; every limit is a whole number above zero. */
export function resolveLimits(given: Partial<TransportLimits>): TransportLimits {
  const limits: TransportLimits = {
    maxHeadBytes: given.maxHeadBytes ?? DEFAULT_LIMITS.maxHeadBytes,
    maxPayloadBytes: given.maxPayloadBytes ?? DEFAULT_LIMITS.maxPayloadBytes,
    handshakeTimeoutMs: given.handshakeTimeoutMs ?? DEFAULT_LIMITS.handshakeTimeoutMs,
    maxConnections: given.maxConnections ?? DEFAULT_LIMITS.maxConnections,
  }
  for (const [option, value] of Object.entries(limits)) {
    if (Number.isSafeInteger(value) && value > 0 && value < 2 ** 32) continue
    throw new TransportError(
      'RAFT_CONFIG_INVALID',
      `${option} is ${value}; give a whole number from 1 to 4294967295`,
      { option, value },
    )
  }
  return limits
}
