import { ENTRY_HEADER_BYTES } from '../log/batch.js'
import type { ResolvedConfig } from './config.js'
import { RaftError } from './errors.js'

type Limits = Pick<ResolvedConfig, 'maxEntryBytes' | 'maxBatchBytes' | 'maxBatchEntries'>

/** Null when the command may be proposed. */
export function commandTooLarge(data: Uint8Array, { maxEntryBytes }: Limits): RaftError | null {
  if (data.length <= maxEntryBytes) return null
  return tooLarge('a command', data.length, 'maxEntryBytes', maxEntryBytes)
}

/** Null when the commands, `bytes` in all, fit into one batch. */
export function batchTooLarge(
  commands: readonly Uint8Array[],
  bytes: number,
  limits: Limits,
): RaftError | null {
  for (const data of commands) {
    const refusal = commandTooLarge(data, limits)
    if (refusal !== null) return refusal
  }
  const { maxBatchBytes, maxBatchEntries } = limits
  if (commands.length > maxBatchEntries) {
    return tooLarge('applyBatch', commands.length, 'maxBatchEntries', maxBatchEntries)
  }
  const encoded = bytes + commands.length * ENTRY_HEADER_BYTES
  if (commands.length > 1 && encoded > maxBatchBytes) {
    return tooLarge('applyBatch', encoded, 'maxBatchBytes', maxBatchBytes)
  }
  return null
}

function tooLarge(what: string, found: number, limit: string, most: number): RaftError {
  return new RaftError(
    'RAFT_ENTRY_TOO_LARGE',
    `${what} of size ${found} exceeds ${limit}, which is ${most}; split it`,
    { details: { size: found, limit, most } },
  )
}
