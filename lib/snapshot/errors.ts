export type SnapshotStoreErrorCode =
  /** The disk or a quota is full; nothing became visible. */
  | 'RAFT_STORAGE_FULL'
  | 'RAFT_STORE_FAILED'
  /** A snapshot does not match its checksums. */
  | 'RAFT_CORRUPT'
  | 'RAFT_MODULE_LOAD'
  /** One restore at a time. */
  | 'RAFT_SNAPSHOT_IN_PROGRESS'
  /** A newer snapshot makes this one needless. */
  | 'RAFT_NOTHING_TO_SNAPSHOT'

/** What a snapshot store fails with. The message names the file, the operation and the reason. */
export class SnapshotStoreError extends Error {
  override readonly name = 'SnapshotStoreError'
  readonly code: SnapshotStoreErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: SnapshotStoreErrorCode,
    message: string,
    options: {
      readonly details?: Readonly<Record<string, unknown>>
      readonly cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** The `code` of a system error, e.g. `ENOSPC`. */
export function errnoOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : null
}

/** A failed file operation, typed. Errors of this store pass through. */
export function fileError(operation: string, path: string, error: unknown): SnapshotStoreError {
  if (error instanceof SnapshotStoreError) return error
  const errno = errnoOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  return new SnapshotStoreError(
    errno !== null && FULL.has(errno) ? 'RAFT_STORAGE_FULL' : 'RAFT_STORE_FAILED',
    `could not ${operation} ${path}: ${reason}`,
    { details: { operation, path, errno }, cause: error },
  )
}
