import { isLoopback, isWildcard, parseAddress } from './address.js'
import { type CertificateSource, type Credentials, readCredentials } from './certificates.js'
import { TransportError } from './errors.js'
import { resolveLimits } from './limits.js'
import type { TransportLimits, TransportSpec } from './transport.js'

/**
 * Mutual TLS 1.3 between nodes. Each is PEM text or the path of a PEM file; of paths, changed files are taken
 * over while the node runs. The certificate names its node as peer-identity.ts says.
 */
export interface TlsOptions extends CertificateSource {
  /** Certificates of the authorities whose nodes are let in; public authorities never are. */
  readonly ca: string
  /** How often the files are looked at; 0: only by `node.reloadTls()`. Default 10000. */
  readonly reloadIntervalMs?: number
}

/** What `tcpTransport` takes, the limits of frames and connections among it. */
export interface TcpOptions extends Partial<TransportLimits> {
  /** `host:port` to bind; port 0 takes a free one. */
  readonly listen: string
  /** `host:port` that other nodes dial. Default `listen`; with port 0 the port really bound. */
  readonly advertise?: string
  /** Encrypts, and lets in only nodes that prove who they are. Default: neither. */
  readonly tls?: TlsOptions
  /** Accepts that anyone who reaches the port can read and write the cluster. */
  readonly insecure?: boolean
}

/** What crosses to the actors' threads, which never touch a file (S12). */
export interface TcpSpec extends TcpOptions {
  /** Read from `tls`. */
  readonly credentials?: Credentials
}

/**
 * Nodes over TCP. Throws a TransportError with the code RAFT_INSECURE_LISTEN for an address that
 * other machines reach without TLS (unless `insecure`), RAFT_ADDRESS_INVALID, or RAFT_CONFIG_INVALID,
 * also for certificates that cannot be used.
 */
export function tcpTransport(options: TcpOptions): TransportSpec {
  checkTcpOptions(options)
  return {
    module: new URL('./tcp-transport.js', import.meta.url).href,
    options: withCredentials(options),
    advertise: options.advertise ?? options.listen,
  }
}

/** With what `tls` names; as it is when that was read before, or nothing is named. */
export function withCredentials(options: TcpSpec): TcpSpec {
  const { tls, credentials } = options
  if (tls === undefined || credentials !== undefined) return options
  return { ...options, credentials: readCredentials('tls', tls) }
}

const defaultReloadIntervalMs = 10_000

export function reloadIntervalOf({ reloadIntervalMs = defaultReloadIntervalMs }: TlsOptions) {
  return reloadIntervalMs
}

/** Also called where the transport is made: options may have come another way. */
export function checkTcpOptions(options: TcpOptions): void {
  const { listen, advertise, tls, insecure } = options
  if (tls !== undefined) checkTlsOptions(tls)
  resolveLimits(options)
  const { host } = parseAddress(listen)
  if (!isLoopback(host) && tls === undefined && insecure !== true) {
    throw new TransportError(
      'RAFT_INSECURE_LISTEN',
      `listening on ${listen} without TLS lets anyone who reaches it read and change the log; give tls: { cert, key, ca }, listen on 127.0.0.1, or give insecure: true on a network you trust`,
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

const tlsFields: ReadonlySet<string> = new Set(['cert', 'key', 'ca', 'reloadIntervalMs'])

function checkTlsOptions(tls: TlsOptions): void {
  const found = typeof tls === 'object' && tls !== null ? Object.keys(tls) : []
  const unknown = found.find((field) => !tlsFields.has(field))
  const missing = ['cert', 'key', 'ca'].find((field) => !found.includes(field))
  const interval = reloadIntervalOf(tls ?? {})
  const wrongInterval = !Number.isSafeInteger(interval) || interval < 0 || interval > 86_400_000
  if (unknown === undefined && missing === undefined && !wrongInterval) return
  const problem =
    missing !== undefined
      ? `${missing} is missing: give { cert, key, ca }, so that both sides prove who they are`
      : unknown !== undefined
        ? `there is no tls.${unknown}; known are ${[...tlsFields].join(', ')}`
        : `reloadIntervalMs is ${interval}; give a whole number from 0 to 86400000`
  throw new TransportError('RAFT_CONFIG_INVALID', `tls: ${problem}`)
}
