import type { Server } from '../core/types.js'
import { RaftError } from './errors.js'
import type { ServerOptions } from './options.js'

type BootstrapServer = Omit<Server, 'addedAt'>

/**
 * Checks a bootstrap list: unique ids and addresses, at least one voter, and this node among them.
 * @throws RaftError RAFT_CONFIG_INVALID
 */
export function checkServers(
  servers: readonly ServerOptions[],
  self: string,
): readonly BootstrapServer[] {
  if (!Array.isArray(servers)) throw invalid(`expected a list of servers, found ${String(servers)}`)
  const ids = new Set<string>()
  const addresses = new Set<string>()
  const checked = servers.map((server, position) => {
    const { id, address } = server
    if (typeof id !== 'string' || id === '') throw invalid(`server ${position} has no id`)
    if (typeof address !== 'string' || address === '') throw invalid(`server ${id} has no address`)
    if (ids.has(id)) throw invalid(`the id ${id} is there twice`)
    if (addresses.has(address)) throw invalid(`the address ${address} is there twice`)
    ids.add(id)
    addresses.add(address)
    return withSuffrage(server)
  })
  if (!checked.some(({ suffrage }) => suffrage === 'voter')) {
    throw invalid('at least one server must be a voter')
  }
  if (!ids.has(self)) throw invalid(`this node, ${self}, is not in it: ${[...ids].join(', ')}`)
  return checked
}

function withSuffrage(server: ServerOptions): BootstrapServer {
  const { id, address, meta, suffrage = 'voter' } = server
  if (suffrage !== 'voter' && suffrage !== 'nonvoter') {
    throw invalid(`suffrage of ${id} is voter or nonvoter, found ${String(suffrage)}`)
  }
  for (const [key, value] of Object.entries(meta ?? {})) {
    if (typeof value !== 'string') throw invalid(`meta.${key} of ${id} is text, found ${value}`)
  }
  return meta === undefined ? { id, address, suffrage } : { id, address, suffrage, meta }
}

/** Whether two lists name the same members, in whatever order. */
export function sameServers(
  one: readonly BootstrapServer[],
  other: readonly BootstrapServer[],
): boolean {
  return fingerprint(one) === fingerprint(other)
}

function fingerprint(servers: readonly BootstrapServer[]): string {
  const rows = servers.map(({ id, address, suffrage, meta }) =>
    JSON.stringify([id, address, suffrage, Object.entries(meta ?? {}).sort()]),
  )
  return rows.sort().join('\n')
}

function invalid(message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', `bootstrap: ${message}`, {
    outcome: 'rejected',
    details: { option: 'bootstrap' },
  })
}
