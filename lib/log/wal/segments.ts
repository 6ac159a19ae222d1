import { assert } from '../../core/assert.js'
import type { LogIndex } from '../../core/types.js'
import { BatchError } from '../batch-error.js'
import { BATCH_HEADER_BYTES, type BatchHeader, readHeader } from '../batch-layout.js'
import { damagedLog } from '../recovery.js'
import type { SavedBatches } from '../staged-log.js'
import type { StoredBatch } from '../store.js'
import type { BatchPlace } from './batch-index.js'
import type { WalDisk } from './disk.js'
import type { Segment } from './segment.js'
import { FRAMES_AT } from './segment-layout.js'

/** One read of the file for several batches is at most this long. */
const MAX_RUN_BYTES = 4 * 1024 * 1024

/** The segments of the log, oldest first, and where in them each batch lies. */
export class Segments implements SavedBatches {
  readonly #disk: WalDisk
  #all: Segment[] = []
  /** Those that hold batches of the log; their index ranges ascend. */
  #holding: Segment[] = []
  /** The sealed segment that was read last: it stays open. */
  #cold: Segment | null = null

  constructor(disk: WalDisk) {
    this.#disk = disk
  }

  get all(): readonly Segment[] {
    return this.#all
  }

  /** The one that takes frames. */
  get active(): Segment {
    const active = this.#all.at(-1)
    assert(active !== undefined, 'a log has a segment')
    return active
  }

  get bytes(): number {
    return this.#all.reduce((sum, segment) => sum + segment.size, 0)
  }

  /** First index of the first batch that is here; null when there is none. */
  firstIndexAbove(base: LogIndex): LogIndex | null {
    for (const { batches } of this.#holding) {
      if (batches.lastIndex <= base) continue
      const at = Math.max(0, batches.position(base + 1))
      return batches.at(at).firstIndex
    }
    return null
  }

  add(segment: Segment): void {
    const sealed = this.#all.at(-1)
    if (sealed !== undefined && sealed !== this.#cold) sealed.close()
    this.#all.push(segment)
  }

  push(segment: Segment, place: BatchPlace, lastIndex: LogIndex): void {
    if (segment.batches.length === 0) this.#holding.push(segment)
    segment.batches.push(place, lastIndex)
  }

  /** Forgets batches that begin at or above `fromIndex`. */
  truncate(fromIndex: LogIndex): void {
    for (let last = this.#holding.at(-1); last !== undefined; last = this.#holding.at(-1)) {
      last.batches.truncate(fromIndex)
      if (last.batches.length > 0) return
      this.#holding.pop()
    }
  }

  clear(): void {
    this.truncate(0)
  }

  /**
   * Takes out the oldest segments that hold nothing above `base`. The last frame stays, whatever it
   * holds: it is the one that says where the log is.
   */
  drop(base: LogIndex): readonly Segment[] {
    const newest = this.#all.findLastIndex(({ end }) => end > FRAMES_AT)
    let count = 0
    while (count < newest) {
      const { batches } = this.#all[count] ?? this.active
      if (batches.length > 0 && batches.lastIndex > base) break
      count++
    }
    if (count === 0) return []
    const dropped = this.#all.slice(0, count)
    this.#all = this.#all.slice(count)
    this.#holding = this.#holding.filter((segment) => !dropped.includes(segment))
    for (const segment of dropped) {
      if (segment === this.#cold) this.#cold = null
      segment.close()
    }
    return dropped
  }

  holding(index: LogIndex): BatchHeader {
    const found = this.#find(index)
    assert(found !== null, 'no batch on disk holds the index', { index })
    const { firstIndex, offset } = found.segment.batches.at(found.position)
    return headerOf(firstIndex, this.#read(found.segment, offset, BATCH_HEADER_BYTES))
  }

  /** As Store.read, of what is on disk up to `toIndex`. */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number): StoredBatch[] {
    const found: StoredBatch[] = []
    let bytes = 0
    for (let index = fromIndex; index <= toIndex && bytes < maxBytes; ) {
      const place = this.#find(index)
      if (place === null) break
      const run = this.#readRun(place.segment, place.position, toIndex, maxBytes - bytes)
      for (const batch of run) {
        found.push(batch)
        bytes += batch.bytes.byteLength
        index = batch.lastIndex + 1
      }
    }
    return found
  }

  close(): void {
    for (const segment of this.#all) segment.close()
  }

  /** Batches that follow each other in a segment, read at once. */
  #readRun(segment: Segment, from: number, toIndex: LogIndex, maxBytes: number): StoredBatch[] {
    const { batches } = segment
    const first = batches.at(from)
    const places = [first]
    let bytes = first.length
    for (let next = from + 1; next < batches.length && bytes < maxBytes; next++) {
      const place = batches.at(next)
      const run = place.offset + place.length - first.offset
      if (place.firstIndex > toIndex || run > MAX_RUN_BYTES) break
      places.push(place)
      bytes += place.length
    }
    const last = places.at(-1) ?? first
    const run = this.#read(segment, first.offset, last.offset + last.length - first.offset)
    return places.map((place) => {
      const start = place.offset - first.offset
      return toStored(place.firstIndex, run.subarray(start, start + place.length))
    })
  }

  #find(index: LogIndex): { readonly segment: Segment; readonly position: number } | null {
    let low = 0
    let high = this.#holding.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#holding[middle]?.batches.firstIndex ?? 0) <= index) low = middle + 1
      else high = middle
    }
    const segment = this.#holding[low - 1]
    if (segment === undefined || segment.batches.lastIndex < index) return null
    return { segment, position: segment.batches.position(index) }
  }

  #read(segment: Segment, offset: number, length: number): Uint8Array {
    if (!segment.isOpen && segment !== this.#cold) {
      this.#cold?.close()
      this.#cold = segment
    }
    const bytes = new Uint8Array(length)
    const count = segment.file(this.#disk).read(bytes, offset)
    assert(count === length, 'a segment became shorter while it was in use', {
      segment: segment.sequence,
      offset,
      length,
      count,
    })
    return bytes
  }
}

function toStored(index: LogIndex, bytes: Uint8Array): StoredBatch {
  const { firstIndex, lastIndex, term } = headerOf(index, bytes)
  return { firstIndex, lastIndex, term, bytes }
}

/** @throws StoreCorruptError when the disk damaged it since it was written */
function headerOf(index: LogIndex, bytes: Uint8Array): BatchHeader {
  try {
    return readHeader(bytes)
  } catch (error) {
    if (error instanceof BatchError) throw damagedLog(index, error.message)
    throw error
  }
}
