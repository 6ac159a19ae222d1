import { isLoopback, isWildcard, parseAddress } from './address.js'
import { TransportError } from './errors.js'
import { resolveLimits } from './limits.js'
import type { TransportLimits, TransportSpec } from './transport.js'

export interface TcpOptions extends Partial<TransportLimits> {
  /** `host:port` to bind; port 0 takes a free one. */
  readonly listen: string
  /** `host:port` that other nodes dial. Default `listen`; with port 0 the port really bound. */
  readonly advertise?: string
  /** Not in this release: RAFT_NOT_AVAILABLE. */
  readonly tls?: unknown
  /** Accepts that anyone who reaches the port can read and write the cluster. */
  readonly insecure?: boolean
}

/**
 * Nodes over TCP. Throws a TransportError with the code RAFT_INSECURE_LISTEN for an address that
 * other machines reach without TLS (unless `insecure`), RAFT_ADDRESS_INVALID, RAFT_CONFIG_INVALID, or
 * RAFT_NOT_AVAILABLE for `tls`.
 */
export function tcpTransport(options: TcpOptions): TransportSpec {
  checkTcpOptions(options)
  return {
    module: new URL('./tcp-transport.js', import.meta.url).href,
    options,
    advertise: options.advertise ?? options.listen,
  }
}

/** Also called where the transport is made: options may have come another way. */
export function checkTcpOptions(options: TcpOptions): void {
  const { listen, advertise, tls, insecure } = options
  if (tls !== undefined) {
    throw new TransportError('RAFT_NOT_AVAILABLE', 'tls is not available in this release', {})
  }
  resolveLimits(options)
  const { host } = parseAddress(listen)
  if (!isLoopback(host) && insecure !== true) {
    throw new TransportError(
      'RAFT_INSECURE_LISTEN',
      `listening on ${listen} without TLS lets anyone who reaches it read and change the log; listen on 127.0.0.1, or give insecure: true on a network you trust`,
      { listen },
    )
  }
  if (advertise !== undefined) parseAddress(advertise)
  if (advertise === undefined && isWildcard(host)) {
    throw new TransportError(
      'RAFT_CONFIG_INVALID',
      `other nodes cannot dial ${listen}; give advertise: 'host:port'`,
      { listen },
    )
  }
}
