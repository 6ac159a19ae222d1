import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type AccessControl, forData } from '../access.js'
import { noParameters } from '../request-parameters.js'
import type { LiveFeed } from './live-feed.js'

/** `/live`: the state of this node and of the cluster as it sees it, once, or as a stream of events. */
export function liveRoute(app: FastifyInstance, feed: LiveFeed, access: AccessControl): void {
  app.addHook('onListen', async () => feed.start())
  // A stream has no end of its own: it would hold up the close.
  app.addHook('preClose', async () => feed.close())
  app.get('/live', forData, async (request, reply) => {
    noParameters(request.query)
    const { headers, method } = request
    // Asked anew for each message: a token that is withdrawn shows no more.
    const opens = () => access.opens(headers)
    const wantsEvents = headers.accept?.includes('text/event-stream') === true
    if (!wantsEvents || method === 'HEAD') return feed.state(opens())
    return sendEvents(reply, await feed.open(opens))
  })
}

function sendEvents(reply: FastifyReply, events: Readable): FastifyReply {
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    // The answer ends with the service, which then waits for no connection.
    connection: 'close',
    'x-accel-buffering': 'no',
  })
  return reply.send(events)
}
