import type { Piscina } from 'piscina'
import { assert } from '../core/assert.js'
import type { ChunkCodec } from './chunk-codec.js'
import type { CompressionTask } from './compression-task.js'
import { SnapshotStoreError } from './errors.js'

/** Transfers come one chunk at a time; more threads would only serve several followers at once. */
const MAX_THREADS = 2
/** A thread without work for so long ends. */
const IDLE_MS = 5000
/** Tasks that wait; each peer has one chunk under way at a time. */
const MAX_QUEUE = 1024

/**
 * Deflates on threads of its own, so that neither consensus nor a connection nor a capture waits for it.
 * The pool is made at its first use and its threads end when they have nothing to do. (To inflate is so
 * much cheaper that whoever stores the chunk does it.)
 */
export class CompressionPool implements ChunkCodec {
  #pool: Promise<Piscina<CompressionTask, number>> | null = null
  #closed = false

  async deflate(input: Uint8Array, output: Uint8Array): Promise<number> {
    for (const { buffer } of [input, output]) {
      assert(buffer instanceof SharedArrayBuffer, 'the pool works on shared memory')
    }
    if (this.#closed) throw new SnapshotStoreError('RAFT_STORE_FAILED', 'the node is closing')
    this.#pool ??= startPool()
    return (await this.#pool).run({ input, output })
  }

  async close(): Promise<void> {
    this.#closed = true
    const pool = this.#pool
    this.#pool = null
    // Nobody waits for what is under way any more.
    await (await pool)?.destroy()
  }
}

/** The library is loaded here, so that a node which compresses nothing does without it. */
async function startPool(): Promise<Piscina<CompressionTask, number>> {
  const { Piscina } = await import('piscina')
  return new Piscina<CompressionTask, number>({
    filename: taskModule(),
    name: 'compressionTask',
    minThreads: 0,
    maxThreads: MAX_THREADS,
    idleTimeout: IDLE_MS,
    maxQueue: MAX_QUEUE,
    recordTiming: false,
  })
}

/** The neighbour's URL with the extension of this file, so that loaders of TypeScript work too. */
function taskModule(): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./compression-task${extension}`, import.meta.url).href
}
