import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import { forAdmin, forData } from './access.js'
import { type HttpLeader, httpLeader } from './http-errors.js'
import { badRequest, bodyTooLarge, unsupportedMediaType } from './http-problem.js'
import { memberAddition, memberChange, memberRemoval, transferTarget } from './member-body.js'
import { leaderAfter } from './new-leader.js'
import type { KvReplica } from './replica.js'
import { changeParameters, noParameters } from './request-parameters.js'

/** One member as `GET /members` tells of it. */
export interface MemberStatus {
  readonly id: string
  readonly address: string
  readonly http: string | null
  readonly suffrage: string
  readonly meta: Readonly<Record<string, string>>
  readonly leader: boolean
  /** Only in the answer of the leader. */
  readonly health?: MemberHealth
}

/** How a member does, as the leader sees it. */
export interface MemberHealth {
  /** The last index that it certainly holds on disk. */
  readonly matchIndex: number
  /** Since it last answered a heartbeat; 0: the leader itself; null: it is not replicated to. */
  readonly lastContactMs: number | null
  /** Of the latest heartbeat; null: none was answered yet. */
  readonly roundTripMs: number | null
  /** `lost`: its directory is not the one that acknowledged entries; remove it and add it again. */
  readonly incarnation: 'known' | 'unseen' | 'lost'
}

/** The answer of `GET /members`. */
export interface Members {
  /** Index of the configuration in use: the `prevIndex` of a change that builds on it. */
  readonly index: number
  readonly committedIndex: number
  /** A member that the leader has not heard for longer is `silent` to those who list it. */
  readonly electionTimeoutMs: number
  readonly leader: HttpLeader | null
  readonly servers: readonly MemberStatus[]
}

/** Bodies are a few fields; meta is the application's and may be more. */
const maxBodyBytes = 64 * 1024

/** `/members` and `/leadership`. Changes reach the leader from any node. */
export function memberRoutes(app: FastifyInstance, node: KvReplica): void {
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error) => {
    throw (error as Partial<FastifyError>).statusCode === 413 ? bodyTooLarge(maxBodyBytes) : error
  })
  const limits = { ...forAdmin, bodyLimit: maxBodyBytes }
  app.get('/members', forData, async ({ query }) => {
    noParameters(query)
    return membersOf(node)
  })
  app.post('/members', limits, (request) => addMember(node, request))
  app.put<ById>('/members/:id', limits, (request) => changeMember(node, request))
  app.delete<ById>('/members/:id', limits, (request) => removeMember(node, request))
  app.post('/leadership', limits, (request) => transferLeadership(node, request))
}

interface ById {
  readonly Params: { readonly id: string }
}

async function membersOf(node: KvReplica): Promise<Members> {
  const { index, committedIndex, servers } = await node.configuration()
  const { leader } = node
  const health = await healthOf(node)
  return {
    index,
    committedIndex,
    electionTimeoutMs: node.config.electionTimeoutMs,
    leader: leader === null ? null : httpLeader(leader),
    servers: servers.map(({ id, address, suffrage, meta = {} }) => {
      const found = health.get(id)
      const isLeader = id === leader?.id
      const base = { id, address, http: meta.http ?? null, suffrage, meta, leader: isLeader }
      return found === undefined ? base : { ...base, health: found }
    }),
  }
}

/** Of every member, its own included, on the leader; of none elsewhere. */
async function healthOf(node: KvReplica): Promise<ReadonlyMap<string, MemberHealth>> {
  if (node.state !== 'leader') return new Map()
  const peers = await node.peers()
  const own: MemberHealth = {
    matchIndex: node.stats().flushedIndex,
    lastContactMs: 0,
    roundTripMs: 0,
    incarnation: 'known',
  }
  const others = peers.map(
    ({ id, ...peer }) =>
      [
        id,
        {
          ...peer,
          lastContactMs: rounded(peer.lastContactMs),
          roundTripMs: rounded(peer.roundTripMs),
        },
      ] as const,
  )
  return new Map([[node.id, own], ...others])
}

async function addMember(node: KvReplica, request: FastifyRequest) {
  const { server, suffrage, prevIndex } = memberAddition(jsonOf(request))
  const options = optionsOf(request, prevIndex)
  const { index } = await (suffrage === 'voter'
    ? node.addVoter(server, options)
    : node.addNonvoter(server, options))
  return { index }
}

async function changeMember(node: KvReplica, request: FastifyRequest<ById>) {
  const { change, prevIndex } = memberChange(jsonOf(request))
  const { index } = await node.updateServer(
    request.params.id,
    change,
    optionsOf(request, prevIndex),
  )
  return { index }
}

async function removeMember(node: KvReplica, request: FastifyRequest<ById>) {
  const { prevIndex } = memberRemoval(request.body)
  const { index } = await node.removeServer(request.params.id, optionsOf(request, prevIndex))
  return { index }
}

async function transferLeadership(node: KvReplica, request: FastifyRequest) {
  const to = transferTarget(request.body)
  const { timeoutMs } = changeParameters(request.query, false)
  const before = node.leader?.id ?? null
  await node.transferLeadership(to ?? undefined, { forward: true, timeoutMs })
  const leader = await leaderAfter(node, { before, to })
  return { leader: leader === null ? null : httpLeader(leader), term: node.stats().term }
}

/** prevIndex may be a parameter or a field. */
function optionsOf(request: FastifyRequest, inBody: number | undefined) {
  const { prevIndex = inBody, timeoutMs } = changeParameters(request.query, true)
  if (inBody !== undefined && prevIndex !== inBody) {
    throw badRequest(`prevIndex is ${prevIndex} in the query and ${inBody} in the body`)
  }
  return { forward: true, prevIndex, timeoutMs }
}

function jsonOf({ body }: FastifyRequest): unknown {
  if (body !== undefined) return body
  throw unsupportedMediaType('send a JSON object with Content-Type: application/json')
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}
