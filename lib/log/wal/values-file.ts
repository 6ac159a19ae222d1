import { join } from 'node:path'
import { StoreCorruptError } from '../store.js'
import { isRefusal, type WalDisk, type WalFile } from './disk.js'
import { wholePages } from './segment.js'
import { PAGE_BYTES, SECTOR_BYTES } from './segment-layout.js'
import { COPIES, decodeValues, encodeValues, type Values } from './values-layout.js'

export const VALUES_NAME = 'values.dat'
const TEMPORARY_NAME = 'values.tmp'

const FIRST_COPY_BYTES = 16 * PAGE_BYTES
const SLOTS = [
  [0, 1],
  [2, 3],
] as const

/**
 * The small values of a node: term and vote, identity, incarnations. A write takes all of them to the
 * slot that does not hold the newest state, in two copies on different pages, and flushes once; in
 * place, so that no vote waits for the file system's own records. A torn write leaves the other slot;
 * a damaged page leaves the other copy (S15).
 */
export class ValuesFile {
  readonly #disk: WalDisk
  readonly #directory: string
  #file: WalFile
  #copyBytes: number
  #values: Values
  /** The slot that holds `#values`. */
  #slot: 0 | 1

  private constructor(
    disk: WalDisk,
    directory: string,
    open: { readonly file: WalFile; readonly copyBytes: number },
    values: Values,
    slot: 0 | 1,
  ) {
    this.#disk = disk
    this.#directory = directory
    this.#file = open.file
    this.#copyBytes = open.copyBytes
    this.#values = values
    this.#slot = slot
  }

  static create(disk: WalDisk, directory: string): ValuesFile {
    const values = { version: 1, frames: 0, entries: new Map<string, Uint8Array>() }
    const open = {
      copyBytes: FIRST_COPY_BYTES,
      file: make(disk, directory, FIRST_COPY_BYTES, values),
    }
    return new ValuesFile(disk, directory, open, values, 0)
  }

  /** @throws StoreCorruptError when no copy is whole */
  static open(disk: WalDisk, directory: string): ValuesFile {
    const path = join(directory, VALUES_NAME)
    const file = disk.open(path)
    try {
      const bytes = new Uint8Array(file.size())
      file.read(bytes, 0)
      const copyBytes = Math.floor(bytes.length / COPIES)
      const copies = [0, 1, 2, 3].map((place) =>
        decodeValues(bytes.subarray(place * copyBytes, (place + 1) * copyBytes), place),
      )
      const newest = copies.reduce((a, b) => (b !== null && b.version > (a?.version ?? 0) ? b : a))
      if (newest === null) throw damaged(path)
      const slot = copies.indexOf(newest) < 2 ? 0 : 1
      const values = new ValuesFile(disk, directory, { file, copyBytes }, newest, slot)
      values.#forget(SLOTS[slot === 0 ? 1 : 0].filter((place) => copies[place] === null))
      // A torn write may have left one of the two; from here on the node acts on what it says.
      const whole = SLOTS[slot].every((place) => copies[place]?.version === newest.version)
      if (!whole) values.#write({ ...newest, version: newest.version + 1 })
      return values
    } catch (error) {
      file.close()
      throw error
    }
  }

  get version(): number {
    return this.#values.version
  }

  get frames(): number {
    return this.#values.frames
  }

  get bytes(): number {
    return COPIES * this.#copyBytes
  }

  get(key: string): Uint8Array | null {
    const value = this.#values.entries.get(key)
    return value === undefined ? null : new Uint8Array(value)
  }

  /**
   * All of them, or none; durable when it returns. `frames`: number of the last frame flushed.
   * @throws DiskError; when it means a full disk, nothing has changed
   */
  set(changes: Readonly<Record<string, Uint8Array>>, frames: number): void {
    const entries = new Map(this.#values.entries)
    for (const [key, value] of Object.entries(changes)) entries.set(key, new Uint8Array(value))
    this.#write({ version: this.#values.version + 1, frames, entries })
  }

  close(): void {
    this.#file.close()
  }

  #write(values: Values): void {
    const slot = this.#slot === 0 ? 1 : 0
    const places = SLOTS[slot]
    const copies = encodeValues(values, places)
    const length = copies[0]?.length ?? 0
    if (length > this.#copyBytes) return this.#grow(values, length)
    try {
      for (const [at, place] of places.entries()) {
        this.#file.write([copies[at] ?? new Uint8Array()], place * this.#copyBytes)
      }
    } catch (error) {
      if (isRefusal(error)) this.#forget(places)
      throw error
    }
    this.#file.sync()
    this.#values = values
    this.#slot = slot
  }

  /**
   * Ends for good what a torn or refused write left: without its first sector it is no copy, even if a
   * later torn write happens to supply what it lacks.
   */
  #forget(places: readonly number[]): void {
    if (places.length === 0) return
    const nothing = new Uint8Array(SECTOR_BYTES)
    for (const place of places) this.#file.write([nothing], place * this.#copyBytes)
    this.#file.sync()
  }

  /** A larger file in the place of this one. */
  #grow(values: Values, length: number): void {
    const copyBytes = wholePages(2 * length)
    const file = make(this.#disk, this.#directory, copyBytes, values)
    this.#file.close()
    this.#file = file
    this.#copyBytes = copyBytes
    this.#values = values
    this.#slot = 0
  }
}

/** A new file with the values in slot 0, under its name for good when this returns. */
function make(disk: WalDisk, directory: string, copyBytes: number, values: Values): WalFile {
  const temporary = join(directory, TEMPORARY_NAME)
  const file = disk.create(temporary)
  try {
    const copies = encodeValues(values, SLOTS[0])
    file.write([new Uint8Array(COPIES * copyBytes)], 0)
    for (const place of SLOTS[0]) {
      file.write([copies[place] ?? new Uint8Array()], place * copyBytes)
    }
    file.sync()
  } finally {
    file.close()
  }
  disk.rename(temporary, join(directory, VALUES_NAME))
  disk.syncDirectory(directory)
  return disk.open(join(directory, VALUES_NAME))
}

function damaged(path: string): StoreCorruptError {
  return new StoreCorruptError(
    `${path} is damaged: no copy of term and vote is whole. Move the data directory away and add this node again as a new member.`,
    0,
  )
}
