import type { FastifyInstance } from 'fastify'
import { after, now } from '../../runtime/clock.js'
import type { AccessControl } from '../access.js'
import type { KvReplica } from '../replica.js'
import { LiveFeed } from './live-feed.js'
import { liveRoute } from './live-route.js'
import { pageRoutes } from './page-route.js'
import { meterRequests, RequestMeter } from './request-meter.js'

export interface LivePageOptions {
  readonly node: KvReplica
  readonly access: AccessControl
  /** Silence after which a member or a leader is said not to answer. */
  readonly electionTimeoutMs: number
}

/** The live page at `/`, and `/live`, which feeds it. To be called before the routes that it is to meter. */
export function livePage(app: FastifyInstance, options: LivePageOptions): void {
  const { node, access, electionTimeoutMs } = options
  const meter = new RequestMeter()
  meterRequests(app, meter)
  const clock = { now, after }
  const feed = new LiveFeed({ node, meter, clock, time: () => Date.now(), electionTimeoutMs })
  app.register(async (scope) => pageRoutes(scope))
  app.register(async (scope) => liveRoute(scope, feed, access))
}
