import type { WireError } from '../runtime/wire-error.js'

/** Why a node ends: the code of what failed when it has one of ours, else `code`. */
export function fatalError(error: Error, code: string, message: string): WireError {
  const own = (error as { code?: unknown }).code
  const details = (error as { details?: unknown }).details ?? null
  const raftCode = typeof own === 'string' && own.startsWith('RAFT_') ? own : code
  const cause = { name: error.name, message: error.message, code: null, details: null }
  return {
    name: 'RaftError',
    message,
    code: raftCode,
    details,
    stack: error.stack ?? null,
    cause: { ...cause, stack: error.stack ?? null, cause: null },
  }
}
