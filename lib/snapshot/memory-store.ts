import { crc32 } from 'node:zlib'
import { assert } from '../core/assert.js'
import { SnapshotStoreError } from './errors.js'
import { newestFirst, type SnapshotId, snapshotKey } from './order.js'
import type {
  CreateSnapshotStore,
  NewSnapshot,
  SnapshotStore,
  SnapshotWriter,
  StoredSnapshot,
} from './store.js'

export type MemorySnapshotOperation = 'create' | 'write' | 'commit' | 'read' | 'remove'

interface HeldSnapshot {
  readonly stored: StoredSnapshot
  readonly bytes: Uint8Array
}

/**
 * The "disk" of memory stores: what was committed stays here when a store is closed, or when the node
 * that used it crashes in the simulator.
 */
export class MemorySnapshots {
  readonly held = new Map<string, HeldSnapshot>()
  /** Called before each operation; what it throws is what the operation fails with. */
  fault: ((operation: MemorySnapshotOperation, snapshot: SnapshotId) => void) | null = null
}

/** Snapshots in memory, every method synchronous: for tests and the simulator. */
export class MemorySnapshotStore implements SnapshotStore {
  readonly #disk: MemorySnapshots
  readonly #verified = new WeakSet<HeldSnapshot>()

  constructor(disk: MemorySnapshots = new MemorySnapshots()) {
    this.#disk = disk
  }

  open(): readonly StoredSnapshot[] {
    return this.list()
  }

  list(): readonly StoredSnapshot[] {
    return [...this.#disk.held.values()].map((snapshot) => snapshot.stored).sort(newestFirst)
  }

  create(snapshot: NewSnapshot): SnapshotWriter {
    const { index, term } = snapshot
    assert(index > 0 && term > 0, 'a snapshot has an index and a term', { index, term })
    this.#disk.fault?.('create', snapshot)
    return new MemorySnapshotWriter(this.#disk, snapshot)
  }

  read(snapshot: StoredSnapshot, offset: number, maxBytes: number): Uint8Array {
    this.#disk.fault?.('read', snapshot)
    if (!this.verify(snapshot)) {
      throw new SnapshotStoreError('RAFT_CORRUPT', `the ${nameOf(snapshot)} is damaged`)
    }
    return this.#find(snapshot).bytes.slice(offset, offset + maxBytes)
  }

  verify(snapshot: StoredSnapshot): boolean {
    const held = this.#find(snapshot)
    if (!this.#verified.has(held) && crc32(held.bytes) === held.stored.checksum)
      this.#verified.add(held)
    return this.#verified.has(held)
  }

  remove(snapshot: StoredSnapshot): void {
    this.#disk.fault?.('remove', snapshot)
    this.#disk.held.delete(snapshotKey(snapshot))
  }

  close(): void {}

  #find(snapshot: StoredSnapshot): HeldSnapshot {
    const held = this.#disk.held.get(snapshotKey(snapshot))
    if (held !== undefined) return held
    throw new SnapshotStoreError('RAFT_STORE_FAILED', `there is no ${nameOf(snapshot)}`)
  }
}

class MemorySnapshotWriter implements SnapshotWriter {
  readonly #disk: MemorySnapshots
  readonly #snapshot: NewSnapshot
  readonly #parts: Uint8Array[] = []
  #written = 0
  #over = false

  constructor(disk: MemorySnapshots, snapshot: NewSnapshot) {
    this.#disk = disk
    this.#snapshot = snapshot
  }

  get written(): number {
    return this.#written
  }

  write(bytes: Uint8Array): void {
    assert(!this.#over, 'a finished snapshot takes no more bytes')
    this.#disk.fault?.('write', this.#snapshot)
    this.#parts.push(new Uint8Array(bytes))
    this.#written += bytes.length
  }

  commit(as: NewSnapshot = this.#snapshot): StoredSnapshot {
    assert(!this.#over, 'a snapshot is committed once')
    this.#disk.fault?.('commit', as)
    this.#over = true
    const bytes = new Uint8Array(Buffer.concat(this.#parts, this.#written))
    const stored = { ...as, size: bytes.length, checksum: crc32(bytes) }
    this.#disk.held.set(snapshotKey(stored), { stored, bytes })
    return stored
  }

  abort(): void {
    this.#over = true
  }
}

function nameOf(snapshot: SnapshotId): string {
  return `snapshot at index ${snapshot.index} of term ${snapshot.term}`
}

/** On a thread of its own such a store ends with the thread. */
export const createSnapshotStore: CreateSnapshotStore<unknown> = () => new MemorySnapshotStore()
