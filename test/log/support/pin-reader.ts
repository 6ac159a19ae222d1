import { parentPort, workerData } from 'node:worker_threads'
import type { BatchRef } from '../../../lib/log/batch-ref.js'
import { batchBytes, unpin } from '../../../lib/log/slab.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'

/** A batch and the byte that all of its data are. */
export interface Handed {
  readonly ref: BatchRef
  readonly fill: number
}

/** What a reader counts, in shared words of its own. */
export const READ = 0
export const DAMAGED = 1
export const READER_WORDS = 2

interface ReaderInit {
  readonly slot: number
  readonly words: SharedArrayBuffer
}

/** Reads what it is handed, slowly enough for the slab to be wanted again, and lets it go. */
if (workerData?.slot !== undefined) {
  const { slot, words } = workerData as ReaderInit
  const counts = new SharedWords(words)
  parentPort?.on('message', ({ ref, fill }: Handed) => {
    const bytes = batchBytes(ref)
    // The entry's head differs from the data; its data lie at the end.
    const data = bytes.subarray(bytes.length - 256)
    if (!data.every((byte) => byte === fill)) counts.add(DAMAGED, 1)
    unpin(ref, slot)
    counts.add(READ, 1)
  })
  parentPort?.postMessage('ready')
}
