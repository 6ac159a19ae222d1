import { join } from 'node:path'
import { errnoOf, fileError, SnapshotStoreError } from './errors.js'
import type { SnapshotFiles } from './files.js'
import type { SnapshotId } from './order.js'

/** Flushing a directory is not possible everywhere; these say no more than that. */
const NOT_SUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EBADF'])

const SUFFIX = '.snapshot'
const LEFTOVER = /^\d{20}-\d{20}\.snapshot\.\d+\.tmp$|^probe(-renamed)?\.tmp$/

/** Names and durability of the files in one directory. */
export class SnapshotDirectory {
  readonly path: string
  readonly #files: SnapshotFiles
  readonly #warn: (fields: object, message: string) => void
  #flushable = process.platform !== 'win32'
  #temporaries = 0

  constructor(path: string, files: SnapshotFiles, warn: (fields: object, message: string) => void) {
    this.path = path
    this.#files = files
    this.#warn = warn
  }

  /** False once a flush of the directory was refused as not supported. */
  get flushable(): boolean {
    return this.#flushable
  }

  /** Fixed width for a person's eye; the order of names decides nothing. */
  fileFor(id: SnapshotId): string {
    const term = String(id.term).padStart(20, '0')
    const index = String(id.index).padStart(20, '0')
    return join(this.path, `${term}-${index}${SUFFIX}`)
  }

  temporaryFor(id: SnapshotId): string {
    this.#temporaries++
    return `${this.fileFor(id)}.${this.#temporaries}.tmp`
  }

  /** Makes it, proves that it can be used, removes what a crash left, and lists the snapshots' paths. */
  async open(): Promise<string[]> {
    try {
      await this.#files.mkdir(this.path, { recursive: true })
      await this.#probe()
    } catch (error) {
      throw unusable(this.path, error)
    }
    const names = await this.#files.readdir(this.path)
    for (const name of names) {
      if (LEFTOVER.test(name)) await this.#files.unlink(join(this.path, name))
    }
    return names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(this.path, name))
  }

  /** Makes it again where someone has deleted it since. @throws SnapshotStoreError */
  async ensure(): Promise<void> {
    try {
      await this.#files.mkdir(this.path, { recursive: true })
    } catch (error) {
      throw unusable(this.path, error)
    }
  }

  /** what a snapshot will need later must work now. */
  async #probe(): Promise<void> {
    const first = join(this.path, 'probe.tmp')
    const second = join(this.path, 'probe-renamed.tmp')
    const file = await this.#files.open(first, 'w')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#files.rename(first, second)
    await this.#files.unlink(second)
  }

  /** Makes renames durable, where the file system can. @throws SnapshotStoreError */
  async flush(): Promise<void> {
    if (!this.#flushable) return
    try {
      const directory = await this.#files.open(this.path, 'r')
      try {
        await directory.sync()
      } finally {
        await directory.close()
      }
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === null || !NOT_SUPPORTED.has(errno)) {
        throw fileError('flush the directory', this.path, error)
      }
      this.#flushable = false
      this.#warn(
        { path: this.path, errno },
        'this file system cannot flush directories: after a power failure the newest snapshot may be missing',
      )
    }
  }
}

function unusable(path: string, error: unknown): SnapshotStoreError {
  const failed = fileError('use the snapshot directory', path, error)
  return new SnapshotStoreError(
    failed.code,
    `${failed.message}. It must be a directory in which this process may create, flush, rename and delete files`,
    { details: failed.details, cause: error },
  )
}
