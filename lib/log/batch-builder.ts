import { assert } from '../core/assert.js'
import { copyBytes } from '../runtime/copy-bytes.js'
import {
  BATCH_HEADER_BYTES,
  type BatchHead,
  ENTRY_HEADER_BYTES,
  type EntryType,
  MAX_EXTENSION_BYTES,
  viewOf,
  writeBodyFacts,
  writeHead,
} from './batch-layout.js'
import type { BatchRef } from './batch-ref.js'
import {
  type EntryIdentity,
  identityBytes,
  identityFlags,
  writeIdentity,
} from './entry-identity.js'
import { type Allocation, type Arena, batchBytes, PIN_CONSENSUS, pin } from './slab.js'

const FIRST_CAPACITY = 16 * 1024

/**
 * Encodes entries straight into arena memory; an entry's bytes are copied here once and never again
 * (DESIGN §2.3). `add` runs once for each command, so it makes no object.
 */
export class BatchBuilder {
  readonly #arena: Arena
  readonly #firstCapacity: number
  #allocation: Allocation | null = null
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = viewOf(this.#bytes)
  #end = BATCH_HEADER_BYTES
  #count = 0

  /** `firstCapacity`: bytes reserved at the first entry of a batch; it grows by doubling. */
  constructor(arena: Arena, firstCapacity = FIRST_CAPACITY) {
    this.#arena = arena
    this.#firstCapacity = firstCapacity
  }

  /** Entries added since the last `finish`. */
  get count(): number {
    return this.#count
  }

  /** Encoded length of the batch so far, header included. */
  get bytes(): number {
    return this.#end
  }

  /** Appends one entry; `data` and `extensions` are copied before it returns. */
  add(type: EntryType, data: Uint8Array, extensions?: Uint8Array, identity?: EntryIdentity): void {
    const end = this.#end + entryBytes(data, extensions, identity)
    if (end > this.#bytes.length) this.#grow(end)
    writeEntry(this.#bytes, this.#view, this.#end, type, data, extensions, identity)
    this.#end = end
    this.#count++
  }

  /**
   * Closes the batch: its body is checksummed, its memory pinned for PIN_CONSENSUS, its place in the
   * log still open (`sealBatch`). The builder then starts the next batch.
   */
  finish(): BatchRef {
    const allocation = this.#allocation
    assert(allocation !== null && this.#count > 0, 'a batch has at least one entry', {
      count: this.#count,
    })
    const length = this.#end
    writeBodyFacts(this.#bytes, this.#count, length - BATCH_HEADER_BYTES)
    const ref: BatchRef = {
      memory: allocation.memory,
      offset: allocation.offset,
      length,
      firstIndex: 0,
      count: this.#count,
      term: 0,
      prevTerm: 0,
      pinned: true,
    }
    pin(ref, PIN_CONSENSUS)
    this.#arena.release(this.#arena.resize(allocation, length, length))
    this.#clear()
    return ref
  }

  /** Drops what was added since the last `finish`. */
  discard(): void {
    if (this.#allocation !== null) this.#arena.release(this.#allocation)
    this.#clear()
  }

  #grow(needed: number): void {
    const capacity = Math.max(needed, this.#bytes.length * 2, this.#firstCapacity)
    const allocation =
      this.#allocation === null
        ? this.#arena.allocate(capacity)
        : this.#arena.resize(this.#allocation, capacity, this.#end)
    this.#allocation = allocation
    this.#bytes = new Uint8Array(allocation.memory, allocation.offset, allocation.length)
    this.#view = viewOf(this.#bytes)
  }

  #clear(): void {
    this.#allocation = null
    this.#bytes = new Uint8Array(0)
    this.#view = viewOf(this.#bytes)
    this.#end = BATCH_HEADER_BYTES
    this.#count = 0
  }
}

/** Gives a finished batch its place: writes the header in place and returns the full descriptor. */
export function sealBatch(ref: BatchRef, head: BatchHead): BatchRef {
  writeHead(batchBytes(ref), head)
  return {
    memory: ref.memory,
    offset: ref.offset,
    length: ref.length,
    firstIndex: head.firstIndex,
    count: ref.count,
    term: head.term,
    prevTerm: head.prevTerm,
    pinned: ref.pinned,
  }
}

/** One entry to encode. */
export interface NewEntry {
  readonly type: EntryType
  readonly data: Uint8Array
  readonly extensions?: Uint8Array
  readonly identity?: EntryIdentity
}

/** A batch in memory of its own that nobody pins: no-ops, barriers, configurations, tests. */
export function encodeBatch(entries: readonly NewEntry[], head: BatchHead): BatchRef {
  assert(entries.length > 0, 'a batch has at least one entry')
  let length = BATCH_HEADER_BYTES
  for (const entry of entries) length += entryBytes(entry.data, entry.extensions, entry.identity)
  const memory = new SharedArrayBuffer(length)
  const bytes = new Uint8Array(memory)
  const view = viewOf(bytes)
  let offset = BATCH_HEADER_BYTES
  for (const { type, data, extensions, identity } of entries) {
    writeEntry(bytes, view, offset, type, data, extensions, identity)
    offset += entryBytes(data, extensions, identity)
  }
  writeBodyFacts(bytes, entries.length, length - BATCH_HEADER_BYTES)
  const open = { memory, offset: 0, length, firstIndex: 0, count: entries.length, term: 0 }
  return sealBatch({ ...open, prevTerm: 0, pinned: false }, head)
}

/** Bytes that an entry takes in a batch. */
function entryBytes(
  data: Uint8Array,
  extensions: Uint8Array | undefined,
  identity: EntryIdentity | undefined,
): number {
  return (
    ENTRY_HEADER_BYTES +
    (identity === undefined ? 0 : (identityBytes(identityFlags(identity)) ?? 0)) +
    data.length +
    (extensions === undefined ? 0 : extensions.length)
  )
}

function writeEntry(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  type: EntryType,
  data: Uint8Array,
  extensions: Uint8Array | undefined,
  identity: EntryIdentity | undefined,
): void {
  let offset = start + ENTRY_HEADER_BYTES
  view.setUint32(start, data.length, true)
  view.setUint8(start + 4, type)
  const flags = identityFlags(identity)
  view.setUint8(start + 5, flags)
  view.setUint16(start + 6, 0, true)
  if (identity !== undefined) {
    writeIdentity(view, offset, identity)
    offset += identityBytes(flags) ?? 0
  }
  copyBytes(bytes, data, offset)
  if (extensions !== undefined) {
    const length = extensions.length
    assert(length <= MAX_EXTENSION_BYTES, 'extensions are too long', { length })
    view.setUint16(start + 6, length, true)
    bytes.set(extensions, offset + data.length)
  }
}
