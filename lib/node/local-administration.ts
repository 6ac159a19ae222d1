import type { AdminRequest, LocalAdministration } from './administration.js'
import { RaftError } from './errors.js'
import type { Changed, MemberChanges } from './member-changes.js'
import type { NodeView } from './node-view.js'
import type { Requests } from './requests.js'
import type { CallOptions } from './types.js'

/** Carries out what operators ask on the node that leads; elsewhere each of these is refused. */
export function localAdministration(
  requests: Requests,
  changes: MemberChanges,
  view: NodeView,
): LocalAdministration {
  const change = (request: Exclude<AdminRequest, { kind: 'transfer' }>, call: CallOptions) => {
    const options = { ...call, prevIndex: request.prevIndex }
    switch (request.kind) {
      case 'addVoter':
        return changes.addVoter(request.server, { ...options, immediate: request.immediate })
      case 'addNonvoter':
        return changes.addNonvoter(request.server, options)
      case 'demoteVoter':
        return changes.demoteVoter(request.id, options)
      case 'removeServer':
        return changes.removeServer(request.id, options)
      case 'reconfigure':
        return changes.reconfigure(request.servers, options)
      case 'updateServer':
        return update(request, options)
    }
  }

  /** One request, one change of the configuration: a vote given or taken brings address and meta along. */
  async function update(
    request: Extract<AdminRequest, { kind: 'updateServer' }>,
    options: CallOptions & { readonly prevIndex: number | undefined },
  ): Promise<Changed> {
    const { id, change } = request
    const { suffrage, address, meta } = change
    if (suffrage === undefined) return changes.updateServer(id, { address, meta }, options)
    const { servers } = view.status.configuration.configuration
    const found = servers.find((server) => server.id === id)
    if (found === undefined && view.leads) throw unknown(id)
    const kept = meta ?? found?.meta
    const where = { id, address: address ?? found?.address ?? '-' }
    const named = kept === undefined ? where : { ...where, meta: kept }
    if (suffrage === 'voter') return changes.addVoter(named, options)
    const demoted = { ...named, suffrage }
    const goal = servers.map((server) => (server === found ? demoted : server))
    return changes.reconfigure(goal, options)
  }

  return async (request, options) => {
    if (request.kind !== 'transfer') return (await change(request, options)).index
    await requests.transfer(request.to, options)
    return 0
  }
}

function unknown(id: string): RaftError {
  return new RaftError('RAFT_UNKNOWN_SERVER', `the configuration has no server ${id}`)
}
