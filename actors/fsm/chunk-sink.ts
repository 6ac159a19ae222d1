import { assert } from '../../lib/core/assert.js'
import { StateMachineError } from '../../lib/fsm/errors.js'
import type { SnapshotSink } from '../../lib/fsm/state-machine.js'
import { asError } from '../../lib/runtime/wire-error.js'

export interface ChunkSinkOptions {
  /** Resolves when the chunk's memory may be used again. */
  readonly send: (chunk: Uint8Array) => Promise<unknown>
  readonly chunkBytes: number
  /** Chunks being filled or on their way: all the memory this sink uses. */
  readonly maxChunks: number
  /** Asked for each chunk. True: the thread's other work must have its turn first; `goOn` is called after it. */
  readonly rest?: (goOn: () => void) => boolean
}

/**
 * Where a captured state is written: gathers it into chunks of shared memory and sends them, a bounded
 * number ahead of their reader. Writes that are not awaited keep their order.
 */
export class ChunkSink implements SnapshotSink {
  readonly #options: ChunkSinkOptions
  readonly #free: Uint8Array[] = []
  #made = 0
  #inFlight = 0
  #chunk: Uint8Array | null = null
  #filled = 0
  /** Writes that wait for room; each goes on when the one before it is done. */
  #queue: Promise<void> | null = null
  #failure: Error | null = null
  #wake: (() => void) | null = null
  #closed = false
  #rested: (() => void) | null = null

  constructor(options: ChunkSinkOptions) {
    this.#options = options
  }

  /** Why nothing more can be written; null while all is well. */
  get failure(): Error | null {
    return this.#failure
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(writtenLate())
    if (this.#queue === null && this.#failure === null && this.#fits(bytes)) {
      this.#copy(bytes)
      return Promise.resolve()
    }
    const queue = (this.#queue ?? Promise.resolve()).then(() => this.#write(bytes))
    this.#queue = queue
    const done = (): void => {
      if (this.#queue === queue) this.#queue = null
    }
    // Also keeps a failed write that nobody awaits from ending the process; finish() reports it.
    queue.then(done, done)
    return queue
  }

  /** Sends the rest and waits until everything is taken. Rejects when any write or chunk failed. */
  async finish(): Promise<void> {
    this.#closed = true
    await this.#queue
    if (this.#filled > 0) this.#send()
    while (this.#inFlight > 0 && this.#failure === null) await this.#change()
    if (this.#failure !== null) throw this.#failure
  }

  /** Fails what is being written and everything after it. */
  cancel(error: Error): void {
    this.#closed = true
    this.#fail(error)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let rest = bytes
    while (rest.length > 0) {
      if (this.#failure !== null) throw this.#failure
      if (this.#chunk === null) {
        if (this.#options.rest?.(this.#goOn) === true) await this.#rest()
        if (this.#failure !== null) throw this.#failure
        if (!this.#begin()) {
          await this.#change()
          continue
        }
      }
      const part = rest.subarray(0, this.#options.chunkBytes - this.#filled)
      this.#copy(part)
      rest = rest.subarray(part.length)
      if (this.#filled === this.#options.chunkBytes) this.#send()
    }
  }

  #fits(bytes: Uint8Array): boolean {
    return this.#chunk !== null && this.#filled + bytes.length < this.#options.chunkBytes
  }

  #copy(bytes: Uint8Array): void {
    assert(this.#chunk !== null, 'there is a chunk to fill')
    this.#chunk.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  /** Takes a chunk to fill, if one may be taken now. */
  #begin(): boolean {
    const { chunkBytes, maxChunks } = this.#options
    let chunk = this.#free.pop()
    if (chunk === undefined && this.#made < maxChunks) {
      this.#made++
      chunk = new Uint8Array(new SharedArrayBuffer(chunkBytes))
    }
    this.#chunk = chunk ?? null
    return chunk !== undefined
  }

  #send(): void {
    const chunk = this.#chunk
    assert(chunk !== null, 'there is a chunk to send')
    const filled = this.#filled
    this.#chunk = null
    this.#filled = 0
    this.#inFlight++
    this.#options.send(chunk.subarray(0, filled)).then(
      () => {
        this.#inFlight--
        this.#free.push(chunk)
        this.#notify()
      },
      (error: unknown) => {
        this.#inFlight--
        this.#fail(asError(error))
      },
    )
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#goOn()
    this.#notify()
  }

  /** Until it may go on; a failure ends it too. */
  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#rested = resolve
    })
  }

  readonly #goOn = (): void => {
    const rested = this.#rested
    this.#rested = null
    rested?.()
  }

  /** Resolves when a chunk was taken or something failed. Only one waits at a time. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}

function writtenLate(): StateMachineError {
  return new StateMachineError(
    'RAFT_STATE_MACHINE_FAILED',
    'a snapshot was written to after persist had returned: await every write before returning',
  )
}
