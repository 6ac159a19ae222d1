import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { isLoopback, isWildcard } from '../transport/address.js'
import { forbidden } from './http-problem.js'

/**
 * Keeps web pages away from a node that only the machine or the network around it protects. A page of
 * another site reaches such a node through the visitor's browser, by its address (then Origin is
 * foreign) or by a name of the site's own that it lets resolve to the node (then Host is foreign).
 */
export class OriginGuard {
  readonly #names: ReadonlySet<string>
  readonly #anyAddress: boolean

  /** `listen` is the host bound; `names` are further host names by which the node is known. */
  constructor(listen: string, names: readonly string[] = []) {
    const loopback = isLoopback(listen) || isWildcard(listen) ? loopbackNames : []
    this.#names = new Set([listen, ...loopback, ...names].map((name) => name.toLowerCase()))
    // A numeric address is never a name that someone else made point here.
    this.#anyAddress = isWildcard(listen)
  }

  /** `secure`: the request came over TLS, and so must its page have. Throws a problem 403. */
  check(headers: IncomingHttpHeaders, secure = false): void {
    const { host, origin } = headers
    if (host !== undefined && !this.#isOurs(host)) {
      throw forbidden(`Host ${host} is not a name of this node`)
    }
    if (origin !== undefined && !isSameOrigin(origin, host, secure)) {
      throw forbidden(`requests of pages from ${origin} are not accepted`)
    }
  }

  #isOurs(host: string): boolean {
    const name = hostName(host)
    return this.#names.has(name) || (this.#anyAddress && isIP(name) !== 0)
  }
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '::1']

/** `host:port` without the port and without brackets. */
function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
}

/** A page that came without TLS may be anyone's on the way: it gets no say over a node with TLS. */
function isSameOrigin(origin: string, host: string | undefined, secure: boolean): boolean {
  if (host === undefined) return false
  return origin === `https://${host}` || (!secure && origin === `http://${host}`)
}
