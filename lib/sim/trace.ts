import { closeSync, openSync, writeSync } from 'node:fs'
import type { TraceEvent } from '../runtime/sim-host.js'

const FLUSH_AT = 2 ** 20

/** Writes every event as one JSON object a line; equal runs give equal bytes. */
export class TraceFile {
  readonly #file: number
  #lines = ''

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  write(event: TraceEvent): void {
    this.#lines += `${traceLine(event)}\n`
    if (this.#lines.length > FLUSH_AT) this.#flush()
  }

  close(): void {
    this.#flush()
    closeSync(this.#file)
  }

  #flush(): void {
    writeSync(this.#file, this.#lines)
    this.#lines = ''
  }
}

/** Shared memory and byte runs are shown by their length: addresses would differ from run to run. */
export function traceLine(event: TraceEvent): string {
  return JSON.stringify(event, (_key, value: unknown) => {
    if (value instanceof SharedArrayBuffer) return `memory(${value.byteLength})`
    if (value instanceof Uint8Array) return `bytes(${value.length})`
    return value
  })
}
