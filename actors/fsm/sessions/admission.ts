import type { LogIndex, Term } from '../../../lib/core/types.js'
import type { WireError } from '../../../lib/runtime/wire-error.js'
import type { ResultCache, Slot } from './result-cache.js'

/** Where in the log an entry is. */
export interface Place {
  readonly index: LogIndex
  readonly term: Term
  /** The leader's clock: the only one that sessions and keys know. */
  readonly time: number
}

/**
 * What the tables say of one command. Verdicts are given in log order before a run of commands is
 * applied, results are kept in log order afterwards: so neither depends on where runs and batches end,
 * which differs from replica to replica.
 */
export type Admission = {
  /** Where its result is kept, and what else this entry takes out of it. */
  readonly cache: ResultCache | null
  readonly dropped: readonly Slot[]
} & (
  | { readonly verdict: 'apply'; readonly slot: Slot; readonly maxResultBytes: number }
  /** Applied before, or earlier in the same run. */
  | { readonly verdict: 'known'; readonly slot: Slot }
  /** Not applied, now or by any later entry like it. */
  | { readonly verdict: 'refused'; readonly error: WireError }
)

export type TableErrorCode =
  | 'RAFT_SESSION_EXPIRED'
  | 'RAFT_IDEMPOTENCY_KEY_REUSED'
  | 'RAFT_OVERLOADED'
  | 'RAFT_RESULT_LOST'

/** The refusal of an entry, as it takes a result's place. */
export function tableError(
  code: TableErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>>,
): WireError {
  return { name: 'StateMachineError', message, code, details, stack: null, cause: null }
}
