import { TransportError } from '../../lib/transport/errors.js'
import { frameTypeName } from '../../lib/transport/messages.js'
import type { Purpose } from '../../lib/transport/transport.js'

/** The peer answered with something that no request of this connection asks for: it is closed. */
export function unexpectedFrame(purpose: Purpose, type: number): TransportError {
  return new TransportError(
    'RAFT_FRAME_UNEXPECTED',
    `a ${purpose} connection answered with ${frameTypeName(type)}, which nothing asked for there`,
    { purpose, type },
  )
}
