import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a process did to one file, and said on stdout, in order. */
export type Traced =
  | {
      readonly kind: 'write'
      readonly at: number
      readonly bytes: Buffer
      readonly synced: boolean
    }
  | { readonly kind: 'sync' }
  | { readonly kind: 'said'; readonly line: string }

const CALLS = 'openat,pwrite64,pwritev,writev,write,lseek,fdatasync,fsync,msync,ftruncate'

/** Whether this machine has strace and lets it trace. */
export function canTrace(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
}

/** Runs node on a script and returns what it did to the file whose path ends like this. */
export function traceNode(args: readonly string[], fileName: string): Traced[] {
  const directory = mkdtempSync(join(tmpdir(), 'trace-'))
  try {
    const output = join(directory, 'trace')
    const options = ['-f', '-xx', '-s', '16777216', '-o', output, '-e', `trace=${CALLS}`]
    const { status, stderr } = spawnSync('strace', [...options, process.execPath, ...args])
    if (status !== 0) throw new Error(`the traced process failed: ${stderr}`)
    return new TraceReader(fileName).read(readFileSync(output, 'latin1'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Runs node on a script with one system call failing from its n-th call on; returns what it said. */
export function failNode(
  args: readonly string[],
  failure: string,
): { readonly status: number | null; readonly said: readonly string[]; readonly error: string } {
  const options = ['-f', '-o', '/dev/null', '-e', `inject=${failure}`]
  const { status, stdout, stderr } = spawnSync('strace', [...options, process.execPath, ...args])
  const said = String(stdout).split('\n').slice(0, -1)
  return { status, said, error: String(stderr) }
}

/** Follows the descriptors of one file through the lines of a trace. */
class TraceReader {
  readonly #fileName: string
  /** Descriptors of the file: where the next writev goes, and whether writes return flushed. */
  readonly #open = new Map<string, { position: number; synced: boolean }>()
  readonly #unfinished = new Map<string, string>()
  readonly #found: Traced[] = []

  constructor(fileName: string) {
    this.#fileName = fileName
  }

  read(trace: string): Traced[] {
    for (const line of trace.split('\n')) {
      const [, pid = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
      const call = this.#whole(pid, text)
      if (call !== null) this.#take(call)
    }
    return this.#found
  }

  /** Calls that another thread interrupted are printed in two parts; they count when they return. */
  #whole(pid: string, text: string): string | null {
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(text)
    if (begun !== null) {
      this.#unfinished.set(pid, begun[1] ?? '')
      return null
    }
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
    return rest === null ? text : (this.#unfinished.get(pid) ?? '') + (rest[1] ?? '')
  }

  #take(call: string): void {
    const [, name = '', given = '', result = ''] = /^(\w+)\((.*)\)\s+= (-?\d+)/s.exec(call) ?? []
    const descriptor = given.split(',', 1)[0] ?? ''
    if (name === 'openat') return this.#opened(given, result)
    if (name === 'write' && descriptor === '1') {
      for (const line of bytesOf(given).toString().split('\n')) {
        if (line !== '') this.#found.push({ kind: 'said', line })
      }
    }
    const file = this.#open.get(descriptor)
    if (file !== undefined) this.#onFile(name, given, file)
  }

  #opened(given: string, descriptor: string): void {
    const [path = ''] = /"((?:\\x..)*)"/.exec(given) ?? []
    if (!bytesOf(path).toString().endsWith(this.#fileName))
      return void this.#open.delete(descriptor)
    const synced = /\bO_D?SYNC\b/.test(given)
    this.#open.set(descriptor, { position: 0, synced })
  }

  #onFile(name: string, given: string, file: { position: number; synced: boolean }): void {
    const { synced } = file
    switch (name) {
      case 'lseek':
        file.position = Number(/, (\d+),/.exec(given)?.[1])
        return
      case 'writev': {
        const bytes = bytesOf(given)
        this.#found.push({ kind: 'write', at: file.position, bytes, synced })
        file.position += bytes.length
        return
      }
      case 'pwrite64':
      case 'pwritev': {
        const at = Number(/, (\d+)$/.exec(given)?.[1])
        this.#found.push({ kind: 'write', at, bytes: bytesOf(given), synced })
        return
      }
      case 'fdatasync':
      case 'fsync':
      case 'msync':
        this.#found.push({ kind: 'sync' })
        return
      case 'ftruncate':
        throw new Error('a truncated file cannot be rebuilt')
    }
  }
}

/** All quoted \xNN strings of the arguments, one after the other. */
function bytesOf(given: string): Buffer {
  const strings = given.match(/"(?:\\x[0-9a-f]{2})*"/g) ?? []
  return Buffer.from(strings.join('').replaceAll(/["\\x]/g, ''), 'hex')
}
