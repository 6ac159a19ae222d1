import { basename, dirname } from 'node:path'
import { DiskError, type WalDisk, type WalFile } from '../../../../lib/log/wal/disk.js'
import type { Prng } from '../../../../lib/runtime/prng.js'

const SECTOR_BYTES = 512

/** What a file is: its contents on the device, and the writes that a loss of power may undo. */
interface Inode {
  durable: Buffer
  current: Buffer
  pending: { readonly at: number; readonly bytes: Buffer }[]
}

type NameChange = (names: Map<string, Inode>) => void

/**
 * A disk that records every write and flush. `crashed` is the disk after a loss of power: what was
 * flushed is there, and of what came later some sectors and some changes of names, in order.
 */
export class CrashDisk implements WalDisk {
  /** Called before each flush: the moment at which most is at risk. */
  beforeSync: (() => void) | null = null
  /** Called before a flush of a file, or a write to it; what it throws is what the call throws. */
  fault: ((operation: 'write' | 'fdatasync' | 'fsync', name: string) => string | null) | null = null
  /** Bytes that files may take. */
  limit = Number.POSITIVE_INFINITY
  syncs = 0
  #durableNames: ReadonlyMap<string, Inode>
  #names: Map<string, Inode>
  #changes: NameChange[] = []

  constructor(names: ReadonlyMap<string, Inode> = new Map()) {
    this.#durableNames = names
    this.#names = new Map(names)
  }

  list(directory: string): readonly string[] {
    return [...this.#names.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => basename(path))
  }

  create(path: string): WalFile {
    const inode = { durable: Buffer.alloc(0), current: Buffer.alloc(0), pending: [] }
    this.#change((names) => names.set(path, inode))
    return new CrashFile(this, path, inode)
  }

  open(path: string): WalFile {
    return new CrashFile(this, path, this.inode(path))
  }

  rename(from: string, to: string): void {
    const inode = this.inode(from)
    this.#change((names) => {
      names.delete(from)
      names.set(to, inode)
    })
  }

  remove(path: string): void {
    if (this.#names.has(path)) this.#change((names) => names.delete(path))
  }

  syncDirectory(directory: string): void {
    this.check('fsync', directory)
    this.beforeSync?.()
    this.syncs++
    this.#changes = []
    this.#durableNames = new Map(this.#names)
  }

  async removeLater(paths: readonly string[], directory: string): Promise<void> {
    for (const path of paths) {
      await null
      this.remove(path)
    }
    this.syncDirectory(directory)
  }

  free(): number {
    const used = [...this.#names.values()].reduce((sum, { current }) => sum + current.length, 0)
    return this.limit - used
  }

  inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw new DiskError('open', path, errno('ENOENT'))
    return inode
  }

  check(operation: 'write' | 'fdatasync' | 'fsync', path: string): void {
    const code = this.fault?.(operation, basename(path)) ?? null
    if (code !== null) throw new DiskError(operation, path, errno(code))
  }

  /** Names and contents as programs see them now, on a disk of its own. */
  copy(): CrashDisk {
    const names = new Map<string, Inode>()
    for (const [path, { current }] of this.#names) names.set(path, settled(current))
    return new CrashDisk(names)
  }

  /** Loses power now. */
  crashed(random: Prng): CrashDisk {
    const names = new Map(this.#durableNames)
    const changes = random.integer(0, this.#changes.length)
    for (const change of this.#changes.slice(0, changes)) change(names)
    const keep = [0, 0.5, 0.9, 1][random.integer(0, 3)] ?? 0
    const inodes = new Map<Inode, Inode>()
    for (const inode of new Set(names.values())) {
      inodes.set(inode, settled(survivors(inode, random, keep)))
    }
    const left = new Map<string, Inode>()
    for (const [path, inode] of names) left.set(path, inodes.get(inode) ?? inode)
    return new CrashDisk(left)
  }

  #change(change: NameChange): void {
    change(this.#names)
    this.#changes.push(change)
  }
}

class CrashFile implements WalFile {
  readonly #disk: CrashDisk
  readonly #path: string
  readonly #inode: Inode

  constructor(disk: CrashDisk, path: string, inode: Inode) {
    this.#disk = disk
    this.#path = path
    this.#inode = inode
  }

  size(): number {
    return this.#inode.current.length
  }

  read(into: Uint8Array, position: number): number {
    const found = this.#inode.current.subarray(position, position + into.byteLength)
    into.set(found)
    return found.length
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    const bytes = Buffer.concat(pieces)
    const inode = this.#inode
    try {
      this.#disk.check('write', this.#path)
    } catch (error) {
      // A write that fails may have been done in part.
      this.#put(
        bytes.subarray(0, SECTOR_BYTES * Math.floor(bytes.length / 2 / SECTOR_BYTES)),
        position,
      )
      throw error
    }
    const growth = Math.max(0, position + bytes.length - inode.current.length)
    if (growth > this.#disk.free()) throw new DiskError('write', this.#path, errno('ENOSPC'))
    this.#put(bytes, position)
  }

  #put(bytes: Buffer, position: number): void {
    this.#inode.current = written(this.#inode.current, position, bytes)
    this.#inode.pending.push({ at: position, bytes })
  }

  sync(): void {
    this.#disk.check('fdatasync', this.#path)
    this.#disk.beforeSync?.()
    this.#disk.syncs++
    this.#inode.durable = Buffer.from(this.#inode.current)
    this.#inode.pending = []
  }

  async fill(bytes: Uint8Array, position: number): Promise<void> {
    this.write([bytes], position)
    await null
    this.sync()
  }

  close(): void {}
}

/** The contents after a crash: of each pending write, each sector with a probability of its own. */
function survivors(inode: Inode, random: Prng, keep: number): Buffer {
  let file = inode.durable
  for (const { at, bytes } of inode.pending) {
    for (let start = 0; start < bytes.length; start += SECTOR_BYTES) {
      if (random.random() >= keep) continue
      file = written(
        file,
        at + start,
        bytes.subarray(start, start + SECTOR_BYTES),
        file === inode.durable,
      )
    }
  }
  return file
}

function settled(bytes: Buffer): Inode {
  return { durable: bytes, current: bytes, pending: [] }
}

function written(file: Buffer, at: number, bytes: Uint8Array, copy = true): Buffer {
  const end = at + bytes.length
  let grown = file
  if (end > file.length) grown = Buffer.concat([file, Buffer.alloc(end - file.length)])
  else if (copy) grown = Buffer.from(file)
  grown.set(bytes, at)
  return grown
}

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: a fault of this test`), { code })
}
