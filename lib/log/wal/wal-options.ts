// In a file of its own: a program that names its options loads nothing of the store.

/** What `walStore` takes. */
export interface WalStoreOptions {
  /**
   * Size of a segment in bytes, from 64 KiB to 1 GiB; rounded up to 4096. The first ones of a new log are
   * smaller. A batch that does not fit gets a larger segment of its own. Default 64 MiB.
   */
  readonly segmentBytes?: number
  /**
   * The segments together do not take more than this many bytes: appends are refused with
   * RAFT_STORAGE_FULL, as on a full disk, until compaction has made room. At least four segments.
   * Default: no limit.
   */
  readonly maxLogBytes?: number
  /**
   * Segments are written past the page cache (O_DIRECT) where system and file system can; otherwise, and with
   * false, through it. A matter of speed only. Default true.
   */
  readonly directIo?: boolean
}

export interface WalSettings {
  readonly segmentBytes: number
  readonly maxLogBytes: number
  readonly directIo: boolean
}

const MIN_SEGMENT_BYTES = 64 * 1024
const MAX_SEGMENT_BYTES = 1024 * 1024 * 1024
const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024
const MIN_SEGMENTS = 4

/** The options with their defaults. @throws WalOptionError */
export function walSettings(options: WalStoreOptions): WalSettings {
  const {
    segmentBytes = DEFAULT_SEGMENT_BYTES,
    maxLogBytes = Number.POSITIVE_INFINITY,
    directIo = true,
  } = options
  if (
    !Number.isSafeInteger(segmentBytes) ||
    segmentBytes < MIN_SEGMENT_BYTES ||
    segmentBytes > MAX_SEGMENT_BYTES
  ) {
    throw new WalOptionError(
      `walStore: segmentBytes must be a whole number from ${MIN_SEGMENT_BYTES} to ${MAX_SEGMENT_BYTES}, found ${segmentBytes}`,
    )
  }
  if (!(maxLogBytes >= MIN_SEGMENTS * segmentBytes)) {
    throw new WalOptionError(
      `walStore: maxLogBytes must be at least ${MIN_SEGMENTS} x segmentBytes (${MIN_SEGMENTS * segmentBytes}), found ${maxLogBytes}`,
    )
  }
  if (typeof directIo !== 'boolean') {
    throw new WalOptionError(`walStore: directIo must be true or false, found ${String(directIo)}`)
  }
  return { segmentBytes, maxLogBytes, directIo }
}

/** An option of the store that cannot be. */
export class WalOptionError extends Error {
  readonly code = 'RAFT_CONFIG_INVALID'
  override readonly name = 'WalOptionError'
}
