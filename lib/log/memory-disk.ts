import { assert } from '../core/assert.js'
import type { LogIndex, Term } from '../core/types.js'
import { BATCH_HEADER_BYTES, readHeader } from './batch-layout.js'
import { BatchList } from './batch-list.js'
import { DataDirLockedError, type StoredBatch } from './store.js'

/** One step of a write, in order; what a crash keeps is a prefix of them. */
export type DiskWrite =
  | { readonly kind: 'append'; readonly batch: StoredBatch }
  | { readonly kind: 'truncate'; readonly fromIndex: LogIndex }
  | { readonly kind: 'compact'; readonly throughIndex: LogIndex }
  | { readonly kind: 'reset'; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: 'set'; readonly values: Readonly<Record<string, Uint8Array>> }

/** What can go wrong with a MemoryDisk, and when; a test or the simulator sets it at any time. */
export interface DiskFaults {
  /** Thrown by every flush and set from now on, as often as `failTimes` says. */
  failFlush: Error | null
  /** How many more flushes and sets fail while `failFlush` is set. Default: all. */
  failTimes: number
  /** Largest sum of batch bytes; past it appends are refused as on a full disk. */
  maxBytes: number
  /** Called for each flush and set with its bytes, before it returns; it may return a promise. */
  onFlush: ((bytes: number) => void | Promise<void>) | null
  /**
   * `immediate`: durable when flush returns. `manual`: durable at the next `settle`; whoever sets it
   * must hold back what the store's user says until then, as a slow device would.
   */
  writeBack: 'immediate' | 'manual'
}

/**
 * The disk under a memory store. It outlives the store, so that a restarted node finds what was
 * flushed and nothing else.
 */
export class MemoryDisk {
  readonly faults: DiskFaults = {
    failFlush: null,
    failTimes: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
    onFlush: null,
    writeBack: 'immediate',
  }
  #log = new BatchList()
  readonly #values = new Map<string, Uint8Array>()
  #inFlight: DiskWrite[] = []
  #owner: object | null = null
  #flushes = 0
  #failed = 0

  /** Flushes and sets since the beginning. */
  get flushes(): number {
    return this.#flushes
  }

  /** Flushes and sets that failed. */
  get failedFlushes(): number {
    return this.#failed
  }

  /** @throws what `faults` say for the flush that begins now */
  failFlush(): void {
    const { failFlush, failTimes } = this.faults
    if (failFlush === null || failTimes <= 0) return
    this.#failed++
    this.faults.failTimes--
    throw failFlush
  }

  /** Bytes of durable batches. */
  get bytes(): number {
    return this.#log.bytes
  }

  /** Last durable index, a torn batch included. */
  get lastIndex(): LogIndex {
    return this.#log.lastIndex
  }

  /** The durable batch that holds `index`, a torn one included; null when there is none (any more). */
  durableBatch(index: LogIndex): StoredBatch | null {
    return this.#log.read(index, index, 1)[0] ?? null
  }

  /** The durable batches, oldest first. */
  durableBatches(): readonly StoredBatch[] {
    return [...this.#log]
  }

  /** What an undisturbed store has made of the log: durable or on its way there. */
  flushedLog(): BatchList {
    const log = this.#log.clone()
    for (const write of this.#inFlight) {
      if (write.kind !== 'set') applyWrite(log, write)
    }
    return log
  }

  get values(): ReadonlyMap<string, Uint8Array> {
    return this.#values
  }

  /** S16: one store at a time. @throws DataDirLockedError */
  attach(owner: object): void {
    if (this.#owner !== null) throw new DataDirLockedError('this memory disk has an open store')
    this.#owner = owner
  }

  detach(owner: object): void {
    if (this.#owner === owner) this.#owner = null
  }

  /** A store's flush: its writes, in order. Refused after a crash. */
  write(owner: object, writes: readonly DiskWrite[]): void {
    assert(owner === this.#owner, 'a store writes after the crash of its node')
    this.#flushes++
    this.#inFlight.push(...writes)
    if (this.faults.writeBack === 'immediate') this.settle()
  }

  /** Makes everything written so far durable. */
  settle(): void {
    for (const write of this.#inFlight) this.#apply(write)
    this.#inFlight = []
  }

  /**
   * The machine loses power: the open store is cut off, and of the writes that were not settled only
   * the first `keep` are there. With `tear`, the next one, if it is a batch, has a body cut short.
   */
  crash(options: { readonly keep?: number; readonly tear?: boolean } = {}): { torn: boolean } {
    const keep = options.keep ?? 0
    for (const write of this.#inFlight.slice(0, keep)) this.#apply(write)
    const next = this.#inFlight[keep]
    const tears = options.tear === true && next?.kind === 'append'
    if (tears) this.#apply(torn(next.batch))
    this.#inFlight = []
    this.#owner = null
    return { torn: tears }
  }

  /** A new, empty disk in its place. Call it after a crash. */
  format(): void {
    assert(this.#owner === null, 'a disk is formatted while no store has it open')
    this.#log = new BatchList()
    this.#values.clear()
    this.#inFlight = []
  }

  /** Writes not settled yet: the largest useful `keep`. */
  get unsettled(): number {
    return this.#inFlight.length
  }

  /** Flips one bit of the stored batch that holds `index`. */
  damage(index: LogIndex, part: 'header' | 'body'): void {
    this.#log.damage(index, (bytes) => {
      flip(bytes, part === 'header' ? 10 : BATCH_HEADER_BYTES + 3)
    })
  }

  /** Flips one bit of a stored value. */
  damageValue(key: string): void {
    const bytes = this.#values.get(key)
    assert(bytes !== undefined && bytes.length > 0, 'no such value to damage', { key })
    flip(bytes, bytes.length - 1)
  }

  #apply(write: DiskWrite): void {
    if (write.kind === 'set') {
      for (const [key, value] of Object.entries(write.values)) {
        this.#values.set(key, new Uint8Array(value))
      }
    } else applyWrite(this.#log, write)
  }
}

/** Carries out one write on a log in memory. */
export function applyWrite(log: BatchList, write: Exclude<DiskWrite, { kind: 'set' }>): void {
  switch (write.kind) {
    case 'append':
      return log.append(write.batch, readHeader(write.batch.bytes).prevTerm)
    case 'truncate':
      return log.truncate(write.fromIndex)
    case 'compact':
      return log.compact(write.throughIndex)
    case 'reset':
      return log.reset(write.index, write.term)
  }
}

function torn(batch: StoredBatch): DiskWrite & { readonly kind: 'append' } {
  const bytes = new Uint8Array(batch.bytes)
  // Zeros are what a file system leaves where a write did not arrive; a flip makes sure of a change.
  bytes.fill(0, BATCH_HEADER_BYTES + Math.floor((bytes.length - BATCH_HEADER_BYTES) / 2))
  flip(bytes, bytes.length - 1)
  return { kind: 'append', batch: { ...batch, bytes } }
}

function flip(bytes: Uint8Array, position: number): void {
  bytes[position] = (bytes[position] ?? 0) ^ 0x10
}
