import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** errno codes with which file systems say that a directory cannot be flushed, and nothing worse. */
const UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EPERM', 'EBADF'])

/**
 * Makes a directory and flushes the entries that lead to it, so that it is still there after a loss of
 * power. `warn` hears of a file system that cannot flush directories (S15).
 */
export function makeDirectory(path: string, warn: (message: string) => void): void {
  const absolute = resolve(path)
  const first = mkdirSync(absolute, { recursive: true })
  flushDirectory(absolute, warn)
  if (first === undefined) return
  for (let made = absolute; made.length >= first.length; made = dirname(made)) {
    if (!flushDirectory(dirname(made), warn)) return
  }
}

/** Flushes a directory's entries. False when the file system does not support it. */
export function flushDirectory(path: string, warn: (message: string) => void): boolean {
  let descriptor: number | null = null
  try {
    descriptor = openSync(path, 'r')
    fsyncSync(descriptor)
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!UNSUPPORTED.has(code)) throw error
    warn(
      `this file system does not flush directories (${code} from fsync of ${path}): a file made just before a loss of power may be missing after it`,
    )
    return false
  } finally {
    if (descriptor !== null) closeSync(descriptor)
  }
}
