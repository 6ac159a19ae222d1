import type { Server } from '../core/types.js'
import { RaftError } from './errors.js'
import type { ServerOptions } from './options.js'

type BootstrapServer = Omit<Server, 'addedAt'>

/**
 * Checks a list of servers: unique ids and addresses, at least one voter, and this node among them (null:
 * which one it is is not known yet). `option`: where it was given.
 * @throws RaftError RAFT_CONFIG_INVALID
 */
export function checkServers(
  servers: readonly ServerOptions[],
  self: string | null,
  option = 'bootstrap',
): readonly BootstrapServer[] {
  const invalid = (message: string): RaftError => invalidList(option, message)
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
    return withSuffrage(server, invalid)
  })
  if (!checked.some(({ suffrage }) => suffrage === 'voter')) {
    throw invalid('at least one server must be a voter')
  }
  if (self !== null && !ids.has(self))
    throw invalid(`this node, ${self}, is not in it: ${[...ids].join(', ')}`)
  return checked
}

function withSuffrage(
  server: ServerOptions,
  invalid: (message: string) => RaftError,
): BootstrapServer {
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

/** A text that two lists have in common if they name the same members. */
export function fingerprint(servers: readonly BootstrapServer[]): string {
  const rows = servers.map(({ id, address, suffrage, meta }) =>
    JSON.stringify([id, address, suffrage, Object.entries(meta ?? {}).sort()]),
  )
  return rows.sort().join('\n')
}

function invalidList(option: string, message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', `${option}: ${message}`, {
    outcome: 'rejected',
    details: { option },
  })
}
