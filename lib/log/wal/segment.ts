import { join } from 'node:path'
import { BatchIndex } from './batch-index.js'
import type { WalDisk, WalFile } from './disk.js'
import { type FrameSeal, frameSeal } from './frame.js'
import { FRAMES_AT, fillOf, PAGE_BYTES, type SegmentHeader } from './segment-layout.js'

/** How much of the fill is kept in memory, to write it and to compare with it. */
const FILL_BYTES = 64 * 1024

/** A segment that is part of the log. */
export class Segment {
  readonly path: string
  readonly header: SegmentHeader
  readonly seal: FrameSeal
  /** Batches of the log that lie here. */
  readonly batches = new BatchIndex()
  /** Where the next frame goes. */
  end = FRAMES_AT
  #fill: Buffer | null = null
  #file: WalFile | null

  constructor(directory: string, name: string, header: SegmentHeader, file: WalFile) {
    this.path = join(directory, name)
    this.header = header
    this.seal = frameSeal(header.salt)
    this.#file = file
  }

  get sequence(): number {
    return this.header.sequence
  }

  get size(): number {
    return this.header.size
  }

  /** Bytes that frames may still take. */
  get room(): number {
    return this.size - this.end
  }

  get isOpen(): boolean {
    return this.#file !== null
  }

  /** The file, opened again if need be. */
  file(disk: WalDisk): WalFile {
    this.#file ??= disk.open(this.path, 'direct')
    return this.#file
  }

  close(): void {
    this.#file?.close()
    this.#file = null
    this.#fill = null
  }

  /** A piece of this segment's fill. */
  fill(length: number): Uint8Array {
    this.#fill ??= fillOf(this.header.salt, FILL_BYTES)
    return this.#fill.subarray(0, length)
  }

  /**
   * Makes it so that nothing was ever written from one sector to another; durable when it returns.
   * What was there was never acknowledged.
   */
  erase(disk: WalDisk, from: number, to: number): void {
    const file = this.file(disk)
    for (let at = from; at < to; at += FILL_BYTES) {
      file.write([this.fill(Math.min(FILL_BYTES, to - at))], at)
    }
    file.sync()
  }
}

export function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
}
