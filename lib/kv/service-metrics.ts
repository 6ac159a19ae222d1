import type { FastifyInstance } from 'fastify'
import { forData } from './access.js'
import { HttpProblem } from './http-problem.js'
import type { KvReplica } from './replica.js'
import { noParameters } from './request-parameters.js'

/** The part that needs prom-client, which need not be installed. */
type MetricsModule = typeof import('./service-registry.js')

/** `GET /metrics`, in the text format of Prometheus. Nothing is loaded or gathered before the first scrape. */
export function metricsRoute(
  app: FastifyInstance,
  node: KvReplica,
  load: () => Promise<MetricsModule> = () => import('./service-registry.js'),
): void {
  let made: Promise<ReturnType<MetricsModule['serviceRegistry']>> | null = null
  const registry = () => {
    made ??= load().then(
      ({ serviceRegistry }) => serviceRegistry(node),
      (error: unknown) => {
        made = null
        throw withoutClient(error)
      },
    )
    return made
  }
  app.get('/metrics', forData, async ({ query }, reply) => {
    noParameters(query)
    const { contentType, text } = await registry()
    reply.header('content-type', contentType)
    return text()
  })
  app.addHook('onClose', async () => (await made?.catch(() => null))?.release())
}

function withoutClient(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes('prom-client')) return error
  const advice =
    'metrics need prom-client 15 beside troupe: npm install prom-client@15, and restart'
  return new HttpProblem(501, 'RAFT_NOT_AVAILABLE', advice)
}
