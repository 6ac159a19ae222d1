import { cpus, totalmem } from 'node:os'
import { probeFlushes } from '../lib/cli/flush-probe.js'
import { round } from './statistics.js'

/** What a figure depends on first of all. */
export interface Machine {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memory_gb: number
  /** Median time to make 4 KiB durable in `dir`. */
  readonly disk_flush_ms: number
}

export async function describeMachine(dir: string): Promise<Machine> {
  const { p50Ms } = await probeFlushes(dir)
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: round(totalmem() / 2 ** 30, 0),
    disk_flush_ms: round(p50Ms, 2),
  }
}
