import { readFileSync } from 'node:fs'

let version: string | null = null

/** The version of this package, from the nearest package.json above this file. */
export function packageVersion(): string {
  version ??= readVersion(new URL('./', import.meta.url))
  return version
}

function readVersion(folder: URL): string {
  const parent = new URL('../', folder)
  if (parent.href === folder.href) return 'unknown'
  try {
    const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'))
    return String(version)
  } catch {
    return readVersion(parent)
  }
}
