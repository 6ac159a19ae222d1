import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { StoreFullError } from './store.js'

const ZEROS = Buffer.alloc(1024 * 1024)
/** How far the file is kept ahead of its use: a quarter of its size within these bounds. */
const LEAST_AHEAD_BYTES = ZEROS.length
const MOST_AHEAD_BYTES = 8 * 1024 * 1024
/** What one commit adds to the file at least, while it is behind that. */
const STEP_BYTES = 256 * 1024
/** errno codes that mean that there is no room, and that nothing else is wrong. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/**
 * Makes a database file larger ahead of its use, by writing zeros behind its end. What is written later
 * then overwrites blocks that the file system has already given: a full disk shows here, where it does
 * no harm, and a flush need not record new blocks, which takes a quarter off its time.
 *
 * It grows a little with each commit, whose own flush takes the zeros along. Zeros of many commits written
 * at once would hold up the commit that finds no room, at 1024 commands in flight by a tenth of a second.
 */
export class DataFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #maxBytes: number
  /** Flushed up to here: what the database may use. */
  #size: number
  /** Written up to here, and flushed with the next commit. */
  #written: number
  /** How long the commits to come shall make it. */
  #wanted = 0

  constructor(path: string, maxBytes: number) {
    this.#path = path
    this.#maxBytes = maxBytes
    this.#descriptor = openSync(path, 'r+')
    this.#size = fstatSync(this.#descriptor).size
    this.#written = this.#size
  }

  get size(): number {
    return this.#size
  }

  /** The database uses the first `bytes`: the next commits are to keep the file ahead of that. */
  keepAheadOf(bytes: number): void {
    const ahead = Math.min(MOST_AHEAD_BYTES, Math.max(LEAST_AHEAD_BYTES, Math.floor(bytes / 4)))
    this.#wanted = Math.min(this.#maxBytes, bytes + ahead)
  }

  /** Before a commit of so many bytes: a step towards what is wanted. A full disk only ends the steps. */
  step(bytes: number): void {
    if (this.#written >= this.#wanted) return
    const from = this.#end()
    const to = Math.min(this.#wanted, from + Math.max(STEP_BYTES, 2 * bytes))
    try {
      this.#writeZeros(from, to)
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error
      this.#wanted = 0
    }
  }

  /** A commit has flushed the file. */
  flushed(): void {
    this.#size = this.#written
  }

  /**
   * Returns once the file is at least `bytes` long, all of it flushed.
   * @throws StoreFullError; the file is then as long as before.
   */
  grow(bytes: number): void {
    const from = this.#end()
    if (bytes > this.#maxBytes && bytes > from) {
      throw new StoreFullError(
        `${this.#path} would grow to ${bytes} bytes; its limit is ${this.#maxBytes}`,
      )
    }
    const ahead = Math.min(this.#maxBytes, bytes + LEAST_AHEAD_BYTES)
    try {
      this.#extend(from, ahead)
    } catch (error) {
      if (!(error instanceof StoreFullError) || ahead === bytes) throw error
      this.#extend(from, bytes)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  /** The database may have made the file longer: only what lies behind the true end is written. */
  #end(): number {
    this.#written = Math.max(this.#written, fstatSync(this.#descriptor).size)
    return this.#written
  }

  #extend(from: number, to: number): void {
    this.#writeZeros(from, to)
    try {
      fdatasyncSync(this.#descriptor)
    } catch (error) {
      throw this.#cutBack(from, error)
    }
    this.#size = this.#written
  }

  #writeZeros(from: number, to: number): void {
    try {
      for (let at = from; at < to; ) {
        at += writeSync(this.#descriptor, ZEROS, 0, Math.min(ZEROS.length, to - at), at)
      }
    } catch (error) {
      throw this.#cutBack(from, error)
    }
    this.#written = Math.max(from, to)
  }

  /** The file as it was before it was to grow; what to throw. */
  #cutBack(length: number, error: unknown): unknown {
    ftruncateSync(this.#descriptor, length)
    this.#written = length
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!FULL.has(code)) return error
    return new StoreFullError(`no room for ${this.#path} to grow: ${code}`, { cause: error })
  }
}
