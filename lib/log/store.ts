import type { LogIndex, Term } from '../core/types.js'

/**
 * The contract of a store: the log in batches, and a few small values that must be durable at once.
 *
 * A store is driven by one actor, the log actor, one call at a time. Methods may be synchronous or
 * return a promise; the log actor waits for it before the next call. A store never acknowledges what
 * is not on disk: `flush` and `set` return (or resolve) only after the operating system has said that
 * the data is on stable storage.
 *
 * Faults (S15): an error thrown before anything was flushed is a `StoreFullError` when space was the
 * reason; the store then still holds what it held before the refused call. When `flush` throws it,
 * everything staged is dropped: the log is what the last flush made it. An error thrown by `flush` or
 * `set` otherwise is fatal: the log actor fails, and the call is never repeated.
 */
export interface Store {
  /** What the store holds. Called once, first. Damaged batches are reported as StoreCorruptError. */
  recover(): StoredLog | Promise<StoredLog>
  /**
   * Stages encoded batches after the last one. Their memory is valid until the next flush returns.
   * `batches[0].firstIndex` is lastIndex + 1 (asserted); in an empty log it may also lie at or below
   * it, as long as the batch ends above (S6: accepted for the part above a snapshot).
   */
  append(batches: readonly StoredBatch[]): void | Promise<void>
  /** Stages dropping `fromIndex` and all after it; it is a batch's first index (S6). */
  truncate(fromIndex: LogIndex): void | Promise<void>
  /** Stages dropping every batch that ends at or below `throughIndex`. */
  compact(throughIndex: LogIndex): void | Promise<void>
  /** Stages dropping everything; the next batch starts at `index` + 1 and `term` precedes it. */
  reset(index: LogIndex, term: Term): void | Promise<void>
  /** Makes everything staged durable, atomically or as a prefix in order of staging. */
  flush(): void | Promise<void>
  /**
   * Copies of whole batches in order, from the one that holds `fromIndex`, until `maxBytes` is passed
   * (at least one) or `toIndex` is reached. Sees what is staged. Empty when `fromIndex` is not held.
   */
  read(
    fromIndex: LogIndex,
    toIndex: LogIndex,
    maxBytes: number,
  ): readonly StoredBatch[] | Promise<readonly StoredBatch[]>
  /**
   * A small value by key, or null. The node writes each value twice, as `a/NAME` and `b/NAME` (S15): a
   * store keeps the two where one damaged page cannot take both.
   */
  get(key: string): Uint8Array | null | Promise<Uint8Array | null>
  /** Writes all values atomically; durable when it returns. Independent of what is staged. */
  set(values: Readonly<Record<string, Uint8Array>>): void | Promise<void>
  /**
   * Whether so many bytes of batches would find room now. Asked from time to time after a
   * StoreFullError; without it the append is simply tried again.
   */
  hasRoom?(bytes: number): boolean
  /** Bytes on disk (or in memory), for stats. */
  size(): number
  close(): void | Promise<void>
}

/** An encoded batch (header and body as batch.ts lays them out) and where it lies in the log. */
export interface StoredBatch {
  readonly firstIndex: LogIndex
  readonly lastIndex: LogIndex
  readonly term: Term
  readonly bytes: Uint8Array
}

/** What `recover` found. */
export interface StoredLog {
  /** First index present; lastIndex + 1 when empty. */
  readonly firstIndex: LogIndex
  readonly lastIndex: LogIndex
  /** Term of the entry before firstIndex. */
  readonly prevTerm: Term
  /** Term of the last entry; prevTerm when the log is empty. */
  readonly lastTerm: Term
  /**
   * S15: the last batch had a good header and a bad body and was left out. What it would have ended
   * with; it is reported at each recovery until something is flushed.
   */
  readonly voteFloor?: { readonly index: LogIndex; readonly term: Term }
}

/** What a store is told about the node that it is made for. */
export interface StoreContext {
  readonly nodeId: string
  /** The node's data directory, which exists; the store keeps to a folder of its own in it. */
  readonly dataDir: string
  /** Monotonic milliseconds. */
  now(): number
  /** For the operator: something is worth knowing and not wrong. */
  warn(message: string): void
}

/** A store module exports `createStore`. */
export type CreateStore<Options = unknown> = (
  options: Options,
  context: StoreContext,
) => Store | Promise<Store>

/** How a node is told which store to use: a module by URL, so that it opens on the log actor's thread. */
export interface StoreSpec {
  readonly module: string
  readonly options: unknown
  /** Present when the store lives in this thread's memory: the log actor then runs inline. */
  readonly create?: CreateStore
}

/** Nothing was written: the disk, the map or a quota is full. */
export class StoreFullError extends Error {
  readonly code = 'RAFT_STORAGE_FULL'
  override readonly name = 'StoreFullError'
}

/** The data directory belongs to another cluster or another node (S16). */
export class DataDirForeignError extends Error {
  readonly code = 'RAFT_DATA_DIR_FOREIGN'
  override readonly name = 'DataDirForeignError'
}

/** A store module that is not there, does not load, or exports no `createStore`. */
export class StoreLoadError extends Error {
  readonly code = 'RAFT_MODULE_LOAD'
  override readonly name = 'StoreLoadError'
}

/** Another store, of this process or another one, has the same directory open (S16). */
export class DataDirLockedError extends Error {
  readonly code = 'RAFT_DATA_DIR_LOCKED'
  override readonly name = 'DataDirLockedError'
}

/** A batch or value on disk does not match its checksum. */
export class StoreCorruptError extends Error {
  readonly code = 'RAFT_CORRUPT'
  override readonly name = 'StoreCorruptError'
  readonly index: LogIndex

  constructor(message: string, index: LogIndex) {
    super(message)
    this.index = index
  }
}
