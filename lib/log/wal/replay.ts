import { crc32 } from 'node:zlib'
import type { LogIndex } from '../../core/types.js'
import { BatchError } from '../batch-error.js'
import { BATCH_HEADER_BYTES, type BatchHeader, readHeader, verifyBatch } from '../batch-layout.js'
import { damagedLog } from '../recovery.js'
import type { LogPoint } from '../staged-log.js'
import { FRAME_HEADER_BYTES, type FrameHeader } from './frame.js'
import type { Segment } from './segment.js'
import type { FoundFrame, Gap, SegmentReader } from './segment-reader.js'
import type { Segments } from './segments.js'

/** What the frames made of the log. */
export interface ReplayedLog {
  readonly base: LogPoint
  readonly last: LogPoint
  /** S15: the last frame was written whole and is damaged: what it would have ended with. */
  readonly floor: LogPoint | null
  /** Number and checksum of the last frame; 0 when there is none. */
  readonly number: number
  readonly crc: number
  /** The newest state of the small values that a frame knows of. */
  readonly valuesVersion: number
  /** Sectors of a frame that a crash tore, to be erased. */
  readonly torn: readonly Gap[]
}

const START: LogPoint = { index: 0, term: 0 }

/**
 * Reads the segments, oldest first, and does again what each frame says (S15):
 *
 * - A frame with a sector that was never written was never flushed, so it was never acknowledged: a
 *   crash tore it. Only the last frame can be one; it counts as not there.
 * - A frame that was written whole and does not match its checksums is damaged. What it says of its
 *   batches still holds, so the damage does no harm where later frames truncated or compacted them.
 *   Damaged batches that are part of the log are an error that names their index; those of the last
 *   frame may be acknowledged, so they are left out and become the floor for votes.
 * - A frame of which neither header is whole, with others behind it or its first sector written, is
 *   an error too.
 */
export class Replay {
  readonly #segments: Segments
  #base: LogPoint = START
  #last: LogPoint = START
  #number: number | null = null
  #crc = 0
  #valuesVersion = 0
  /** Damaged batches, or the rest of a frame behind one, by their first index. */
  #damaged: { readonly index: LogIndex; readonly reason: string }[] = []
  /** The last frame, when it is damaged: where the log ends without that. */
  #suspect: LogPoint | null = null
  /** Ends of segments behind which no frame was found yet. */
  #gaps: Gap[] = []

  constructor(segments: Segments) {
    this.#segments = segments
  }

  /** The next segment in order; `shortBy` bytes of it are missing. */
  accept(segment: Segment, reader: SegmentReader, shortBy: number): void {
    for (;;) {
      const number = this.#number === null ? null : this.#number + 1
      const found = reader.frameAt(segment.end) ?? this.#closing(segment, reader, number)
      if (found === null) break
      if (!this.#carryOut(segment, reader, found)) break
      segment.end += found.frame.length
    }
    if (shortBy > 0) throw this.#corrupt(`${segment.path} is ${shortBy} bytes too short`)
  }

  finish(): ReplayedLog {
    for (const { segment, offset, highest, startWritten } of this.#gaps) {
      const where = `the frame at ${offset} in ${segment.path}`
      if (highest > (this.#number ?? 0) + 1) throw this.#corrupt(`${where} is damaged`)
      if (startWritten) throw this.#corrupt(`${where} has no header that is whole`)
    }
    const base = this.#base
    const floor = this.#suspect === null ? null : this.#last
    let last = this.#last
    if (this.#suspect !== null) {
      last = this.#suspect
      this.#damaged = this.#damaged.filter(({ index }) => index <= last.index)
    }
    if (last.index < base.index) last = base
    const damage = this.#damaged.find(({ index }) => index > base.index)
    if (damage !== undefined) throw damagedLog(damage.index, damage.reason)
    const first = this.#segments.firstIndexAbove(base.index)
    if (last.index > base.index && first !== base.index + 1) {
      throw damagedLog(base.index + 1, 'its first batch is missing')
    }
    return {
      base,
      last,
      floor,
      number: this.#number ?? 0,
      crc: this.#crc,
      valuesVersion: this.#valuesVersion,
      torn: this.#gaps.filter(({ offset, writtenEnd }) => writtenEnd > offset),
    }
  }

  /** The frame by the copy of its header that closes it; otherwise the end of the segment. */
  #closing(segment: Segment, reader: SegmentReader, number: number | null): FoundFrame | null {
    const gap = reader.gap(segment.end, number)
    if (gap.trailer !== null && !reader.isTorn(gap.trailer.frame)) return gap.trailer
    // Its own opening sector is not whole, or missing: then the frame's damage hides nothing else.
    this.#gaps.push(gap.trailer === null ? gap : { ...gap, startWritten: false })
    return null
  }

  /** False when the frame is torn: it ends the log. */
  #carryOut(segment: Segment, reader: SegmentReader, { frame, crc }: FoundFrame): boolean {
    const read = readBatches(reader, frame)
    if (read.reason !== null && reader.isTorn(frame)) {
      const gap = reader.gap(segment.end, frame.number)
      this.#gaps.push({ ...gap, startWritten: false })
      return false
    }
    if (
      this.#number !== null &&
      (frame.number !== this.#number + 1 || frame.previous !== this.#crc)
    ) {
      throw this.#corrupt(
        `expected frame ${this.#number + 1} at ${frame.offset} in ${segment.path}, found frame ${frame.number}`,
      )
    }
    this.#gaps = []
    this.#number = frame.number
    this.#crc = crc
    this.#valuesVersion = Math.max(this.#valuesVersion, frame.valuesVersion)
    this.#suspect = null
    this.#keep(frame)
    for (const { header, offset } of read.batches) {
      const { firstIndex, lastIndex, length } = header
      this.#segments.push(segment, { firstIndex, offset, length }, lastIndex)
    }
    if (read.reason !== null) {
      this.#suspect = read.end
      this.#damaged.push({ index: read.end.index + 1, reason: read.reason })
    }
    this.#base = frame.base
    this.#last = frame.last
    return true
  }

  #keep({ cleared, kept }: FrameHeader): void {
    const from = cleared ? 0 : kept.index + 1
    this.#segments.truncate(from)
    this.#damaged = this.#damaged.filter(({ index }) => index < from)
  }

  #corrupt(what: string): Error {
    const damage = this.#damaged.find(({ index }) => index > this.#base.index)
    return damagedLog(damage?.index ?? this.#last.index + 1, what)
  }
}

interface ReadBatches {
  readonly batches: readonly { readonly header: BatchHeader; readonly offset: number }[]
  /** Where the log ends with the batches that are whole. */
  readonly end: LogPoint
  /** Why the next one is not among them; null when all are whole. */
  readonly reason: string | null
}

/** The batches of a frame, up to the first that is damaged or not the one that belongs there. */
function readBatches(reader: SegmentReader, frame: FrameHeader): ReadBatches {
  const batches: { header: BatchHeader; offset: number }[] = []
  const { kept, base, cleared } = frame
  let end = cleared || kept.index < base.index ? startOf(frame) : kept
  let offset = frame.offset + FRAME_HEADER_BYTES
  const limit = frame.offset + frame.length - FRAME_HEADER_BYTES
  let crc = 0
  try {
    for (let count = 0; count < frame.batches; count++) {
      const head = reader.bytes(offset, BATCH_HEADER_BYTES)
      const header = readHeader(head)
      if (header.firstIndex !== end.index + 1 || header.prevTerm !== end.term) {
        return { batches, end, reason: `it has a batch of index ${header.firstIndex} there` }
      }
      if (offset + header.length > limit) return { batches, end, reason: 'a batch is too long' }
      crc = crc32(head, crc)
      verifyBatch(reader.bytes(offset, header.length))
      batches.push({ header, offset })
      end = { index: header.lastIndex, term: header.term }
      offset += header.length
    }
  } catch (error) {
    if (error instanceof BatchError) return { batches, end, reason: error.message }
    throw error
  }
  if (frame.batches > 0 && crc !== frame.headersCrc) {
    return { batches: [], end: startOf(frame), reason: 'other batches stand in their place' }
  }
  return { batches, end, reason: null }
}

/** What the frame's first batch follows. */
function startOf({ cleared, kept, base }: FrameHeader): LogPoint {
  return cleared || kept.index < base.index ? base : kept
}
