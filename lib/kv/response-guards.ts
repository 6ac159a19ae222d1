import type { FastifyInstance } from 'fastify'

/**
 * For browsers: an answer is what its Content-Type says, no page of another site may embed it, and nothing
 * in it runs or is fetched. The one real page overrides the policy of its own answer.
 */
const forBrowsers = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
}

/** Headers of every answer, and an end for clients that do not read theirs. */
export function guardAnswers(app: FastifyInstance, stallTimeoutMs: number): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(forBrowsers)
  })
  app.addHook('onSend', async ({ raw }) => {
    // The server sets the time for an idle connection in its place when the answer is out.
    raw.socket?.setTimeout?.(stallTimeoutMs)
  })
}
