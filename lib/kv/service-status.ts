import type { FastifyInstance } from 'fastify'
import { forAnyone, forData } from './access.js'
import { type HttpLeader, httpLeader } from './http-errors.js'
import { HttpProblem } from './http-problem.js'
import { Readiness } from './readiness.js'
import type { KvReplica } from './replica.js'
import { noParameters } from './request-parameters.js'
import { packageVersion } from './version.js'

/** The answer of `GET /status`. */
export interface NodeStatus {
  readonly id: string
  readonly cluster: string
  readonly state: string
  readonly term: number
  readonly leader: HttpLeader | null
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly lastLogIndex: number
  /** Since the leader was last heard; 0 on the leader, null: never. */
  readonly lastContactMs: number | null
  readonly members: readonly (HttpLeader & { readonly suffrage: string })[]
  readonly version: string
}

/** `/status`, `/healthz` and `/readyz`. */
export function statusRoutes(
  app: FastifyInstance,
  node: KvReplica,
  options: { readonly electionTimeoutMs: number },
): void {
  const readiness = new Readiness(node, options.electionTimeoutMs)
  app.get('/status', forData, async ({ query }) => {
    noParameters(query)
    return statusOf(node)
  })
  app.get('/healthz', forAnyone, async ({ query }) => {
    noParameters(query)
    if (node.state === 'closed') throw notReady('the node is closed')
    return { status: 'ok' }
  })
  app.get('/readyz', forAnyone, async ({ query }) => {
    noParameters(query)
    const reason = await readiness.reason()
    if (reason !== null) throw notReady(reason)
    return { status: 'ready' }
  })
}

async function statusOf(node: KvReplica): Promise<NodeStatus> {
  const stats = node.stats()
  const { leader } = node
  const { servers } = await node.configuration()
  const { lastContactMs } = stats
  return {
    id: stats.id,
    cluster: stats.cluster,
    state: stats.state,
    term: stats.term,
    leader: leader === null ? null : httpLeader(leader),
    commitIndex: stats.commitIndex,
    appliedIndex: stats.appliedIndex,
    lastLogIndex: stats.lastLogIndex,
    lastContactMs: lastContactMs === null ? null : Math.round(lastContactMs),
    members: servers.map(({ id, address, suffrage, meta }) => ({
      id,
      address,
      http: meta?.http ?? null,
      suffrage,
    })),
    version: packageVersion(),
  }
}

function notReady(reason: string): HttpProblem {
  return new HttpProblem(503, 'HTTP_NOT_READY', reason)
}
