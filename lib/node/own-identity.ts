import { X509Certificate } from 'node:crypto'
import { checkIdentity, identitiesIn } from '../transport/peer-identity.js'
import type { TcpSpec } from '../transport/transports.js'
import { RaftError } from './errors.js'

/**
 * A certificate of another node is noticed where it is given, not when all others refuse it.
 * `options`: of whatever transport; only those with certificates are looked at.
 * @throws RaftError RAFT_CONFIG_INVALID
 */
export function checkOwnIdentity(options: unknown, cluster: string, id: string): void {
  const { credentials } = (options ?? {}) as Partial<TcpSpec>
  if (typeof credentials?.cert !== 'string') return
  try {
    checkIdentity(identitiesIn(new X509Certificate(credentials.cert)), cluster, id)
  } catch (error) {
    const { message } = error as Error
    throw new RaftError(
      'RAFT_CONFIG_INVALID',
      `transport: tls.cert is not of this node: ${message}`,
    )
  }
}
