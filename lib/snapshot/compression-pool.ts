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
 * Deflates and inflates on threads of their own, so that neither consensus nor a connection waits for
 * it. The pool is made at its first use and its threads end when they have nothing to do.
 */
export class CompressionPool implements ChunkCodec {
  #pool: Promise<Piscina<CompressionTask, number>> | null = null
  #closed = false

  deflate(input: Uint8Array, output: Uint8Array): Promise<number> {
    return this.#run({ kind: 'deflate', input, output })
  }

  async inflate(input: Uint8Array, output: Uint8Array): Promise<void> {
    const written = await this.#run({ kind: 'inflate', input, output })
    if (written === output.length) return
    throw new SnapshotStoreError(
      'RAFT_CORRUPT',
      `a compressed chunk of ${input.length} bytes does not unfold to the ${output.length} bytes of state announced`,
      { details: { found: input.length, length: output.length } },
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    const pool = this.#pool
    this.#pool = null
    // Nobody waits for what is under way any more.
    await (await pool)?.destroy()
  }

  async #run(task: CompressionTask): Promise<number> {
    for (const { buffer } of [task.input, task.output]) {
      assert(buffer instanceof SharedArrayBuffer, 'the pool works on shared memory')
    }
    if (this.#closed) throw new SnapshotStoreError('RAFT_STORE_FAILED', 'the node is closing')
    this.#pool ??= startPool()
    return (await this.#pool).run(task)
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
