import { PROTOCOL_VERSION } from '../../lib/transport/handshake.js'
import type { Hello, Welcome } from '../../lib/transport/transport.js'

export interface Identity {
  readonly cluster: string
  readonly nodeId: string
  readonly incarnation: string
}

/** What this node can tell by itself: is the hello of this version and cluster, and meant for it? */
export function refuseHello(hello: Hello, own: Identity): Welcome['refusal'] {
  if (hello.version !== PROTOCOL_VERSION) {
    return {
      code: 'RAFT_VERSION_MISMATCH',
      message: `node ${own.nodeId} speaks version ${PROTOCOL_VERSION} of the protocol, the hello is of version ${hello.version}`,
    }
  }
  if (hello.cluster !== own.cluster) {
    return mismatch(
      `this is cluster ${own.cluster}, the hello is of cluster ${hello.cluster}; correct the address or the cluster's name`,
    )
  }
  if (hello.to !== own.nodeId) {
    return mismatch(
      `this is node ${own.nodeId}, the hello is for ${hello.to}; correct the member's address`,
    )
  }
  if (hello.nodeId === own.nodeId) {
    return mismatch(
      `a node that calls itself ${own.nodeId} dialled ${own.nodeId}; give each its own id`,
    )
  }
  return undefined
}

function mismatch(message: string): NonNullable<Welcome['refusal']> {
  return { code: 'RAFT_CLUSTER_MISMATCH', message }
}
