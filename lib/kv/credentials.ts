import type { Server as TlsServer } from 'node:tls'
import { RaftError } from '../node/errors.js'
import {
  type CertificateSource,
  type Credentials,
  loadCredentials,
  readCredentials,
  sameCredentials,
} from '../transport/certificates.js'
import { TransportError } from '../transport/errors.js'
import { AccessControl, type AccessTokens } from './access.js'
import { minTlsVersion } from './http-server.js'
import { loadTokens, readTokens, type TokenList, type TokenSource } from './tokens.js'

/** Where a service finds what it proves itself by, and what clients prove themselves by. */
export interface CredentialSources {
  /** Its certificate and key: PEM text, or paths of files that a reload reads again. */
  readonly tls?: Omit<CertificateSource, 'ca'> | undefined
  /** Without any, whoever reaches the port may do everything. */
  readonly tokens?:
    | { readonly data?: TokenSource | undefined; readonly admin?: TokenSource | undefined }
    | undefined
}

/** The certificate and the tokens of a service, as they were read last. */
export class HttpCredentials {
  readonly access: AccessControl
  readonly #sources: CredentialSources
  #tls: Credentials | null
  #tokens: AccessTokens | null

  /** @throws RaftError RAFT_CONFIG_INVALID */
  constructor(sources: CredentialSources) {
    this.#sources = sources
    this.#tls = tlsOf(sources)
    const { tokens } = sources
    this.#tokens = tokensOf(
      readTokens(dataToken, tokens?.data),
      readTokens(adminToken, tokens?.admin),
    )
    this.access = new AccessControl(this.#tokens)
  }

  get tls(): Credentials | null {
    return this.#tls
  }

  /** Nobody without a token can do anything, nobody on the way can read one. */
  get areComplete(): boolean {
    return this.#tls !== null && this.#tokens !== null
  }

  /**
   * Reads them again: new connections get the new certificate, new requests are held to the new tokens.
   * True when something changed. On an error everything stays as it was.
   * @throws RaftError RAFT_CONFIG_INVALID
   */
  async reload(server: Pick<TlsServer, 'setSecureContext'>): Promise<boolean> {
    const { tls: source, tokens: sources } = this.#sources
    const tls =
      source === undefined ? null : await loadCredentials('tls', partsOf(source)).catch(rethrow)
    const data = await loadTokens(dataToken, sources?.data)
    const tokens = tokensOf(data, await loadTokens(adminToken, sources?.admin))
    const newTls = tls !== null && this.#tls !== null && !sameCredentials(tls, this.#tls)
    const newTokens = JSON.stringify(tokens) !== JSON.stringify(this.#tokens)
    if (newTls) server.setSecureContext({ cert: tls.cert, key: tls.key, minVersion: minTlsVersion })
    if (newTokens) this.access.replace(tokens)
    this.#tls = tls
    this.#tokens = tokens
    return newTls || newTokens
  }
}

const dataToken = 'the data token'
const adminToken = 'the admin token'

function tlsOf({ tls }: CredentialSources): Credentials | null {
  if (tls === undefined) return null
  try {
    return readCredentials('tls', partsOf(tls))
  } catch (error) {
    return rethrow(error)
  }
}

/** Clients of HTTP prove themselves by tokens. */
function partsOf({ cert, key }: Pick<CertificateSource, 'cert' | 'key'>): CertificateSource {
  return { cert, key }
}

function tokensOf(data: TokenList, admin: TokenList): AccessTokens | null {
  return data.length + admin.length === 0 ? null : { data, admin }
}

function rethrow(error: unknown): never {
  if (!(error instanceof TransportError)) throw error
  throw new RaftError('RAFT_CONFIG_INVALID', `the HTTP service: ${error.message}`)
}
