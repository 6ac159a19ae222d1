import { isPromise } from '../runtime/promise.js'
import type { BatchList } from './batch-list.js'
import { applyWrite, type DiskWrite, type MemoryDisk } from './memory-disk.js'
import { RecoveryScan } from './recovery.js'
import { type Store, type StoredBatch, type StoredLog, StoreFullError } from './store.js'

type LogWrite = Exclude<DiskWrite, { kind: 'set' }>

/**
 * The log in memory. What is staged and what is durable are kept apart as strictly as on a disk, so
 * that tests and the simulator can lose the difference. It answers synchronously unless the disk's
 * `onFlush` returns a promise.
 */
export class MemoryStore implements Store {
  readonly #disk: MemoryDisk
  readonly #values: Map<string, Uint8Array>
  /** The log as read, staged operations included. */
  #log: BatchList
  #staged: LogWrite[] = []
  #stagedBytes = 0
  /** First index of a torn batch that the next flush removes. */
  #tornAt: number | null = null

  /** @throws DataDirLockedError when the disk has an open store. */
  constructor(disk: MemoryDisk) {
    disk.attach(this)
    this.#disk = disk
    this.#values = new Map(disk.values)
    this.#log = disk.flushedLog()
  }

  recover(): StoredLog {
    const scan = new RecoveryScan(this.#log.base)
    for (const batch of this.#log) scan.accept(batch.firstIndex, batch.bytes)
    const found = scan.finish()
    if (found.voteFloor !== undefined) this.#tornAt = found.lastIndex + 1
    this.#rollBack()
    return found
  }

  append(batches: readonly StoredBatch[]): void {
    for (const batch of batches) {
      this.#stagedBytes += batch.bytes.byteLength
      this.#stage({ kind: 'append', batch: { ...batch, bytes: new Uint8Array(batch.bytes) } })
    }
  }

  truncate(fromIndex: number): void {
    this.#stage({ kind: 'truncate', fromIndex })
  }

  compact(throughIndex: number): void {
    this.#stage({ kind: 'compact', throughIndex })
  }

  reset(index: number, term: number): void {
    this.#stage({ kind: 'reset', index, term })
  }

  flush(): void | Promise<void> {
    const { maxBytes } = this.#disk.faults
    if (this.#stagedBytes > 0 && this.#log.bytes > maxBytes) {
      this.#rollBack()
      throw new StoreFullError(`the memory store holds at most ${maxBytes} bytes of batches`)
    }
    const writes = this.#staged
    const bytes = this.#stagedBytes
    this.#staged = []
    this.#stagedBytes = 0
    this.#tornAt = null
    return this.#write(writes, bytes)
  }

  read(fromIndex: number, toIndex: number, maxBytes: number): StoredBatch[] {
    const found = this.#log.read(fromIndex, toIndex, maxBytes)
    return found.map((batch) => ({ ...batch, bytes: new Uint8Array(batch.bytes) }))
  }

  get(key: string): Uint8Array | null {
    const value = this.#values.get(key)
    return value === undefined ? null : new Uint8Array(value)
  }

  set(values: Readonly<Record<string, Uint8Array>>): void | Promise<void> {
    let bytes = 0
    const copies: Record<string, Uint8Array> = {}
    for (const [key, value] of Object.entries(values)) {
      copies[key] = new Uint8Array(value)
      bytes += value.length
    }
    for (const [key, value] of Object.entries(copies)) this.#values.set(key, value)
    return this.#write([{ kind: 'set', values: copies }], bytes)
  }

  hasRoom(bytes: number): boolean {
    return this.#log.bytes + bytes <= this.#disk.faults.maxBytes
  }

  size(): number {
    return this.#log.bytes
  }

  close(): void {
    this.#disk.detach(this)
  }

  #stage(write: LogWrite): void {
    applyWrite(this.#log, write)
    this.#staged.push(write)
  }

  /** Back to what the last flush made of the log, less a torn batch at its end. */
  #rollBack(): void {
    this.#staged = []
    this.#stagedBytes = 0
    this.#log = this.#disk.flushedLog()
    if (this.#tornAt !== null) this.#stage({ kind: 'truncate', fromIndex: this.#tornAt })
  }

  #write(writes: readonly DiskWrite[], bytes: number): void | Promise<void> {
    const { onFlush } = this.#disk.faults
    this.#disk.failFlush()
    const delay = onFlush?.(bytes)
    if (isPromise(delay)) return delay.then(() => this.#disk.write(this, writes))
    this.#disk.write(this, writes)
  }
}
