import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Delays } from '../kv/service-diagnostics.js'
import { now } from '../runtime/clock.js'

const bytesAFlush = 4096
const mostFlushes = 500
const longestMs = 3000
/** The file is written over and over, as a log is written into space that it has already. */
const fileBytes = 1024 * 1024

/** How long this directory's disk takes to make 4 KiB durable, measured in a file of its own. */
export async function probeFlushes(dir: string): Promise<Delays & { readonly count: number }> {
  const path = join(dir, `doctor-${process.pid}.tmp`)
  const file = await open(path, 'wx')
  try {
    const times = await measure(file)
    times.sort((a, b) => a - b)
    const at = (part: number) => times[Math.ceil(times.length * part) - 1] ?? 0
    return { count: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}

async function measure(file: FileHandle): Promise<number[]> {
  await file.write(Buffer.alloc(fileBytes), 0, fileBytes, 0)
  await file.sync()
  const bytes = Buffer.alloc(bytesAFlush, 1)
  const times: number[] = []
  const end = now() + longestMs
  while (times.length < mostFlushes && now() < end) {
    const begin = now()
    await file.write(bytes, 0, bytesAFlush, (times.length * bytesAFlush) % fileBytes)
    await file.datasync()
    times.push(now() - begin)
  }
  return times
}
