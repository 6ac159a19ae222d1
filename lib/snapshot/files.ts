import { type FileHandle, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'

/** The file operations that the store uses, so that tests can make each of them fail. */
export interface SnapshotFiles {
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>
  readdir(path: string): Promise<string[]>
  open(path: string, flags: string): Promise<FileHandle>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
}

export const nodeFiles: SnapshotFiles = { mkdir, readdir, open, rename, unlink }
