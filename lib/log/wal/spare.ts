import { join } from 'node:path'
import { assert } from '../../core/assert.js'
import { isFull, type WalDisk, type WalFile } from './disk.js'
import { encodeSegmentStart, FRAMES_AT, fillOf, type SegmentHeader } from './segment-layout.js'

/** The name of a segment while it is made; a leftover of a crash is removed at the next start. */
export const SPARE_NAME = 'next.tmp'

/** One step of the background: short enough that the device is soon free for an append. */
const STEP_BYTES = 1024 * 1024

interface Made {
  readonly header: SegmentHeader
  readonly file: WalFile
  readonly fill: Uint8Array
  filled: number
}

/**
 * The segment after the one in use, made ahead of its use: all of its blocks are written and flushed
 * before the first frame, so that an append changes data and never the file's own records, and a full
 * disk shows here, where it does no harm. Steps run in the background, a step at a time.
 */
export class Spare {
  readonly #disk: WalDisk
  readonly #directory: string
  readonly #random: (bytes: number) => Uint8Array
  #made: Made | null = null
  #wanted = 0
  #step: Promise<void> | null = null
  #failure: unknown = null

  constructor(disk: WalDisk, directory: string, random: (bytes: number) => Uint8Array) {
    this.#disk = disk
    this.#directory = directory
    this.#random = random
  }

  get path(): string {
    return join(this.#directory, SPARE_NAME)
  }

  /** Size of the spare, made or in the making; 0 when there is none. */
  get size(): number {
    return this.#made?.header.size ?? 0
  }

  /** A step runs: the spare must not be touched. */
  get busy(): boolean {
    return this.#step !== null
  }

  /** No step begins after the one that runs, and this settles when that has ended. */
  async pause(): Promise<void> {
    this.#wanted = 0
    await this.#step
  }

  /** Sees to it that the first `wanted` bytes are there soon. After a failure it is left to `take`. */
  ahead(sequence: number, size: number, wanted: number): void {
    if (this.#failure !== null) return
    this.#wanted = Math.min(wanted, this.#made?.header.size ?? size)
    try {
      if (this.#made === null && wanted > 0) this.#begin(sequence, size)
    } catch (error) {
      this.#failure = error
      return
    }
    this.#next()
  }

  /**
   * Finishes the next segment, all of it on disk, still under the spare's name. Not while a step runs.
   * @throws DiskError when it cannot be made; nothing of it is left then.
   */
  take(sequence: number, size: number, atLeast: number): SegmentHeader {
    this.prepare(sequence, size, atLeast)
    const made = this.#made
    assert(made !== null, 'a spare that was prepared is there')
    this.#made = null
    this.#wanted = 0
    made.file.close()
    return made.header
  }

  /** Makes at once what is missing of it. @throws DiskError */
  prepare(sequence: number, size: number, atLeast: number): void {
    assert(this.#step === null, 'a spare is not touched while a step runs')
    this.#failure = null
    const made = this.#made
    if (made !== null && (made.header.size < atLeast || made.header.sequence !== sequence)) {
      this.#discard()
    }
    try {
      const { file, header, fill, filled } = this.#made ?? this.#begin(sequence, size)
      if (filled === header.size) return
      for (let at = filled; at < header.size; at += fill.length) {
        file.write([this.#piece(at)], at)
      }
      file.sync()
      if (this.#made !== null) this.#made.filled = header.size
    } catch (error) {
      this.#discard()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.pause()
    this.#discard()
  }

  #begin(sequence: number, size: number): Made {
    const header = { sequence, size, salt: this.#random(16) }
    const fill = fillOf(header.salt, Math.min(STEP_BYTES, size))
    const file = this.#disk.create(this.path, 'direct')
    this.#made = { header, file, fill, filled: 0 }
    return this.#made
  }

  #next(): void {
    const made = this.#made
    if (made === null || this.#step !== null || made.filled >= this.#wanted) return
    const bytes = this.#piece(made.filled)
    this.#step = made.file.fill(bytes, made.filled).then(
      () => {
        this.#step = null
        made.filled += bytes.length
        this.#next()
      },
      (error: unknown) => {
        this.#step = null
        this.#failure = error
        // On a full disk, what there is of the spare is room for others.
        if (isFull(error)) this.#discard()
      },
    )
  }

  /** What goes to `at`: the header's pages first, fill behind them. */
  #piece(at: number): Uint8Array {
    const made = this.#made
    assert(made !== null, 'there is a spare to fill')
    const { header, fill } = made
    const length = Math.min(fill.length, header.size - at)
    if (at > 0) return fill.subarray(0, length)
    const first = new Uint8Array(fill.subarray(0, length))
    first.set(encodeSegmentStart(header).subarray(0, FRAMES_AT))
    return first
  }

  #discard(): void {
    this.#made?.file.close()
    this.#made = null
    this.#wanted = 0
    try {
      this.#disk.remove(this.path)
    } catch {
      // The next start removes it; until then it only takes space.
    }
  }
}
