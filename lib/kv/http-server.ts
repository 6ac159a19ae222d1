import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Credentials } from '../transport/certificates.js'

/** What one client may take of a server. */
export interface HttpLimits {
  /** Until a request's head has arrived, from the connection or from the answer before. */
  readonly headTimeoutMs: number
  /** An open connection without a request is closed after so long. */
  readonly idleTimeoutMs: number
  /** A client that takes nothing of an answer for so long is cut off. */
  readonly stallTimeoutMs: number
  readonly maxConnections: number
  /** Of a request's line and headers; a key of 1,024 bytes, percent-encoded, fits four times. */
  readonly maxHeadBytes: number
}

export const defaultHttpLimits: HttpLimits = {
  headTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  stallTimeoutMs: 30_000,
  maxConnections: 1024,
  maxHeadBytes: 16 * 1024,
}

const maxHeaders = 100
/** How often heads that take too long are looked for. */
const longestCheckMs = 1000

/** Of HTTP: clients that know no TLS 1.3 are still in use. */
export const minTlsVersion = 'TLSv1.2'

/** The server beneath the routes: HTTP, or HTTPS. */
export function createHttpServer(
  listener: RequestListener,
  limits: HttpLimits,
  tls: Credentials | null,
): Server {
  const options: ServerOptions = {
    maxHeaderSize: limits.maxHeadBytes,
    headersTimeout: limits.headTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    // A backup may take long to arrive; bodies have limits of their own (body-limits.ts).
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(longestCheckMs, limits.headTimeoutMs),
  }
  const server = tls === null ? createServer(options, listener) : secure(listener, options, tls)
  server.maxConnections = limits.maxConnections
  server.maxHeadersCount = maxHeaders
  return server
}

function secure(listener: RequestListener, options: ServerOptions, tls: Credentials): Server {
  const { cert, key } = tls
  const handshakeTimeout = options.headersTimeout ?? 0
  const secured = { ...options, cert, key, handshakeTimeout, minVersion: minTlsVersion } as const
  const server = createTlsServer(secured, listener)
  // Whoever speaks plain HTTP here, or no TLS that we know, has lost its connection and nothing else.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}
