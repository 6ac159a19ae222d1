import type { FastifyInstance, FastifyRequest } from 'fastify'
import { after } from '../runtime/clock.js'

/** The body of this route has no length that anyone could foresee; it is read as it comes. */
const endless = '/restore'

/** A body that has not arrived whole in this time costs its sender the connection. */
export function limitBodies(app: FastifyInstance, timeoutMs: number): void {
  const timers = new WeakMap<FastifyRequest, { cancel(): void }>()
  app.addHook('preParsing', async (request) => {
    const { headers, raw, routeOptions } = request
    const hasBody = headers['content-length'] !== undefined || 'transfer-encoding' in headers
    if (!hasBody || routeOptions.url === endless) return
    const timer = after(timeoutMs, () => raw.destroy())
    timers.set(request, timer)
    // The connection ends without a word to the hooks when what comes over it is no HTTP any more.
    raw.once('close', () => timer.cancel())
  })
  const arrived = async (request: FastifyRequest) => timers.get(request)?.cancel()
  app.addHook('preValidation', arrived)
  app.addHook('onResponse', arrived)
  app.addHook('onRequestAbort', arrived)
}

/**
 * A client that asks first (Expect: 100-continue) sends its body only when the request is not refused for
 * what its head says.
 */
export function continueLater(app: FastifyInstance): void {
  app.server.on('checkContinue', (request, response) => app.routing(request, response))
  app.addHook('preParsing', async ({ headers }, reply) => {
    if (headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue()
  })
}
