import {
  closeSync,
  fdatasync as fdatasyncCallback,
  fdatasyncSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  writevSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { flushDirectory } from '../directory.js'
import { backgroundWrite } from './background-write.js'
import { type DirectMemory, DirectWriter } from './direct-writer.js'
import { type Access, DiskError, type WalDisk, type WalFile } from './disk.js'

const fdatasync = promisify(fdatasyncCallback)

/** Pieces of one system call: below the limit of every system, so that none is split behind our back. */
const MAX_PIECES = 512

/**
 * The real file system. `warn` hears once of one that cannot flush directories (S15). `direct`: what files are
 * written from past the page cache; null when none is to be.
 */
export function nodeDisk(warn: (message: string) => void, direct: DirectMemory | null): WalDisk {
  const open = (path: string, flags: 'w+' | 'r+', access: Access = 'cached'): NodeFile =>
    new NodeFile(path, flags, access === 'direct' ? direct : null)
  return {
    list: (directory) => attempt('readdir', directory, () => readdirSync(directory)),
    create: (path, access) => open(path, 'w+', access),
    open: (path, access) => open(path, 'r+', access),
    rename: (from, to) => attempt(`rename to ${to}`, from, () => renameSync(from, to)),
    remove: (path) => attempt('unlink', path, () => rmSync(path, { force: true })),
    syncDirectory: (directory) => {
      attempt('fsync', directory, () => flushDirectory(directory, warn))
    },
    removeLater: async (paths, directory) => {
      for (const path of paths) {
        await rm(path, { force: true }).catch((error: unknown) => {
          throw new DiskError('unlink', path, error)
        })
      }
      attempt('fsync', directory, () => flushDirectory(directory, warn))
    },
    free: freeBytes,
  }
}

class NodeFile implements WalFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #direct: DirectWriter | null

  constructor(path: string, flags: 'w+' | 'r+', direct: DirectMemory | null) {
    this.#path = path
    this.#descriptor = attempt('open', path, () => openSync(path, flags, 0o640))
    this.#direct = direct === null ? null : new DirectWriter(path, direct)
  }

  size(): number {
    return attempt('fstat', this.#path, () => fstatSync(this.#descriptor).size)
  }

  read(into: Uint8Array, position: number): number {
    let done = 0
    while (done < into.byteLength) {
      const at = done
      const count = attempt('read', this.#path, () =>
        readSync(this.#descriptor, into, at, into.byteLength - at, position + at),
      )
      if (count === 0) break
      done += count
    }
    return done
  }

  write(pieces: readonly Uint8Array[], position: number): void {
    if (attempt('write', this.#path, () => this.#direct?.write(pieces, position) ?? false)) return
    let at = position
    for (let next = 0; next < pieces.length; next += MAX_PIECES) {
      at = this.#writeSome(pieces.slice(next, next + MAX_PIECES), at)
    }
  }

  sync(): void {
    attempt('fdatasync', this.#path, () => fdatasyncSync(this.#descriptor))
  }

  async fill(bytes: Uint8Array, position: number): Promise<void> {
    await attemptLater('write', this.#path, async () => {
      if (await this.#direct?.fill(bytes, position)) return
      await backgroundWrite(this.#descriptor, bytes, position)
    })
    await attemptLater('fdatasync', this.#path, () => fdatasync(this.#descriptor))
  }

  close(): void {
    attempt('close', this.#path, () => this.#direct?.close())
    attempt('close', this.#path, () => closeSync(this.#descriptor))
  }

  /** A write may take less than it was given, most often because there is no room for the rest. */
  #writeSome(pieces: readonly Uint8Array[], position: number): number {
    let rest = pieces
    let at = position
    while (rest.length > 0) {
      const now = rest
      const start = at
      const count = attempt('write', this.#path, () =>
        writevSync(this.#descriptor, now as Uint8Array[], start),
      )
      at += count
      rest = behind(rest, count)
    }
    return at
  }
}

/** What is left of the pieces once so many bytes of them are written. */
function behind(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written
  let next = 0
  for (; next < pieces.length; next++) {
    const { byteLength } = pieces[next] ?? new Uint8Array(0)
    if (left < byteLength) break
    left -= byteLength
  }
  const [first, ...others] = pieces.slice(next)
  return first === undefined ? [] : [first.subarray(left), ...others]
}

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function attempt<T>(operation: string, path: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new DiskError(operation, path, error)
  }
}

async function attemptLater<T>(
  operation: string,
  path: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new DiskError(operation, path, error)
  }
}
