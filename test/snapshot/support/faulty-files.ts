import type { FileHandle } from 'node:fs/promises'
import { nodeFiles, type SnapshotFiles } from '../../../lib/snapshot/files.js'

export type FileOperation =
  | 'mkdir'
  | 'readdir'
  | 'open'
  | 'rename'
  | 'unlink'
  | 'write'
  | 'sync'
  | 'datasync'
  | 'read'
  | 'close'

/** A system error as node:fs makes it. */
export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: planted, ${syscall}`), { code, syscall })
}

/** The real file system, where the test makes chosen operations fail and sees all of them. */
export class FaultyFiles implements SnapshotFiles {
  readonly calls: string[] = []
  /** Called before each operation; what it throws is what the operation fails with. */
  fault: (operation: FileOperation, path: string) => void = () => {}
  /** Writes take at most so many bytes at once. */
  maxWrite = Number.POSITIVE_INFINITY

  async mkdir(path: string, options: { readonly recursive: true }): Promise<unknown> {
    this.#before('mkdir', path)
    return nodeFiles.mkdir(path, options)
  }

  async readdir(path: string): Promise<string[]> {
    this.#before('readdir', path)
    return nodeFiles.readdir(path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#before('rename', from)
    await nodeFiles.rename(from, to)
  }

  async unlink(path: string): Promise<void> {
    this.#before('unlink', path)
    await nodeFiles.unlink(path)
  }

  async open(path: string, flags: string): Promise<FileHandle> {
    this.#before('open', path)
    return this.#wrap(await nodeFiles.open(path, flags), path)
  }

  #wrap(file: FileHandle, path: string): FileHandle {
    const wrapped = {
      stat: () => file.stat(),
      read: async (bytes: Buffer, offset: number, length: number, position: number) => {
        this.#before('read', path)
        return file.read(bytes, offset, length, position)
      },
      write: async (bytes: Uint8Array, offset: number, length: number) => {
        this.#before('write', path)
        return file.write(bytes, offset, Math.min(length, this.maxWrite))
      },
      sync: async () => {
        this.#before('sync', path)
        await file.sync()
      },
      datasync: async () => {
        this.#before('datasync', path)
        await file.datasync()
      },
      close: async () => {
        // A close that fails has closed: nothing may be left open by a test.
        await file.close()
        this.#before('close', path)
      },
    }
    return wrapped as unknown as FileHandle
  }

  #before(operation: FileOperation, path: string): void {
    this.calls.push(`${operation} ${path.split('/').at(-1)}`)
    this.fault(operation, path)
  }
}
