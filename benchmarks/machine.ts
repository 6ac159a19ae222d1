import { open, rm } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { now } from '../lib/runtime/clock.js'
import { median, round } from './statistics.js'

/** What a figure depends on first of all. */
export interface Machine {
  readonly node_version: string
  readonly cpu: string
  readonly cores: number
  readonly memory_gb: number
  /** Median time to make 4 KiB durable in `dir`. */
  readonly disk_flush_ms: number
}

export async function describeMachine(dir: string): Promise<Machine> {
  return {
    node_version: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    disk_flush_ms: round(await flushMs(join(dir, 'flushes')), 2),
  }
}

const FLUSHES = 64
const BYTES = 4096

/** The file is written over, as a log is written into space that it has already. */
async function flushMs(path: string): Promise<number> {
  const file = await open(path, 'w')
  try {
    const page = Buffer.alloc(BYTES, 1)
    await file.write(Buffer.alloc(FLUSHES * BYTES), 0, FLUSHES * BYTES, 0)
    await file.sync()
    const times: number[] = []
    while (times.length < FLUSHES) {
      const begin = now()
      await file.write(page, 0, BYTES, times.length * BYTES)
      await file.datasync()
      times.push(now() - begin)
    }
    return median(times)
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}
