import { InvalidArgumentError } from 'commander'
import type { ServerOptions } from '../node/options.js'
import { parseAddress } from '../transport/address.js'

/** Parsers of option values; each throws what commander reports with the option's name. */

export const storeNames = ['lmdb', 'wal', 'memory'] as const
export type StoreName = (typeof storeNames)[number]

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export function hostPort(value: string): string {
  try {
    parseAddress(value)
    return value
  } catch {
    throw new InvalidArgumentError('Write HOST:PORT, an IPv6 host in brackets.')
  }
}

export function wholeNumber(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
  }
}

/** A flag's variable in the environment: set, but not to what says no. */
export function isSet(value: unknown): boolean {
  return value === true || (typeof value === 'string' && !['', '0', 'false', 'no'].includes(value))
}

/**
 * `id=host:port,…`; an entry may go on with `@http://host:port`, the node's HTTP address, which then
 * every member knows and tells its clients.
 */
export function bootstrapList(value: string): readonly ServerOptions[] {
  const servers = value.split(',').map(server)
  const ids = new Set(servers.map(({ id }) => id))
  if (ids.size < servers.length) throw new InvalidArgumentError('An id is in the list twice.')
  return servers
}

/** The text that `bootstrapList` reads. */
export function formatBootstrapList(servers: readonly ServerOptions[]): string {
  return servers
    .map(({ id, address, meta }) => `${id}=${address}${meta?.http ? `@${meta.http}` : ''}`)
    .join(',')
}

function server(entry: string): ServerOptions {
  const [, id, address, http] = /^([^=]+)=([^@]+)(?:@(.+))?$/.exec(entry.trim()) ?? []
  if (id === undefined || address === undefined) {
    throw new InvalidArgumentError(`Write id=host:port[@http://host:port],… not "${entry}".`)
  }
  return {
    id,
    address: hostPort(address),
    ...(http !== undefined && { meta: { http: httpAddress(http) } }),
  }
}

export function httpAddress(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/') return url.origin
  throw new InvalidArgumentError(`Write http://host:port, not "${value}".`)
}

/** As `httpAddress`; a bare `host:port` will do. */
export function nodeAddress(value: string): string {
  return httpAddress(value.includes('://') ? value : `http://${value}`)
}
