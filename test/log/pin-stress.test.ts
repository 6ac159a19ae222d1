import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { BatchBuilder, ENTRY_COMMAND, sealBatch } from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { Arena, PIN_CONSENSUS, PIN_FSM, PIN_LOG, pin, unpin } from '../../lib/log/slab.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { DAMAGED, type Handed, READ, READER_WORDS } from './support/pin-reader.js'

const BATCHES = 20_000
/** Handed on and not read yet, at most: enough for slabs to be waited for. */
const MOST_UNDER_WAY = 40

class Reader {
  readonly #slot: number
  readonly #worker: Worker
  readonly #counts: SharedWords
  /** Waited for from the start: a reader may be ready before anyone asks. */
  readonly ready: Promise<unknown>

  constructor(slot: number) {
    const words = SharedWords.allocate(READER_WORDS)
    this.#slot = slot
    this.#counts = new SharedWords(words)
    const url = new URL('./support/pin-reader.js', import.meta.url)
    this.#worker = new Worker(url, { workerData: { slot, words } })
    this.ready = once(this.#worker, 'message')
  }

  /** As the consensus actor does: pinned first, then told. */
  hand(handed: Handed): void {
    pin(handed.ref, this.#slot)
    this.#worker.postMessage(handed)
  }

  get read(): number {
    return this.#counts.load(READ)
  }

  get damaged(): number {
    return this.#counts.load(DAMAGED)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}

function batchOf(arena: Arena, fill: number): BatchRef {
  const builder = new BatchBuilder(arena, 64)
  builder.add(ENTRY_COMMAND, new Uint8Array(700).fill(fill))
  return sealBatch(builder.finish(), { firstIndex: 1, term: 1, prevTerm: 0, time: 0 })
}

t.test('S7: readers on threads of their own never see a slab begun again', async (t) => {
  const readers = [new Reader(PIN_LOG), new Reader(PIN_FSM)]
  t.teardown(() => Promise.all(readers.map((reader) => reader.close())))
  for (const reader of readers) await reader.ready
  const arena = new Arena({ slabBytes: 4096, maxIdleSlabs: 32 })
  for (let made = 0; made < BATCHES; made++) {
    const fill = made % 251
    const ref = batchOf(arena, fill)
    for (const reader of readers) reader.hand({ ref, fill })
    unpin(ref, PIN_CONSENSUS)
    while (readers.some(({ read }) => made - read > MOST_UNDER_WAY)) await setImmediate()
  }
  while (readers.some(({ read }) => read < BATCHES)) await setImmediate()
  t.strictSame(
    readers.map(({ damaged }) => damaged),
    [0, 0],
  )
  t.ok(arena.slabsMade < BATCHES / 10, `slabs are used again: ${arena.slabsMade} were made`)
})
