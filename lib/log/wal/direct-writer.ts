import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { copyBytes } from '../../runtime/copy-bytes.js'
import { backgroundWrite } from './background-write.js'
import { SECTOR_BYTES } from './segment-layout.js'

/** What is used of WebAssembly here; the types of Node.js leave it out. */
declare const WebAssembly: {
  readonly Memory: new (limits: {
    readonly initial: number
    readonly maximum: number
  }) => { readonly buffer: ArrayBuffer }
}

const WASM_PAGE_BYTES = 64 * 1024
const AREA_BYTES = 1024 * 1024

/** errno codes of file systems and disks that do not take such writes, or not of whole sectors. */
const UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/**
 * Memory from which the kernel writes straight to the disk (O_DIRECT), one area for frames and one for what the
 * background writes meanwhile. Such memory must begin on a page, which of all memory in JavaScript only that
 * of WebAssembly promises to. Shared by all files of a disk.
 */
export class DirectMemory {
  readonly frames: Buffer
  readonly fill: Buffer
  #isSupported = true

  constructor(memory: ArrayBuffer, areaBytes: number) {
    this.frames = Buffer.from(memory, 0, areaBytes)
    this.fill = Buffer.from(memory, areaBytes, areaBytes)
  }

  /** Null where there is no such thing: on other systems than Linux, and where address space is scarce. */
  static make(): DirectMemory | null {
    if (constants.O_DIRECT === undefined) return null
    const pages = (2 * AREA_BYTES) / WASM_PAGE_BYTES
    try {
      const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages })
      return new DirectMemory(buffer, AREA_BYTES)
    } catch {
      return null
    }
  }

  /** False once a file system has refused. */
  get isSupported(): boolean {
    return this.#isSupported
  }

  /** Whether an error only says that there are no such writes here: from now on none is tried. */
  isRefusedBy(error: unknown): boolean {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const refused = UNSUPPORTED.has(code)
    if (refused) this.#isSupported = false
    return refused
  }
}

/**
 * Writes a file past the page cache. What goes through the cache is copied there, takes a fresh page for
 * each 4 KiB of a growing log, and makes the flush look for it again; a log is hardly ever read, so all of
 * that is for nothing. Each call says whether it has written; if not, the caller writes in the usual way. It is the
 * flush afterwards that makes either durable.
 */
export class DirectWriter {
  readonly #path: string
  readonly #memory: DirectMemory
  #descriptor: number | null = null

  constructor(path: string, memory: DirectMemory) {
    this.#path = path
    this.#memory = memory
  }

  /** Writes the pieces one behind the other: all of them, or false. Errors are those of the file system. */
  write(pieces: readonly Uint8Array[], position: number): boolean {
    const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
    if (!this.#takes(position, length)) return false
    try {
      this.#writeAll(pieces, position)
      return true
    } catch (error) {
      if (this.#memory.isRefusedBy(error)) return false
      throw error
    }
  }

  /** As `write`, while other code runs; one such write at a time for all files of the disk. */
  async fill(bytes: Uint8Array, position: number): Promise<boolean> {
    const { fill } = this.#memory
    if (bytes.byteLength > fill.byteLength || !this.#takes(position, bytes.byteLength)) return false
    try {
      copyBytes(fill, bytes)
      await backgroundWrite(this.#open(), fill.subarray(0, bytes.byteLength), position)
      return true
    } catch (error) {
      if (this.#memory.isRefusedBy(error)) return false
      throw error
    }
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }

  #takes(position: number, length: number): boolean {
    return this.#memory.isSupported && position % SECTOR_BYTES === 0 && length % SECTOR_BYTES === 0
  }

  #open(): number {
    this.#descriptor ??= openSync(this.#path, constants.O_RDWR | constants.O_DIRECT)
    return this.#descriptor
  }

  #writeAll(pieces: readonly Uint8Array[], position: number): void {
    const area = this.#memory.frames
    let at = position
    let used = 0
    for (const piece of pieces) {
      for (let taken = 0; taken < piece.byteLength; ) {
        const count = Math.min(piece.byteLength - taken, area.byteLength - used)
        copyBytes(area, piece.subarray(taken, taken + count), used)
        taken += count
        used += count
        if (used < area.byteLength) continue
        this.#writeArea(used, at)
        at += used
        used = 0
      }
    }
    if (used > 0) this.#writeArea(used, at)
  }

  /** A write may take less than it was given, most often because there is no room for the rest. */
  #writeArea(length: number, position: number): void {
    const descriptor = this.#open()
    for (let done = 0; done < length; ) {
      done += writeSync(descriptor, this.#memory.frames, done, length - done, position + done)
    }
  }
}
