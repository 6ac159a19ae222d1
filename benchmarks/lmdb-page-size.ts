import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENTRY_COMMAND, encodeBatch } from '../lib/log/batch.js'
import { createStore } from '../lib/log/lmdb-store.js'
import { batchBytes } from '../lib/log/slab.js'

/**
 * Why LMDB's pages are 16 KiB here. Appends and flushes one batch at a time, as the log actor does under
 * load, compacting so that the file stays about 64 MiB; prints flushes a second for each page size.
 *
 *     node dist/benchmarks/lmdb-page-size.js [rounds]
 */

const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536]
/** Entries of 256 bytes in a batch: one command in flight, 64, and 500 at once. */
const BATCHES = [1, 64, 500]
const MILLISECONDS = 1500
const KEPT_BYTES = 32 * 1024 * 1024

const rounds = Number(process.argv[2] ?? 3)
for (const entries of BATCHES) {
  const rates = new Map<number, number[]>(PAGE_SIZES.map((size) => [size, []]))
  for (let round = 0; round < rounds; round++) {
    for (const pageSize of PAGE_SIZES) rates.get(pageSize)?.push(await measure(pageSize, entries))
  }
  const line = [...rates].map(([pageSize, found]) => `${pageSize / 1024} KiB ${median(found)}/s`)
  process.stdout.write(`${entries} x 256 B: ${line.join(', ')}\n`)
}

async function measure(pageSize: number, entries: number): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'troupe-pages-'))
  const context = { nodeId: 'n1', dataDir, now: () => performance.now(), warn: () => {} }
  const store = await createStore({ pageSize }, context)
  try {
    await store.recover()
    const entry = { type: ENTRY_COMMAND, data: new Uint8Array(256).fill(7) }
    const list = Array.from({ length: entries }, () => entry)
    const kept = Math.ceil(KEPT_BYTES / (entries * 264)) * entries
    let lastIndex = 0
    let flushes = 0
    const start = performance.now()
    for (; performance.now() - start < MILLISECONDS; flushes++) {
      const head = {
        firstIndex: lastIndex + 1,
        term: 1,
        prevTerm: lastIndex === 0 ? 0 : 1,
        time: 1,
      }
      const bytes = batchBytes(encodeBatch(list, head))
      lastIndex += entries
      await store.append([{ firstIndex: head.firstIndex, lastIndex, term: 1, bytes }])
      if (flushes % 64 === 63 && lastIndex > kept) await store.compact(lastIndex - kept)
      await store.flush()
    }
    return (flushes * 1000) / (performance.now() - start)
  } finally {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)
}
