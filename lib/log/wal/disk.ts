/**
 * What the log asks of the file system: the one place where it meets it, and where tests put a disk of
 * their own. All paths are absolute. Every error is a DiskError.
 */
export interface WalDisk {
  /** Names in a directory, in any order. */
  list(directory: string): readonly string[]
  /** A new, empty file. An old one of that name goes. */
  create(path: string, access?: Access): WalFile
  open(path: string, access?: Access): WalFile
  /** Atomic; replaces `to`. Durable after `syncDirectory`. */
  rename(from: string, to: string): void
  /** Nothing happens when there is no such file. */
  remove(path: string): void
  /** Makes creations, renames and removals durable, as far as the file system can. */
  syncDirectory(directory: string): void
  /** In the background: removes the files in this order, then flushes the directory. */
  removeLater(paths: readonly string[], directory: string): Promise<void>
  /** Bytes that the file system still takes; infinite when it does not say. */
  free(directory: string): number
}

/**
 * How a file is written: through the page cache, as files are by default, or past it, for a file that is large and
 * hardly ever read. Only where a disk has both and only whole sectors; it changes speed and nothing else.
 */
export type Access = 'cached' | 'direct'

export interface WalFile {
  size(): number
  /** Fills `into` from `position`; returns how much the file had. */
  read(into: Uint8Array, position: number): number
  /** Writes the pieces one behind the other, all of them. */
  write(pieces: readonly Uint8Array[], position: number): void
  /** Data is on stable storage when it returns. */
  sync(): void
  /** In the background: writes, then flushes. The memory must not change meanwhile. */
  fill(bytes: Uint8Array, position: number): Promise<void>
  close(): void
}

/** errno codes that mean that there is no room, and that nothing else is wrong. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** A failed call of the file system: what was tried, on which file, and what it said. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string
  readonly path: string
  readonly operation: string

  constructor(operation: string, path: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'UNKNOWN'
    const said = cause instanceof Error ? cause.message : String(cause)
    super(`${operation} of ${path} failed: ${code} (${said})`, { cause })
    this.code = code
    this.path = path
    this.operation = operation
  }
}

/** There was no room. */
export function isFull(error: unknown): error is DiskError {
  return error instanceof DiskError && FULL.has(error.code)
}

/** There was no room, and it showed before anything was flushed (S15). */
export function isRefusal(error: unknown): error is DiskError {
  return isFull(error) && error.operation !== 'fdatasync' && error.operation !== 'fsync'
}
