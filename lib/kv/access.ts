import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { HttpProblem } from './http-problem.js'
import type { TokenList } from './tokens.js'

/**
 * Who may use a route. `public`: anyone who reaches the port. `data`: whoever has the data token or the
 * admin token. `admin`: whoever has the admin token.
 */
export type Access = 'public' | 'data' | 'admin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that does not say, `admin`: what nobody has thought about stays shut. */
    readonly access?: Access
  }
}

/** As the options of a route: `app.get('/status', forData, handler)`. */
export const forAnyone = { config: { access: 'public' } } as const
export const forData = { config: { access: 'data' } } as const
export const forAdmin = { config: { access: 'admin' } } as const

/** The tokens of a service; null: without any, everything is open to whoever reaches the port. */
export interface AccessTokens {
  /** Opens what is `data`. Empty: only the admin token does. */
  readonly data: TokenList
  /** Opens everything. Empty: what is `admin` stays shut. */
  readonly admin: TokenList
}

interface Known {
  readonly data: readonly Buffer[]
  readonly admin: readonly Buffer[]
}

/** Checks bearer tokens (RFC 6750) before a route runs or a body is read. */
export class AccessControl {
  #known: Known | null = null

  constructor(tokens: AccessTokens | null) {
    this.replace(tokens)
  }

  /** From now on these are the tokens; a request that runs already goes on. */
  replace(tokens: AccessTokens | null): void {
    this.#known =
      tokens === null
        ? null
        : { data: tokens.data.map(digestOf), admin: tokens.admin.map(digestOf) }
  }

  /** @throws HttpProblem 401 without a known token, 403 with one that does not open this route. */
  check({ headers, routeOptions }: Pick<FastifyRequest, 'headers' | 'routeOptions'>): void {
    const wanted = routeOptions.config.access ?? 'admin'
    if (wanted === 'public') return
    const opened = this.opens(headers)
    if (opened === 'admin' || opened === wanted) return
    if (opened === 'data') throw adminOnly()
    throw bearerToken(headers.authorization) === null
      ? unauthorized('send a token: Authorization: Bearer TOKEN', '')
      : unauthorized('the token is none of this node', 'error="invalid_token"')
  }

  /** The most that the token of these headers opens, by what is known now. */
  opens({ authorization }: Pick<IncomingHttpHeaders, 'authorization'>): Access {
    const known = this.#known
    if (known === null) return 'admin'
    const token = bearerToken(authorization)
    if (token === null) return 'public'
    const digest = digestOf(token)
    // Both lists are compared whole, so that the time taken tells nothing of either.
    const isAdmin = holds(known.admin, digest)
    const isData = holds(known.data, digest)
    if (isAdmin) return 'admin'
    return isData ? 'data' : 'public'
  }
}

/** Null for another scheme, and for what cannot be a token. */
function bearerToken(authorization: string | undefined): string | null {
  return /^Bearer +([\w\-.~+/]+=*) *$/i.exec(authorization ?? '')?.[1] ?? null
}

/** Digests have one length whatever they are of: `timingSafeEqual` needs it. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function holds(known: readonly Buffer[], digest: Buffer): boolean {
  let found = 0
  for (const one of known) found |= Number(timingSafeEqual(one, digest))
  return found === 1
}

function unauthorized(message: string, parameter: string): HttpProblem {
  const challenge = ['Bearer realm="troupe"', parameter].filter((part) => part !== '').join(', ')
  return new HttpProblem(401, 'HTTP_UNAUTHORIZED', message, { 'www-authenticate': challenge })
}

function adminOnly(): HttpProblem {
  const challenge = 'Bearer realm="troupe", error="insufficient_scope", scope="admin"'
  return new HttpProblem(403, 'HTTP_FORBIDDEN', 'this needs the admin token', {
    'www-authenticate': challenge,
  })
}
