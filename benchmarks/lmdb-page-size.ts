import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENTRY_COMMAND, encodeBatch } from '../lib/log/batch.js'
import { createStore } from '../lib/log/lmdb-store.js'
import { batchBytes } from '../lib/log/slab.js'

/**
 * Why LMDB's pages are 16 KiB here. Appends and flushes one batch at a time, as the log actor does under
 * load, compacting so that the file stays about 64 MiB; prints the low decile of the time of a flush for each page
 * size, over rounds that take turns, so that a busy disk hurts all alike and the decile little.
 *
 *     node dist/benchmarks/lmdb-page-size.js [rounds]
 */

const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536]
/** Entries of 256 bytes in a batch: one command in flight, 64, and 500 at once. */
const BATCHES = [1, 64, 500]
const MILLISECONDS = 800
const KEPT_BYTES = 32 * 1024 * 1024

const rounds = Number(process.argv[2] ?? 5)
for (const entries of BATCHES) {
  const times = new Map<number, number[]>(PAGE_SIZES.map((size) => [size, []]))
  for (let round = 0; round < rounds; round++) {
    for (const pageSize of PAGE_SIZES) {
      times.get(pageSize)?.push(...(await measure(pageSize, entries)))
    }
  }
  const line = [...times].map(([size, found]) => `${size / 1024} KiB ${lowDecile(found)} ms`)
  process.stdout.write(`${entries} x 256 B: ${line.join(', ')}\n`)
}

/** Milliseconds of each flush. */
async function measure(pageSize: number, entries: number): Promise<number[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'troupe-pages-'))
  const context = { nodeId: 'n1', dataDir, now: () => performance.now(), warn: () => {} }
  const store = await createStore({ pageSize }, context)
  try {
    await store.recover()
    const entry = { type: ENTRY_COMMAND, data: new Uint8Array(256).fill(7) }
    const list = Array.from({ length: entries }, () => entry)
    const kept = Math.ceil(KEPT_BYTES / (entries * 264)) * entries
    let lastIndex = 0
    const times: number[] = []
    const end = performance.now() + MILLISECONDS
    while (performance.now() < end) {
      const head = {
        firstIndex: lastIndex + 1,
        term: 1,
        prevTerm: lastIndex === 0 ? 0 : 1,
        time: 1,
      }
      const bytes = batchBytes(encodeBatch(list, head))
      lastIndex += entries
      const begun = performance.now()
      await store.append([{ firstIndex: head.firstIndex, lastIndex, term: 1, bytes }])
      if (times.length % 64 === 63 && lastIndex > kept) await store.compact(lastIndex - kept)
      await store.flush()
      times.push(performance.now() - begun)
    }
    return times
  } finally {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

function lowDecile(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.floor(sorted.length / 10)] ?? 0).toFixed(2)
}
