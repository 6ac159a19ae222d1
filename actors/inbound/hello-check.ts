import { type Announcement, commonVersion } from '../../lib/transport/announcement.js'
import type { Hello, Welcome } from '../../lib/transport/transport.js'

export interface Identity {
  readonly cluster: string
  readonly nodeId: string
  readonly incarnation: string
}

/** What this node can tell by itself: is the hello of this version and cluster, and meant for it? */
export function refuseHello(
  hello: Hello,
  own: Identity,
  announce: Announcement,
): Welcome['refusal'] {
  if (versionFor(hello, announce) === null) {
    const { minVersion, maxVersion } = announce
    const { version, minVersion: oldest = version } = hello
    return {
      code: 'RAFT_VERSION_MISMATCH',
      message: `node ${own.nodeId} speaks versions ${minVersion} to ${maxVersion} of the protocol, node ${hello.nodeId} ${oldest} to ${version}; upgrade the older one, release by release`,
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

/** The version of the protocol for this connection; null: there is no common one. */
export function versionFor(hello: Hello, announce: Announcement): number | null {
  const { version: maxVersion, minVersion = maxVersion } = hello
  return commonVersion(announce, { minVersion, maxVersion })
}

function mismatch(message: string): NonNullable<Welcome['refusal']> {
  return { code: 'RAFT_CLUSTER_MISMATCH', message }
}
