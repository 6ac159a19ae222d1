import { type Command, Option } from 'commander'
import type { KvServerOptions } from '../kv/service.js'
import type { TcpOptions } from '../transport/transports.js'
import { type AccessFlags, addAccessOptions, tokenSources } from './client-access.js'
import { exitUsage, Failure } from './failure.js'

/** What `troupe serve` is given to be safe on a network. Empty is as good as not given. */
export interface SecurityFlags extends AccessFlags {
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsCa?: string
  readonly httpTlsCert?: string
  readonly httpTlsKey?: string
}

export function addSecurityOptions(command: Command): Command {
  const option = (flags: string, description: string) => {
    const made = new Option(flags, description)
    return made.env(`TROUPE_${made.name().toUpperCase().replaceAll('-', '_')}`)
  }
  command
    .addOption(option('--tls-cert <file>', 'certificate for Raft, with URI troupe://CLUSTER/ID'))
    .addOption(option('--tls-key <file>', 'its key'))
    .addOption(option('--tls-ca <file>', 'the authority of the certificates of all nodes'))
    .addOption(option('--http-tls-cert <file>', 'certificate for HTTPS, with the host names'))
    .addOption(option('--http-tls-key <file>', 'its key'))
  return addAccessOptions(command)
}

/** Of the Raft port. */
export function transportSecurity({
  tlsCert: cert,
  tlsKey: key,
  tlsCa: ca,
}: SecurityFlags): Pick<TcpOptions, 'tls'> {
  if (!cert && !key && !ca) return {}
  if (cert && key && ca) return { tls: { cert, key, ca } }
  throw incomplete('--tls-cert, --tls-key and --tls-ca')
}

/** Of the HTTP port. */
export function serviceSecurity(flags: SecurityFlags): Pick<KvServerOptions, 'tls' | 'tokens'> {
  const { httpTlsCert: cert, httpTlsKey: key } = flags
  if (!cert !== !key) throw incomplete('--http-tls-cert and --http-tls-key')
  return {
    tokens: tokenSources(flags),
    ...(cert && key && { tls: { cert, key } }),
  }
}

function incomplete(flags: string): Failure {
  return new Failure(`${flags} go together: give all of them`, {
    code: 'RAFT_CONFIG_INVALID',
    exitCode: exitUsage,
  })
}
