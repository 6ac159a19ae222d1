import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Steps, step } from '../../runtime/steps.js'
import { BATCH_HEADER_BYTES } from '../batch-layout.js'
import type { LogPoint, StagedLog } from '../staged-log.js'
import { type StoredBatch, StoreFullError } from '../store.js'
import { isFull, isRefusal, type WalDisk } from './disk.js'
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frameCrc,
  frameLength,
} from './frame.js'
import { openSegments } from './open-segments.js'
import type { ReplayedLog } from './replay.js'
import { Segment, wholePages } from './segment.js'
import { FRAMES_AT, PAGE_BYTES, segmentName } from './segment-layout.js'
import { Segments } from './segments.js'
import { Spare } from './spare.js'
import type { WalSettings } from './wal-options.js'

/** Size of the first segment of a new log: each one after it is twice as large, up to the setting. */
const FIRST_SEGMENT_BYTES = 4 * 1024 * 1024
/** Room in a segment that batches leave to what makes room again: compaction, truncation, reset. */
const RESERVED_BYTES = 16 * 1024

export interface WalLogOptions extends Omit<WalSettings, 'directIo'> {
  readonly disk: WalDisk
  readonly directory: string
  /** So many random bytes. */
  readonly random: (bytes: number) => Uint8Array
  readonly warn: (message: string) => void
}

/** The log on disk: frames in segments (frame.ts, segment-layout.ts). */
export class WalLog {
  readonly segments: Segments
  readonly #options: WalLogOptions
  readonly #spare: Spare
  #number = 0
  #crc = 0
  /** Dropped segments that are being removed. */
  #removal: Promise<void> = Promise.resolve()

  constructor(options: WalLogOptions) {
    this.#options = options
    this.segments = new Segments(options.disk)
    this.#spare = new Spare(options.disk, options.directory, options.random)
  }

  /** Number of the last frame. */
  get frames(): number {
    return this.#number
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.segments.bytes + this.#spare.size
  }

  /** Reads what there is; makes the first segment of a new log. */
  open(): ReplayedLog {
    const { disk, directory } = this.#options
    disk.remove(this.#spare.path)
    const found = openSegments(disk, directory, this.segments)
    this.#number = found.number
    this.#crc = found.crc
    if (this.segments.all.length === 0) this.#begin(found.last, this.#nextSize(0), 0)
    this.#drop(found.base)
    return found
  }

  /**
   * Writes what is staged as one frame and flushes it.
   * @throws StoreFullError when there was no room; nothing has changed then. DiskError otherwise.
   */
  *write(staged: StagedLog, valuesVersion: number): Steps {
    const { base, kept, cleared, added } = staged
    const bodyBytes = added.reduce((sum, batch) => sum + batch.bytes.byteLength, 0)
    const length = frameLength(bodyBytes)
    yield* this.#makeRoom(length, added.length > 0 ? RESERVED_BYTES : 0, kept)
    const active = this.segments.active
    const header = encodeFrame(
      {
        sequence: active.sequence,
        number: this.#number + 1,
        offset: active.end,
        length,
        batches: added.length,
        cleared,
        base,
        kept,
        last: staged.last,
        valuesVersion,
        headersCrc: headersCrc(added),
        previous: this.#crc,
      } satisfies FrameHeader,
      active.seal,
    )
    this.#put(active, header, added, length)
    this.segments.truncate(cleared ? 0 : kept.index + 1)
    let offset = active.end + FRAME_HEADER_BYTES
    for (const { firstIndex, lastIndex, bytes } of added) {
      this.segments.push(active, { firstIndex, offset, length: bytes.byteLength }, lastIndex)
      offset += bytes.byteLength
    }
    active.end += length
    this.#number++
    this.#crc = frameCrc(header)
    this.#drop(base)
    this.#prepareNext()
  }

  /** Whether so many bytes of batches would find room now. */
  hasRoom(bytes: number): boolean {
    const needed = frameLength(bytes) + RESERVED_BYTES
    if (this.segments.active.room >= needed) return true
    if (this.#spare.busy) return false
    try {
      this.#makeNext(needed)
      return true
    } catch (error) {
      if (isFull(error) || error instanceof StoreFullError) return false
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#spare.close()
    await this.#removal
    this.segments.close()
  }

  /** One write, one flush. The segment's fill goes on behind the frame, up to a whole page. */
  #put(active: Segment, header: Uint8Array, added: readonly StoredBatch[], length: number): void {
    const { disk } = this.#options
    const file = active.file(disk)
    const used = added.reduce((sum, batch) => sum + batch.bytes.byteLength, FRAME_HEADER_BYTES)
    const closing = new Uint8Array(length - used)
    closing.set(header, closing.length - FRAME_HEADER_BYTES)
    const end = active.end + length
    // A page that is written whole need not be read first.
    const rest = active.fill(wholePages(end) - end)
    try {
      file.write([header, ...added.map((batch) => batch.bytes), closing, rest], active.end)
    } catch (error) {
      if (!isRefusal(error)) throw error
      active.erase(disk, active.end, end)
      throw new StoreFullError(error.message, { cause: error })
    }
    file.sync()
  }

  /** The active segment takes a frame of this length, and `reserve` bytes after it. */
  *#makeRoom(length: number, reserve: number, last: LogPoint): Steps {
    if (this.segments.active.room >= length + reserve) return
    if (this.#spare.busy) yield* step(this.#spare.pause())
    let size: number
    try {
      size = this.#makeNext(length + reserve)
    } catch (error) {
      if (!isFull(error)) throw error
      throw new StoreFullError(error.message, { cause: error })
    }
    this.#begin(last, size, length + reserve)
  }

  /** The spare is ready and has so much room; returns its size. @throws StoreFullError, DiskError */
  #makeNext(needed: number): number {
    const { sequence, size } = this.segments.active
    const least = wholePages(FRAMES_AT + needed)
    if (this.#spare.size < least) {
      const wanted = Math.max(least, this.#nextSize(size))
      try {
        this.#checkLimits(wanted)
        this.#spare.prepare(sequence + 1, wanted, least)
        return wanted
      } catch (error) {
        if (!(isFull(error) || error instanceof StoreFullError) || wanted === least) throw error
        this.#checkLimits(least)
        this.#spare.prepare(sequence + 1, least, least)
        return least
      }
    }
    this.#spare.prepare(sequence + 1, this.#spare.size, least)
    return this.#spare.size
  }

  /** The next segment takes its place at the end of the log. */
  #begin(last: LogPoint, size: number, needed: number): void {
    const { disk, directory } = this.#options
    const sequence = (this.segments.all.at(-1)?.sequence ?? 0) + 1
    const name = segmentName(sequence, last.index + 1)
    const header = this.#spare.take(sequence, size, needed)
    disk.rename(this.#spare.path, join(directory, name))
    disk.syncDirectory(directory)
    this.segments.add(
      new Segment(directory, name, header, disk.open(join(directory, name), 'direct')),
    )
  }

  /** S5: only after the frame that says so is flushed. */
  #drop(base: LogPoint): void {
    const dropped = this.segments.drop(base.index)
    if (dropped.length === 0) return
    const { disk, directory, warn } = this.#options
    const paths = dropped.map(({ path }) => path)
    this.#removal = this.#removal
      .then(() => disk.removeLater(paths, directory))
      .catch((error: unknown) => {
        warn(
          `an old segment was not removed and takes space until the next start: ${String(error)}`,
        )
      })
  }

  /** The next segment is ready when this one is half full. */
  #prepareNext(): void {
    const { sequence, size, end } = this.segments.active
    const next = this.#spare.size > 0 ? this.#spare.size : this.#nextSize(size)
    if (8 * end < size) return
    if (this.#spare.size === 0 && this.segments.bytes + next > this.#options.maxLogBytes) return
    this.#spare.ahead(sequence + 1, next, Math.ceil((2 * (end - FRAMES_AT) * next) / size))
  }

  #nextSize(size: number): number {
    const { segmentBytes } = this.#options
    const next = size === 0 ? FIRST_SEGMENT_BYTES : Math.max(FIRST_SEGMENT_BYTES, 2 * size)
    return wholePages(Math.min(segmentBytes, next))
  }

  #checkLimits(size: number): void {
    const { disk, directory, maxLogBytes } = this.#options
    const bytes = this.segments.bytes + size
    if (bytes > maxLogBytes) {
      throw new StoreFullError(
        `the log in ${directory} would take ${bytes} bytes; its limit is ${maxLogBytes}`,
      )
    }
    const free = disk.free(directory) + this.#spare.size
    if (free < size + PAGE_BYTES) {
      throw new StoreFullError(
        `no room for a segment of ${size} bytes in ${directory}: ${free} bytes are free (ENOSPC)`,
      )
    }
  }
}

function headersCrc(batches: readonly StoredBatch[]): number {
  let crc = 0
  for (const { bytes } of batches) crc = crc32(bytes.subarray(0, BATCH_HEADER_BYTES), crc)
  return crc
}
