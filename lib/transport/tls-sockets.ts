import type { Server, Socket } from 'node:net'
import {
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import type { Credentials } from './certificates.js'
import { identitiesIn } from './peer-identity.js'

/** All nodes are of this project: nothing older has to be spoken to. */
const minVersion = 'TLSv1.3'

/** Mutual TLS: both sides show a certificate that is signed by the other's `ca`. */
export class TlsSockets {
  #options: SecureContextOptions
  #context: SecureContext

  constructor(credentials: Credentials) {
    this.#options = contextOptions(credentials)
    this.#context = createSecureContext(this.#options)
  }

  /** For connections made from now on. */
  replace(credentials: Credentials): void {
    this.#options = contextOptions(credentials)
    this.#context = createSecureContext(this.#options)
  }

  get contextOptions(): SecureContextOptions {
    return this.#options
  }

  /** The caller must see to it that the peer's certificate names the node that it means. */
  connect(to: { readonly host: string; readonly port: number }): TLSSocket {
    return connect({
      ...to,
      secureContext: this.#context,
      minVersion,
      // A node is known by its identity (peer-identity.ts), wherever it runs.
      checkServerIdentity: () => undefined,
    })
  }

  /** Emits `secureConnection` for whoever has shown a good certificate. */
  createServer(options: { readonly handshakeTimeout: number }): Server {
    return createServer({
      ...this.#options,
      ...options,
      requestCert: true,
      rejectUnauthorized: true,
      noDelay: true,
    })
  }
}

/** Of a peer whose certificate was accepted; null: the connection is not encrypted. */
export function provenIdentities(socket: Socket): readonly string[] | null {
  if (!('getPeerX509Certificate' in socket)) return null
  const certificate = (socket as TLSSocket).getPeerX509Certificate()
  return certificate === undefined ? [] : identitiesIn(certificate)
}

function contextOptions({ cert, key, ca }: Credentials): SecureContextOptions {
  // Without a `ca` Node would take any authority of the public web.
  return { cert, key, ca: ca ?? [], minVersion }
}
