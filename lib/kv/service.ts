import type { AddressInfo } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { RaftError } from '../node/errors.js'
import { after } from '../runtime/clock.js'
import { formatAddress, isLoopback, parseAddress } from '../transport/address.js'
import type { AccessControl } from './access.js'
import { continueLater, limitBodies } from './body-limits.js'
import { refuseConnection } from './client-errors.js'
import { type CredentialSources, HttpCredentials } from './credentials.js'
import { answerFor, internalError } from './http-errors.js'
import { closing } from './http-problem.js'
import { createHttpServer, defaultHttpLimits, type HttpLimits } from './http-server.js'
import { OriginGuard } from './origin-guard.js'
import { livePage } from './page/live-page.js'
import { Reloading } from './reloading.js'
import type { KvReplica } from './replica.js'
import { guardAnswers } from './response-guards.js'
import { whyUnrouted } from './routes.js'
import { batchRoutes } from './service-batches.js'
import { diagnosticsRoute } from './service-diagnostics.js'
import { keyRoutes } from './service-keys.js'
import { memberRoutes } from './service-members.js'
import { metricsRoute } from './service-metrics.js'
import { snapshotRoutes } from './service-snapshots.js'
import { statusRoutes } from './service-status.js'

/** What `startKvService` and `createKvServer` take. */
export interface KvServerOptions extends CredentialSources {
  readonly node: KvReplica
  /** `host:port` to listen on; port 0 takes a free one. */
  readonly listen: string
  /** Host names, beside the one in `listen`, by which clients may address this node. */
  readonly hostNames?: readonly string[]
  /** `/readyz` is 503 when the leader was not heard for so long. Default 1000. */
  readonly electionTimeoutMs?: number
  /** Where the node keeps its data: `/diagnostics` tells how much room is left there. */
  readonly dataDir?: string | undefined
  /** A request whose head or body takes longer to arrive is cut off; a backup never is. Default 30000. */
  readonly requestTimeoutMs?: number
  /** What one client may take: heads 10 s and 16 KiB, idle 60 s, a stalled answer 30 s, 1024 connections. */
  readonly limits?: Partial<HttpLimits>
  /** How often certificate and token files are looked at for changes; 0: only by `reload`. Default 10000. */
  readonly reloadIntervalMs?: number
  /** Accepts that anyone who reaches the port can read and write the keys. */
  readonly insecure?: boolean
  readonly logger?: {
    error(fields: object, message: string): void
    info?(fields: object, message: string): void
  }
}

/** A listening service. */
export interface KvService {
  /** `host:port` really bound. */
  readonly address: string
  /** `http://host:port`, or `https://…` with a certificate. */
  readonly url: string
  /**
   * Reads the files of certificate and tokens again; true when something has changed. On an error all stays.
   * @throws RaftError RAFT_CONFIG_INVALID
   */
  reload(): Promise<boolean>
  /** Running requests are answered, new ones refused; what takes longer than `timeoutMs` is cut off. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

const defaultRequestTimeoutMs = 30_000
const defaultCloseTimeoutMs = 5000
const defaultReloadIntervalMs = 10_000

/**
 * Serves the keys of a node over HTTP or HTTPS.
 * @throws RaftError RAFT_INSECURE_LISTEN, RAFT_CONFIG_INVALID; or the system's error, e.g. EADDRINUSE.
 */
export async function startKvService(options: KvServerOptions): Promise<KvService> {
  const { listen, logger, reloadIntervalMs = defaultReloadIntervalMs } = options
  const { host, port } = parseAddress(listen)
  const credentials = new HttpCredentials(options)
  const open = !credentials.areComplete && options.insecure !== true
  if (!isLoopback(host) && open) throw insecureListen(listen)
  const app = serverOf(options, credentials)
  await app.listen({ host, port })
  const address = formatAddress({ host, port: (app.server.address() as AddressInfo).port })
  // Without a certificate nothing is set on it.
  const server = app.server as unknown as TlsServer
  const reload = () => credentials.reload(server)
  const reloading = new Reloading(reload, reloadIntervalMs, logger)
  return {
    address,
    url: `${credentials.tls === null ? 'http' : 'https'}://${address}`,
    reload,
    close: (limits) => {
      reloading.stop()
      return closeApp(app, limits?.timeoutMs ?? defaultCloseTimeoutMs)
    },
  }
}

/** The same without a listener: for tests (`inject`) and for mounting in a server of one's own. */
export function createKvServer(options: KvServerOptions): FastifyInstance {
  return serverOf(options, new HttpCredentials(options))
}

function serverOf(options: KvServerOptions, { access, tls }: HttpCredentials): FastifyInstance {
  const { node, logger, requestTimeoutMs = defaultRequestTimeoutMs } = options
  const limits = { ...defaultHttpLimits, ...options.limits }
  const headTimeoutMs = Math.min(limits.headTimeoutMs, requestTimeoutMs)
  const guard = new OriginGuard(parseAddress(options.listen).host, options.hostNames)
  const app = fastify({
    serverFactory: (listener) => createHttpServer(listener, { ...limits, headTimeoutMs }, tls),
    return503OnClosing: false,
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: (error, _request, reply) => answer(reply, error, logger),
    clientErrorHandler: refuseConnection,
  })
  limitBodies(app, requestTimeoutMs)
  continueLater(app)
  guardAnswers(app, limits.stallTimeoutMs)
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  // Everything that needs no body is refused before one is read.
  app.addHook('onRequest', async (request, reply) => {
    if (isClosing) throw closing()
    guard.check(request.headers, tls !== null)
    if (request.is404) throw whyUnrouted(request.method, request.url)
    access.check(request)
    if (request.url.startsWith('/kv')) reply.header('troupe-index', node.appliedIndex)
  })
  // A connection that stayed open after its last answer would hold up the close.
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
  app.setErrorHandler((error, _request, reply) => answer(reply, error, logger))
  registerRoutes(app, options, access)
  return app
}

function registerRoutes(
  app: FastifyInstance,
  options: KvServerOptions,
  access: AccessControl,
): void {
  const { node, electionTimeoutMs = 1000, dataDir } = options
  livePage(app, { node, access, electionTimeoutMs })
  app.register(async (scope) => keyRoutes(scope, node))
  app.register(async (scope) => batchRoutes(scope, node))
  app.register(async (scope) => memberRoutes(scope, node))
  app.register(async (scope) => snapshotRoutes(scope, node))
  app.register(async (scope) => diagnosticsRoute(scope, node, dataDir))
  app.register(async (scope) => metricsRoute(scope, node))
  app.register(async (scope) => statusRoutes(scope, node, { electionTimeoutMs }))
}

function answer(reply: FastifyReply, error: unknown, logger: KvServerOptions['logger']): void {
  const known = answerFor(error)
  if (known === null) logger?.error({ err: error }, 'a request failed')
  const { status, headers, body } = known ?? internalError
  reply.code(status).headers(headers).send(body)
}

/** Idle connections are closed at once by fastify; busy ones get `timeoutMs`. */
async function closeApp(app: FastifyInstance, timeoutMs: number): Promise<void> {
  const timer = after(timeoutMs, () => app.server.closeAllConnections())
  await app.close()
  timer.cancel()
}

function insecureListen(listen: string): RaftError {
  return new RaftError(
    'RAFT_INSECURE_LISTEN',
    `listening on ${listen} without TLS and tokens lets anyone who reaches it read and change the keys; give tls and tokens (--http-tls-cert, --admin-token-file, …), listen on 127.0.0.1, or give insecure: true (--insecure) on a network you trust`,
    { details: { listen } },
  )
}
