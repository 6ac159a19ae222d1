import type { IndexedConfiguration, LogIndex, Term } from '../core/types.js'

/**
 * Where snapshots are kept. A snapshot becomes visible, whole and durable, when its writer commits;
 * until then it has a temporary name that a restart removes. Newest means by (term, index) as numbers.
 */
export interface SnapshotStore {
  /** Removes leftovers of a crash and lists what verifies by its header, newest first. */
  open(): readonly StoredSnapshot[] | Promise<readonly StoredSnapshot[]>
  create(meta: NewSnapshot): SnapshotWriter | Promise<SnapshotWriter>
  list(): readonly StoredSnapshot[] | Promise<readonly StoredSnapshot[]>
  /** Bytes of state from `offset`, at most `maxBytes`; the whole body's checksum was verified first. */
  read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Uint8Array | Promise<Uint8Array>
  /** Checks header and body. */
  verify(snapshot: StoredSnapshot): boolean | Promise<boolean>
  remove(snapshot: StoredSnapshot): void | Promise<void>
  close(): void | Promise<void>
}

export interface NewSnapshot {
  readonly index: LogIndex
  readonly term: Term
  readonly configuration: IndexedConfiguration
}

export interface StoredSnapshot extends NewSnapshot {
  /** Bytes of state. */
  readonly size: number
}

export interface SnapshotWriter {
  readonly written: number
  write(bytes: Uint8Array): void | Promise<void>
  /** Flushes, renames and flushes the directory; afterwards the snapshot exists. */
  commit(): StoredSnapshot | Promise<StoredSnapshot>
  abort(): void | Promise<void>
}

export interface SnapshotStoreContext {
  readonly nodeId: string
  readonly dataDir: string
}

export type CreateSnapshotStore<Options = unknown> = (
  options: Options,
  context: SnapshotStoreContext,
) => SnapshotStore | Promise<SnapshotStore>

export interface SnapshotStoreSpec {
  readonly module: string
  readonly options: unknown
  readonly create?: CreateSnapshotStore
}
