import type { AdminRequest, LocalAdministration } from './administration.js'
import { notAvailable } from './failures.js'
import type { Requests } from './requests.js'

/** Carries out what operators ask on the node that leads; elsewhere each of these is refused. */
export function localAdministration(requests: Requests): LocalAdministration {
  return async (request: AdminRequest, options) => {
    if (request.kind !== 'transfer') throw notAvailable(request.kind)
    await requests.transfer(request.to, options)
    return 0
  }
}
