import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { StoreFullError } from './store.js'

const ZEROS = Buffer.alloc(1024 * 1024)
const MAX_STEP_BYTES = 32 * 1024 * 1024
/** errno codes that mean that there is no room, and that nothing else is wrong. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/**
 * Makes a database file larger ahead of its use, by writing zeros behind its end. What is written later
 * then overwrites blocks that the file system has already given: a full disk shows here, where it does
 * no harm, and a flush need not record new blocks, which takes a quarter off its time.
 */
export class DataFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #maxBytes: number
  #size: number

  constructor(path: string, maxBytes: number) {
    this.#path = path
    this.#maxBytes = maxBytes
    this.#descriptor = openSync(path, 'r+')
    this.#size = fstatSync(this.#descriptor).size
  }

  get size(): number {
    return this.#size
  }

  /**
   * Returns once the file is at least `bytes` long. It grows in steps of a quarter of its size.
   * @throws StoreFullError; the file is then as long as before.
   */
  grow(bytes: number): void {
    // The database may have made it longer since: only what lies behind the true end is written.
    const size = fstatSync(this.#descriptor).size
    this.#size = size
    if (bytes <= size) return
    if (bytes > this.#maxBytes) {
      throw new StoreFullError(
        `${this.#path} would grow to ${bytes} bytes; its limit is ${this.#maxBytes}`,
      )
    }
    const step = Math.min(MAX_STEP_BYTES, Math.max(ZEROS.length, Math.floor(size / 4)))
    const ahead = Math.min(this.#maxBytes, Math.max(bytes, size + step))
    try {
      this.#extend(size, ahead)
    } catch (error) {
      if (!(error instanceof StoreFullError) || ahead === bytes) throw error
      this.#extend(size, bytes)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #extend(from: number, to: number): void {
    try {
      for (let at = from; at < to; ) {
        at += writeSync(this.#descriptor, ZEROS, 0, Math.min(ZEROS.length, to - at), at)
      }
      fdatasyncSync(this.#descriptor)
    } catch (error) {
      ftruncateSync(this.#descriptor, from)
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (!FULL.has(code)) throw error
      throw new StoreFullError(`no room for ${this.#path} to grow: ${code}`, { cause: error })
    }
    this.#size = to
  }
}
