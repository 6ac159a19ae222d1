import type { Configuration, NodeId, Server } from './types.js'

/** A server as a user names it; its suffrage is the request's affair. */
export type NamedServer = Omit<Server, 'addedAt' | 'suffrage'>

/** What can be asked of the configuration. Each is one change, whatever number of entries it takes. */
export type MemberChange =
  /** A new member, a nonvoter to be promoted, or a voter whose address or meta changes. */
  | { readonly kind: 'addVoter'; readonly server: NamedServer; readonly immediate: boolean }
  /** A new nonvoter; of a member only address and meta change (it keeps its vote). */
  | { readonly kind: 'addNonvoter'; readonly server: NamedServer }
  | { readonly kind: 'demoteVoter'; readonly peer: NodeId }
  | { readonly kind: 'removeServer'; readonly peer: NodeId }
  | {
      readonly kind: 'updateServer'
      readonly peer: NodeId
      readonly address?: string
      readonly meta?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'reconfigure'; readonly servers: readonly Omit<Server, 'addedAt'>[] }

/** The members that a change leads to, or why it leads nowhere. */
export type Goal =
  | { readonly kind: 'servers'; readonly servers: readonly Server[] }
  | { readonly kind: 'refused'; readonly unknown: boolean; readonly detail: string }

/** `addedAt` of a member that no entry has added yet. */
export const NOT_ADDED = 0

/** Other members that one node can replicate to: a column of pins each (S7). */
export const MAX_SERVERS = 30

export function goalOf(configuration: Configuration, change: MemberChange): Goal {
  const { servers } = configuration
  switch (change.kind) {
    case 'addVoter':
      return checked(withServer(servers, { ...change.server, suffrage: 'voter' }))
    case 'addNonvoter': {
      const suffrage = find(servers, change.server.id)?.suffrage ?? 'nonvoter'
      return checked(withServer(servers, { ...change.server, suffrage }))
    }
    case 'reconfigure':
      return checked(change.servers.map((server) => keepingAge(servers, server)))
    case 'demoteVoter':
    case 'removeServer':
    case 'updateServer':
      break
  }
  const found = find(servers, change.peer)
  if (found === undefined) return noSuchServer(servers, change.peer)
  if (change.kind === 'removeServer') return checked(servers.filter((one) => one !== found))
  if (change.kind === 'demoteVoter') {
    return checked(withServer(servers, { ...found, suffrage: 'nonvoter' }))
  }
  const { address = found.address, meta = found.meta } = change
  const changed = { ...found, address }
  return checked(withServer(servers, meta === undefined ? changed : { ...changed, meta }))
}

/** Every configuration has a voter, and no id or address is empty or used twice. */
export function checkServers(servers: readonly Omit<Server, 'addedAt'>[]): string | null {
  for (const { id, address } of servers) {
    if (id === '') return 'a server has an empty id'
    if (address === '') return `server ${id} has an empty address`
    if (servers.filter((other) => other.id === id).length > 1) return `id ${id} is there twice`
    if (servers.filter((other) => other.address === address).length > 1) {
      return `address ${address} is there twice`
    }
  }
  if (!servers.some((server) => server.suffrage === 'voter')) return 'at least one voter is needed'
  if (servers.length <= MAX_SERVERS) return null
  return `${servers.length} servers are more than the ${MAX_SERVERS} that a cluster can have`
}

function checked(servers: readonly Server[]): Goal {
  const detail = checkServers(servers)
  if (detail !== null) return { kind: 'refused', unknown: false, detail }
  return { kind: 'servers', servers }
}

function noSuchServer(servers: readonly Server[], peer: NodeId): Goal {
  const known = servers.map((server) => server.id).join(', ')
  const detail = `there is no server ${peer}; the members are ${known}`
  return { kind: 'refused', unknown: true, detail }
}

/** In its old place, or at the end. What is not said of a member stays as it is. */
function withServer(
  servers: readonly Server[],
  wanted: Omit<Server, 'addedAt'>,
): readonly Server[] {
  const server = keepingAge(servers, wanted)
  if (find(servers, wanted.id) === undefined) return [...servers, server]
  return servers.map((one) => (one.id === wanted.id ? server : one))
}

function keepingAge(servers: readonly Server[], wanted: Omit<Server, 'addedAt'>): Server {
  const found = find(servers, wanted.id)
  const server = { ...wanted, addedAt: found?.addedAt ?? NOT_ADDED }
  const meta = wanted.meta ?? found?.meta
  return meta === undefined ? server : { ...server, meta }
}

function find(servers: readonly Server[], id: NodeId): Server | undefined {
  return servers.find((server) => server.id === id)
}
