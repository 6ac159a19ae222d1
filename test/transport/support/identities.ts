import { PROTOCOL_VERSION } from '../../../lib/transport/handshake.js'
import type { Hello, Welcome } from '../../../lib/transport/transport.js'

/** n1 calls n2. */
export const helloOfN1: Hello = {
  version: PROTOCOL_VERSION,
  cluster: 'orders',
  nodeId: 'n1',
  incarnation: 'inc-1',
  purpose: 'data',
  to: 'n2',
}

export const welcomeOfN2: Welcome = {
  version: PROTOCOL_VERSION,
  cluster: 'orders',
  nodeId: 'n2',
  incarnation: 'inc-2',
}
