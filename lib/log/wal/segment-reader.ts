import type { WalFile } from './disk.js'
import { decodeFrame, FRAME_HEADER_BYTES, type FrameHeader, hasMark } from './frame.js'
import type { Segment } from './segment.js'
import { isFill, SECTOR_BYTES } from './segment-layout.js'

const WINDOW_BYTES = 1024 * 1024

/** A frame's header and its checksum. */
export interface FoundFrame {
  readonly frame: FrameHeader
  readonly crc: number
}

/** What lies behind the last whole frame of a segment. */
export interface Gap {
  readonly segment: Segment
  readonly offset: number
  /** The closing copy of the header of a frame that begins here. */
  readonly trailer: FoundFrame | null
  /** Highest number of a frame of which a header was found here; 0 when there is none. */
  readonly highest: number
  /** The first sector was written. */
  readonly startWritten: boolean
  /** End of the last sector that was written; `offset` when none was. */
  readonly writtenEnd: number
}

/** Reads a segment from its beginning to its end, in large pieces. */
export class SegmentReader {
  readonly #segment: Segment
  readonly #file: WalFile
  #window: Uint8Array = new Uint8Array(0)
  #windowAt = 0

  constructor(segment: Segment, file: WalFile) {
    this.#segment = segment
    this.#file = file
  }

  /** Valid until the next call; shorter at the end of the file. */
  bytes(offset: number, length: number): Uint8Array {
    const end = this.#windowAt + this.#window.length
    if (offset < this.#windowAt || offset + length > end) {
      const wanted = Math.min(Math.max(WINDOW_BYTES, length), this.#segment.size - offset)
      const window = new Uint8Array(Math.max(0, wanted))
      this.#window = window.subarray(0, this.#file.read(window, offset))
      this.#windowAt = offset
    }
    return this.#window.subarray(offset - this.#windowAt, offset - this.#windowAt + length)
  }

  /** The header of the frame that begins at `offset`, if it is whole and fits. */
  frameAt(offset: number): FoundFrame | null {
    const found = decodeFrame(this.bytes(offset, FRAME_HEADER_BYTES), this.#segment.seal)
    return found !== null && this.#belongs(found.frame) && found.frame.offset === offset
      ? found
      : null
  }

  /** Looks at every sector from `offset` to the end. `number`: of the frame that should begin there. */
  gap(offset: number, number: number | null): Gap {
    const fill = this.#segment.fill(SECTOR_BYTES)
    let trailer: FoundFrame | null = null
    let highest = 0
    let startWritten = false
    let writtenEnd = offset
    for (let at = offset; at < this.#segment.size; at += SECTOR_BYTES) {
      const sector = this.bytes(at, SECTOR_BYTES)
      if (sector.length < SECTOR_BYTES) break
      if (isFill(sector, fill)) continue
      if (at === offset) startWritten = true
      writtenEnd = at + SECTOR_BYTES
      for (const found of this.#headersIn(sector, at)) {
        const { frame } = found
        const here = frame.offset === offset && (number === null || frame.number === number)
        if (here) trailer = found
        highest = Math.max(highest, frame.number)
      }
    }
    return { segment: this.#segment, offset, trailer, highest, startWritten, writtenEnd }
  }

  /** Whether a sector of the frame was never written: then it was never acknowledged. */
  isTorn(frame: FrameHeader): boolean {
    const fill = this.#segment.fill(SECTOR_BYTES)
    for (let at = frame.offset; at < frame.offset + frame.length; at += SECTOR_BYTES) {
      const sector = this.bytes(at, SECTOR_BYTES)
      if (sector.length === SECTOR_BYTES && isFill(sector, fill)) return true
    }
    return false
  }

  /** A header at the beginning of a frame in this sector, or its copy at the end of one. */
  #headersIn(sector: Uint8Array, at: number): readonly FoundFrame[] {
    const { seal } = this.#segment
    const found: FoundFrame[] = []
    if (hasMark(sector, 0, seal)) {
      const opening = decodeFrame(sector, seal)
      if (opening?.frame.offset === at && this.#belongs(opening.frame)) found.push(opening)
    }
    const closingAt = SECTOR_BYTES - FRAME_HEADER_BYTES
    if (hasMark(sector, closingAt, seal)) {
      const closing = decodeFrame(sector.subarray(closingAt), seal)
      const end = closing === null ? 0 : closing.frame.offset + closing.frame.length
      if (closing !== null && end === at + SECTOR_BYTES && this.#belongs(closing.frame)) {
        found.push(closing)
      }
    }
    return found
  }

  #belongs({ sequence, offset, length }: FrameHeader): boolean {
    return sequence === this.#segment.sequence && offset + length <= this.#segment.size
  }
}
