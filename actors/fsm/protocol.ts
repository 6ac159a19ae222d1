import type { IndexedConfiguration, LogIndex, Term } from '../../lib/core/types.js'
import type { StateMachineSpec } from '../../lib/fsm/spec.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { WireError } from '../../lib/runtime/wire-error.js'

/**
 * The FSM actor owns the user's state machine and nothing else touches it. It is given committed
 * batches in order and answers each `apply` with one `applied`. User code may block its thread.
 *
 * Memory: the sender pins each batch for PIN_FSM before `apply`; the FSM actor unpins it once the
 * entries are applied (their bytes were copied, or lent until apply returned).
 *
 * Death: its supervisor starts a new one from the newest snapshot (or the machine's own lastApplied)
 * and the consensus actor feeds the log after it again (S14).
 *
 * Linked as `consensus` (where replies go) and `snapshot` (where captured state is written).
 */
export interface FsmInit {
  readonly nodeId: string
  readonly dataDir: string
  readonly stateMachine: StateMachineSpec
  /** Most entries handed to one applyBatch. */
  readonly maxApplyEntries: number
  /** Most bytes of commands in it; a larger command is handed over by itself. */
  readonly maxApplyBytes: number
  /**
   * With `entryData: 'borrowed'`: overwrite an entry's bytes once apply has returned, so that a machine
   * which kept them is found out. Default: when the state machine is inline (as in the simulator).
   */
  readonly overwriteBorrowed?: boolean
  /** Where it counts (figures.ts), for whoever reads it there; without it only it knows. */
  readonly figures?: SharedArrayBuffer
}

export type FsmMessage =
  /** First, in the control lane. `life`: its number among those that run one after the other; its answers bear it. */
  | { readonly kind: 'begin'; readonly life: number }
  /** Entries fromIndex..toIndex, all committed; the batches may hold more on either side. */
  | {
      readonly kind: 'apply'
      readonly fromIndex: LogIndex
      readonly toIndex: LogIndex
      readonly batches: readonly BatchRef[]
      /** Someone waits for the results of entries from this index on; null when nobody does. */
      readonly resultsFrom: LogIndex | null
    }
  | { readonly kind: 'query'; readonly items: readonly QueryItem[] }
  /** Control lane. Capture now (index = last applied), persist through `snapshot`. */
  | {
      readonly kind: 'takeSnapshot'
      readonly request: number
      /** All configurations the node knows of; the newest at or below the captured index is recorded (S13). */
      readonly configurations: readonly IndexedConfiguration[]
      /** Also when nothing was applied since the newest snapshot: that one turned out to be unreadable. */
      readonly force?: boolean
      /** It stands for a forced configuration (lib/node/recover): marked as a restored one. */
      readonly restored?: boolean
    }
  /** Replace the state by the stored snapshot at (index, term), read through `snapshot`. Data lane: it
   *  keeps its place among the applies. */
  | {
      readonly kind: 'restore'
      readonly index: LogIndex
      readonly term: Term
      /** At start: the machine holds it already, by whatever means (restoreSnapshotOnStart). */
      readonly skip?: boolean
      /** A machine that keeps its own state and holds this index holds a past that came to nothing. */
      readonly undone?: LogIndex
    }
  /** ask, at start; answered by LastApplied. */
  | { readonly kind: 'lastApplied' }

/** What a state machine that keeps its own state on disk holds; null for one that does not (S14). */
export interface LastApplied {
  readonly lastApplied: LogIndex | null
}

export interface QueryItem {
  readonly id: number
  /** For `queries` proxies: the method; `request` is then its argument list. */
  readonly method?: string
  readonly request: unknown
}

/** The result of one entry, or of one query. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError }

/**
 * Results of consecutive entries up to the `toIndex` of the apply. `values` is null when every result is
 * undefined and none failed.
 */
export interface ResultRun {
  /** resultsFrom, or the first entry that this state machine did not already hold. */
  readonly firstIndex: LogIndex
  readonly values: readonly unknown[] | null
  /**
   * CommandErrors, RAFT_RESULT_LOST for a result that cannot leave its thread or is not kept, and why a
   * command of a session or with an idempotency key was refused, by index.
   */
  readonly errors: readonly { readonly index: LogIndex; readonly error: WireError }[]
  /** Present when some of the commands were applied before: their results are the first ones'. */
  readonly repeats?: readonly Repeat[]
}

/** The command at `index` was not applied: it is the one that was applied at (firstIndex, firstTerm). */
export interface Repeat {
  readonly index: LogIndex
  readonly firstIndex: LogIndex
  readonly firstTerm: Term
}

/** To the consensus actor. */
export type FsmReply =
  /**
   * Answers `begin`, before anything else. `lastApplied`: up to where nothing is to be fed. A new
   * FSM actor says 0 also for a machine that keeps its own state: the sessions beside it are read again.
   */
  | { readonly kind: 'fsmReady'; readonly life: number; readonly lastApplied: LogIndex | null }
  /** `life`: answers of one that is gone may still come, and count for nothing. */
  | {
      readonly kind: 'applied'
      readonly life: number
      readonly toIndex: LogIndex
      readonly results: ResultRun | null
    }
  | {
      readonly kind: 'queried'
      readonly life: number
      /** lastApplied when the answers were given. */
      readonly index: LogIndex
      readonly items: readonly { readonly id: number; readonly outcome: Outcome }[]
    }
  | {
      readonly kind: 'restored'
      readonly life: number
      readonly index: LogIndex
      readonly term: Term
      /** Of state that were read; null: the machine held it already. */
      readonly bytes: number | null
    }
  /** How many bytes of state the machine has taken so far, at most once a second. */
  | { readonly kind: 'restoring'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'snapshotTaken'
      readonly request: number
      readonly index: LogIndex
      readonly term: Term
      readonly bytes: number
    }
  | {
      readonly kind: 'snapshotFailed'
      readonly request: number
      /** What would have been its last entry; term 0 when it is not known. */
      readonly index: LogIndex
      readonly term: Term
      readonly error: WireError
    }
