import { SIMULATED_FAULT, type SimNode } from './sim-node.js'

/** What the simulated user's code says when it throws. */
export const USER_ERROR = 'a simulated mistake of the user'

/**
 * What becomes of a node that has ended by itself. `restart`: its program starts it again; `repair`: somebody
 * sees to its disk first; `violation`: nothing that happened to it may end a node.
 */
export function verdictOn(
  node: SimNode,
  message: string,
  ruined: boolean,
): 'restart' | 'repair' | 'violation' {
  if (ruined) return 'repair'
  // S14 and S15: a second mistake at one index ends the node, and so does a failed flush.
  if (message.includes(USER_ERROR)) return 'restart'
  if (node.flushFailed) return node.disk.faults.failTimes > 0 ? 'repair' : 'restart'
  // The log and consensus actors are fatal to their node.
  return message.includes(SIMULATED_FAULT) ? 'restart' : 'violation'
}
