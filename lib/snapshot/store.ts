import type { IndexedConfiguration, LogIndex, Term } from '../core/types.js'

/**
 * Where snapshots are kept. A snapshot becomes visible, whole and durable, when its writer commits;
 * until then it has a temporary name that a restart removes. Newest means by (term, index) as numbers.
 */
export interface SnapshotStore {
  /** Removes leftovers of a crash and lists what verifies by its header, newest first. */
  open(): readonly StoredSnapshot[] | Promise<readonly StoredSnapshot[]>
  create(meta: NewSnapshot): SnapshotWriter | Promise<SnapshotWriter>
  /** Newest first. */
  list(): readonly StoredSnapshot[] | Promise<readonly StoredSnapshot[]>
  /** Bytes of state from `offset`, at most `maxBytes`; the whole body's checksum was verified first. */
  read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Uint8Array | Promise<Uint8Array>
  /**
   * Like `read`, into memory of the caller's; returns how many bytes there were. A store without it costs
   * its readers memory that must be collected.
   */
  readInto?(snapshot: StoredSnapshot, offset: number, into: Uint8Array): number | Promise<number>
  /** Checks header and body. */
  verify(snapshot: StoredSnapshot): boolean | Promise<boolean>
  remove(snapshot: StoredSnapshot): void | Promise<void>
  close(): void | Promise<void>
}

export interface NewSnapshot {
  readonly index: LogIndex
  readonly term: Term
  readonly configuration: IndexedConfiguration
  /** A user's restore made it, so it stands where no entry was (lib/core/uncertain.ts). */
  readonly restored?: boolean
}

export interface StoredSnapshot extends NewSnapshot {
  /** Bytes of state. */
  readonly size: number
  /** CRC-32 of the whole state. */
  readonly checksum: number
}

export interface SnapshotWriter {
  /** Bytes of state taken so far. */
  readonly written: number
  /** Takes what it needs of `bytes` before it returns or resolves. */
  write(bytes: Uint8Array): void | Promise<void>
  /**
   * Flushes, renames and flushes the directory; afterwards the snapshot exists. `as`: what it turned out
   * to be, in the place of what it was created as.
   */
  commit(as?: NewSnapshot): StoredSnapshot | Promise<StoredSnapshot>
  /** Leaves nothing behind. May follow a failed write or commit; does nothing after a commit. */
  abort(): void | Promise<void>
}

export interface SnapshotStoreContext {
  readonly nodeId: string
  readonly dataDir: string
  /** Where the store says what it tolerated or skipped. */
  readonly warn?: (fields: object, message: string) => void
}

/** A snapshot store module exports this as `createSnapshotStore`. */
export type CreateSnapshotStore<Options = unknown> = (
  options: Options,
  context: SnapshotStoreContext,
) => SnapshotStore | Promise<SnapshotStore>

/** How a node is told which snapshot store to use; it opens on the snapshot actor's thread. */
export interface SnapshotStoreSpec {
  /** URL of a module that exports `createSnapshotStore`. */
  readonly module: string
  readonly options: unknown
  /** Present when the store lives in this thread's memory: the snapshot actor then runs inline. */
  readonly create?: CreateSnapshotStore
}
