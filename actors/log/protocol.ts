import type {
  HardState,
  IndexedConfiguration,
  LogIndex,
  LogSummary,
  NodeId,
  Term,
} from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { StoreSpec } from '../../lib/log/store.js'

/**
 * The log actor owns the store. Everything that changes the log (append, truncate, reset, compact)
 * comes over its data lane, one FIFO, each with a log sequence number; whatever arrived while a flush
 * ran is the next flush (group commit), and one `logFlushed` names the last sequence it covers (S5).
 * Hard state comes over the control lane and may overtake appends; an entry of term T is never made
 * durable before a hard state with term >= T (asserted).
 *
 * Memory: the sender pins a batch for PIN_LOG before it tells `append`; the log actor unpins it when
 * the flush has returned. If this actor dies, its supervisor fails the node.
 */
export interface LogInit {
  readonly nodeId: NodeId
  readonly cluster: string
  readonly dataDir: string
  readonly store: StoreSpec
  /** Largest run of bytes that one `logRead` returns. */
  readonly maxReadBytes: number
  /** One word, 1 while this actor lives and its store has not failed (S9). */
  readonly aliveWord: SharedArrayBuffer
  /** Where it counts (figures.ts), for whoever reads it there; without it only it knows. */
  readonly figures?: SharedArrayBuffer
}

export type LogMessage =
  | { readonly kind: 'append'; readonly seq: number; readonly batches: readonly BatchRef[] }
  | { readonly kind: 'truncate'; readonly seq: number; readonly fromIndex: LogIndex }
  | { readonly kind: 'reset'; readonly seq: number; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: 'compact'; readonly seq: number; readonly index: LogIndex }
  /**
   * Data lane. The sender has taken the `logRefused` of this seq: what follows was issued knowing it.
   * Until then the log actor drops every operation, as `logRefused` said it would.
   */
  | { readonly kind: 'refusalSeen'; readonly seq: number }
  /** Control lane. One atomic durable write; answered by hardStateSaved. */
  | { readonly kind: 'saveHardState'; readonly seq: number; readonly hardState: HardState }
  /** Control lane. The whole table of known incarnations; answered by incarnationsSaved. */
  | {
      readonly kind: 'saveIncarnations'
      readonly seq: number
      readonly incarnations: KnownIncarnations
    }
  /** Control lane. Whole batches from the one that holds fromIndex; answered by logRead. */
  | {
      readonly kind: 'read'
      readonly request: number
      readonly fromIndex: LogIndex
      readonly toIndex: LogIndex
      readonly maxBytes: number
    }
  /** ask: opens nothing new, returns what was found at start. */
  | { readonly kind: 'recovered' }
  /** ask: makes a bootstrap configuration the first entry of an empty log, durable when answered. */
  | {
      readonly kind: 'bootstrap'
      readonly configuration: IndexedConfiguration
      readonly term: Term
      readonly time: number
    }
  /** ask: makes the node's bootstrap list durable without an entry, to compare later calls against. */
  | { readonly kind: 'stats' }

/** S16: whom this node has met as a member, and by which entry it was one. */
export type KnownIncarnations = Readonly<
  Record<NodeId, { readonly incarnation: string; readonly addedAt: LogIndex }>
>

/** What `recovered` answers. */
export interface RecoveredLog {
  readonly identity: {
    readonly cluster: string
    readonly nodeId: NodeId
    readonly incarnation: string
  }
  /** No term, no entry, no vote: nothing was ever promised from this directory. */
  readonly fresh: boolean
  readonly hardState: HardState
  readonly log: LogSummary
  readonly incarnations: KnownIncarnations
  /** Leader time of the newest batch in the log, 0 when there is none (S14: it never decreases). */
  readonly lastTime: number
  /** The list that this directory was bootstrapped with, if it was. */
  readonly bootstrap: IndexedConfiguration | null
}

export interface LogStats {
  readonly flushes: number
  readonly appendedBytes: number
  readonly appendedBatches: number
  readonly lastFlushMs: number
  /** Of the latest 1024 flushes. */
  readonly flushTimes: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  readonly storeBytes: number
}

/** To the consensus actor. All but logRead over the control lane. */
export type LogReply =
  | { readonly kind: 'logFlushed'; readonly seq: number }
  | { readonly kind: 'hardStateSaved'; readonly seq: number }
  | { readonly kind: 'incarnationsSaved'; readonly seq: number }
  /** Refused before any flush (S15): the store still ends at lastIndex, `seq` and all after it are void. */
  | {
      readonly kind: 'logRefused'
      readonly seq: number
      readonly lastIndex: LogIndex
      readonly message: string
    }
  | { readonly kind: 'logWritable' }
  /** Empty `batches`: fromIndex is not held any more (compacted), or not yet. */
  | { readonly kind: 'logRead'; readonly request: number; readonly batches: readonly BatchRef[] }
