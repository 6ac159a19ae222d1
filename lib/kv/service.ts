import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { RaftError } from '../node/errors.js'
import { after } from '../runtime/clock.js'
import { formatAddress, isLoopback, parseAddress } from '../transport/address.js'
import { continueLater, limitBodies } from './body-limits.js'
import { answerFor, internalError } from './http-errors.js'
import { closing } from './http-problem.js'
import { OriginGuard } from './origin-guard.js'
import type { KvReplica } from './replica.js'
import { whyUnrouted } from './routes.js'
import { batchRoutes } from './service-batches.js'
import { diagnosticsRoute } from './service-diagnostics.js'
import { keyRoutes } from './service-keys.js'
import { memberRoutes } from './service-members.js'
import { snapshotRoutes } from './service-snapshots.js'
import { statusRoutes } from './service-status.js'

export interface KvServerOptions {
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
  /** Accepts that anyone who reaches the port can read and write the keys. */
  readonly insecure?: boolean
  readonly logger?: { error(fields: object, message: string): void }
}

/** A listening service. */
export interface KvService {
  /** `host:port` really bound. */
  readonly address: string
  /** Running requests are answered, new ones refused; what takes longer than `timeoutMs` is cut off. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

const defaultRequestTimeoutMs = 30_000
const maxConnections = 1024
const defaultCloseTimeoutMs = 5000

/**
 * Serves the keys of a node over HTTP.
 * @throws RaftError RAFT_INSECURE_LISTEN; or the system's error, e.g. EADDRINUSE.
 */
export async function startKvService(options: KvServerOptions): Promise<KvService> {
  const { host, port } = parseAddress(options.listen)
  if (!isLoopback(host) && options.insecure !== true) throw insecureListen(options.listen)
  const app = createKvServer(options)
  await app.listen({ host, port })
  const bound = app.server.address() as AddressInfo
  return {
    address: formatAddress({ host, port: bound.port }),
    close: (limits) => closeApp(app, limits?.timeoutMs ?? defaultCloseTimeoutMs),
  }
}

/** The same without a listener: for tests (`inject`) and for mounting in a server of one's own. */
export function createKvServer(options: KvServerOptions): FastifyInstance {
  const { node, logger, requestTimeoutMs = defaultRequestTimeoutMs } = options
  const guard = new OriginGuard(parseAddress(options.listen).host, options.hostNames)
  const app = fastify({
    // A backup may take longer to arrive; whatever else is slow is cut off below.
    requestTimeout: 0,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: (error, _request, reply) => answer(reply, error, logger),
  })
  app.server.maxConnections = maxConnections
  app.server.headersTimeout = requestTimeoutMs
  limitBodies(app, requestTimeoutMs)
  continueLater(app)
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  // Everything that needs no body is refused before one is read.
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    if (request.url.startsWith('/kv')) reply.header('troupe-index', node.stats().appliedIndex)
    if (isClosing) throw closing()
    guard.check(request.headers)
    if (request.is404) throw whyUnrouted(request.method, request.url)
  })
  // A connection that stayed open after its last answer would hold up the close.
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
  app.setErrorHandler((error, _request, reply) => answer(reply, error, logger))
  app.register(async (scope) => keyRoutes(scope, node))
  app.register(async (scope) => batchRoutes(scope, node))
  app.register(async (scope) => memberRoutes(scope, node))
  app.register(async (scope) => snapshotRoutes(scope, node))
  const { electionTimeoutMs = 1000, dataDir } = options
  app.register(async (scope) => diagnosticsRoute(scope, node, dataDir))
  app.register(async (scope) => statusRoutes(scope, node, { electionTimeoutMs }))
  return app
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
    `listening on ${listen} without TLS or token lets anyone who reaches it read and change the keys; listen on 127.0.0.1, or give insecure: true (--insecure) on a network you trust`,
    { details: { listen } },
  )
}
