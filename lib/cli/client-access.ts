import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { readTokens, type TokenSource } from '../kv/tokens.js'
import { isLoopback } from '../transport/address.js'
import { exitUsage, Failure } from './failure.js'
import { isSet } from './option-values.js'

/** Flags about who one is to a node. A token itself is never an argument: others can list those. */
export interface AccessFlags {
  readonly httpCa?: string
  readonly dataTokenFile?: string
  readonly adminTokenFile?: string
  readonly insecure?: boolean
}

/** What a command shows a node, and by what it knows one. */
export interface ClientAccess {
  /** PEM; null: the authorities that Node.js knows. */
  readonly ca: string | null
  readonly token: string | null
  /** The token may cross a network without TLS. */
  readonly insecure: boolean
}

export function addAccessOptions(command: Command): Command {
  for (const option of accessOptions()) command.addOption(option)
  return command
}

function accessOptions(): readonly Option[] {
  return [
    new Option(
      '--http-ca <file>',
      'authority of the certificates of HTTPS, if not a public one',
    ).env('TROUPE_HTTP_CA'),
    new Option('--data-token-file <file>', 'holds the token for keys; or TROUPE_DATA_TOKEN').env(
      'TROUPE_DATA_TOKEN_FILE',
    ),
    new Option('--admin-token-file <file>', 'holds the token for all; or TROUPE_ADMIN_TOKEN').env(
      'TROUPE_ADMIN_TOKEN_FILE',
    ),
  ]
}

/** The admin token opens everything, so it is shown where there is one. */
export function clientAccess(flags: AccessFlags): ClientAccess {
  const { data, admin } = tokenSources(flags)
  const [token = null] = [
    ...readTokens('the admin token', admin),
    ...readTokens('the data token', data),
  ]
  return { token, ca: readCa(flags.httpCa), insecure: isSet(flags.insecure) }
}

/** Where `troupe serve` and the commands find tokens; the same names for both. */
export function tokenSources({ dataTokenFile, adminTokenFile }: AccessFlags): {
  readonly data: TokenSource | undefined
  readonly admin: TokenSource | undefined
} {
  return {
    data: sourceOf('TROUPE_DATA_TOKEN', dataTokenFile),
    admin: sourceOf('TROUPE_ADMIN_TOKEN', adminTokenFile),
  }
}

function sourceOf(variable: string, file: string | undefined): TokenSource | undefined {
  const token = process.env[variable]
  if (!file) return token || undefined
  if (!token) return { file }
  throw new Failure(`${variable} and ${variable}_FILE are both set: give one of them`, {
    exitCode: exitUsage,
  })
}

function readCa(path: string | undefined): string | null {
  if (!path) return null
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const message = `--http-ca cannot be read: ${(error as Error).message}`
    throw new Failure(message, { code: 'RAFT_CONFIG_INVALID', exitCode: exitUsage })
  }
}

/** The header that shows the token. @throws Failure where anyone on the way could read it. */
export function authorization(
  url: URL,
  { token, insecure }: ClientAccess,
): { readonly authorization?: string } {
  if (token === null) return {}
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'https:' || isLoopback(host) || insecure) {
    return { authorization: `Bearer ${token}` }
  }
  const message = `the token would cross the network unencrypted to ${url.origin}: use https://, or say --insecure`
  throw new Failure(message, { code: 'RAFT_CONFIG_INVALID', final: true })
}
