import type { LogIndex, Term } from '../core/types.js'
import { copyBytes } from '../runtime/copy-bytes.js'
import { BatchError } from './batch-error.js'
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  ENTRY_HEADER_BYTES,
  type EntryType,
  LAST_ENTRY_TYPE,
  readHeader,
  viewOf,
} from './batch-layout.js'
import { type EntryIdentity, identityBytes, readIdentity } from './entry-identity.js'

/** One entry of a batch. */
export interface DecodedEntry {
  readonly index: LogIndex
  readonly term: Term
  /** The leader's clock in ms since the epoch when it took the batch. */
  readonly time: number
  readonly type: EntryType
  readonly data: Uint8Array
  readonly extensions: Uint8Array | undefined
  /** Who proposed it and as which command; undefined where no repetition is to be noticed. */
  readonly identity: EntryIdentity | undefined
}

/** Which entries of a batch are wanted, and whose memory they are in. */
export interface DecodeOptions {
  /** First and last index wanted; the whole batch by default. */
  readonly from?: LogIndex
  readonly to?: LogIndex
  /**
   * True: the bytes are the caller's own, in unshared memory. Small entries are copied in runs of up
   * to 8 KiB, so keeping one keeps at most that much. False (default): views of the given memory,
   * valid as long as it is.
   */
  readonly copy?: boolean
}

/**
 * Walks the entries of a batch without making an object for each. Every length is checked against the
 * batch's end, so no input makes it read outside.
 */
export class EntryCursor {
  readonly header: BatchHeader
  /** Of the entry that `next` moved to. */
  index: LogIndex
  type: EntryType = 0
  dataStart = 0
  dataLength = 0
  extensionsLength = 0
  identity: EntryIdentity | undefined = undefined
  readonly #view: DataView
  readonly #end: number
  #offset = BATCH_HEADER_BYTES

  /** @throws BatchError when the header is damaged or the bytes are shorter than it says. */
  constructor(bytes: Uint8Array) {
    const header = readHeader(bytes)
    if (bytes.byteLength < header.length) {
      throw new BatchError(
        'length',
        `the batch at index ${header.firstIndex} has ${header.length} bytes, found ${bytes.byteLength}`,
      )
    }
    this.header = header
    this.index = header.firstIndex - 1
    this.#view = viewOf(bytes)
    this.#end = header.length
  }

  /** Moves to the next entry; false after the last. @throws BatchError */
  next(): boolean {
    if (this.index === this.header.lastIndex) {
      if (this.#offset !== this.#end) this.#broken('bytes follow the last entry')
      return false
    }
    let offset = this.#offset + ENTRY_HEADER_BYTES
    if (offset > this.#end) this.#broken('an entry begins behind the end')
    const view = this.#view
    const dataLength = view.getUint32(offset - 8, true)
    const type = view.getUint8(offset - 4)
    const flags = view.getUint8(offset - 3)
    const extensionsLength = view.getUint16(offset - 2, true)
    this.identity = undefined
    if (type > LAST_ENTRY_TYPE) this.#unknown(type, flags)
    if (flags !== 0) offset = this.#readIdentity(offset, type, flags)
    if (offset + dataLength + extensionsLength > this.#end) {
      this.#broken('an entry ends behind the end')
    }
    this.index++
    this.type = type as EntryType
    this.dataStart = offset
    this.dataLength = dataLength
    this.extensionsLength = extensionsLength
    this.#offset = offset + dataLength + extensionsLength
    return true
  }

  #readIdentity(offset: number, type: number, flags: number): number {
    const end = offset + (identityBytes(flags) ?? this.#unknown(type, flags))
    if (end > this.#end) this.#broken('an identity reaches behind the end')
    this.identity = readIdentity(this.#view, offset, flags)
    return end
  }

  #unknown(type: number, flags: number): never {
    this.#broken(`type ${type} with flags ${flags} is unknown: a later release wrote it`)
  }

  #broken(what: string): never {
    throw new BatchError(
      'entries',
      `the batch at index ${this.header.firstIndex} is malformed after entry ${this.index}: ${what}`,
    )
  }
}

/**
 * The entries of a batch, in order. The body's checksum is not verified here (`verifyBatch`): the
 * batch was checked when it entered the process.
 * @throws BatchError when the bytes are no well-formed batch.
 */
export function decodeEntries(bytes: Uint8Array, options: DecodeOptions = {}): DecodedEntry[] {
  const cursor = new EntryCursor(bytes)
  const { firstIndex, lastIndex, term, time } = cursor.header
  const from = Math.max(options.from ?? firstIndex, firstIndex)
  const to = Math.min(options.to ?? lastIndex, lastIndex)
  const source = options.copy === true ? new RunCopier(bytes) : new InPlace(bytes)
  const entries: DecodedEntry[] = []
  while (cursor.next()) {
    if (cursor.index < from) continue
    if (cursor.index > to) break
    const { dataStart, dataLength, extensionsLength } = cursor
    entries.push({
      index: cursor.index,
      term,
      time,
      type: cursor.type,
      data: source.take(dataStart, dataLength),
      extensions:
        extensionsLength === 0 ? undefined : source.take(dataStart + dataLength, extensionsLength),
      identity: cursor.identity,
    })
  }
  return entries
}

/** Hands out the bytes of a batch as views of its memory. */
class InPlace {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(start: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes
    return new Uint8Array(buffer, byteOffset + start, length)
  }
}

const RUN_BYTES = 8 * 1024

/**
 * Hands out copies. An ArrayBuffer of its own costs more than the copy of a small entry, so entries
 * are copied in runs and handed out as views of them; a large entry gets a buffer of its own.
 */
class RunCopier {
  readonly #bytes: Uint8Array
  #run: ArrayBuffer = new ArrayBuffer(0)
  #runStart = 0
  #runEnd = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(start: number, length: number): Uint8Array {
    if (length > RUN_BYTES / 4) return copyOf(this.#bytes.subarray(start, start + length))
    if (start + length > this.#runEnd) this.#copyRun(start)
    return new Uint8Array(this.#run, start - this.#runStart, length)
  }

  #copyRun(start: number): void {
    const end = Math.min(start + RUN_BYTES, this.#bytes.length)
    this.#run = copyOf(this.#bytes.subarray(start, end)).buffer
    this.#runStart = start
    this.#runEnd = end
  }
}

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length)
  copyBytes(copy, bytes)
  return copy
}
