// In a file of its own: what the library declares must not lead a compiler to lmdb's declarations.

/** What `lmdbStore` takes. */
export interface LmdbStoreOptions {
  /**
   * Page size in bytes of a new database, a power of two from 4096 to 65536; an existing one keeps its
   * own. Default 16384: benchmarks/lmdb-page-size.ts has the measurement.
   */
  readonly pageSize?: number
  /**
   * The data file does not grow past this many bytes: appends are refused with RAFT_STORAGE_FULL, as on
   * a full disk, until compaction has made room. Default: no limit.
   */
  readonly maxFileBytes?: number
}
