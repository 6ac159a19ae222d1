import { RaftError } from './errors.js'
import type { RestoreMeta, RestoreSource } from './restore-types.js'

/** What one message to the snapshot actor carries at most. */
const CHUNK_BYTES = 1024 * 1024

/** The bytes of a source in pieces of their own memory, counted against what its meta says. */
export class RestoreBytes {
  readonly #iterator: AsyncIterator<Uint8Array>
  readonly #size: number | undefined
  /** Ends the wait for the next bytes. */
  #stop: (() => void) | null = null
  #over = false
  #rest: Uint8Array = new Uint8Array(0)
  #taken = 0

  /** `over`: settles when nobody wants the bytes any more. */
  constructor(source: RestoreSource, { size }: RestoreMeta, over: Promise<unknown>) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#size = size
    const stop = (): void => {
      this.#over = true
      this.#stop?.()
    }
    over.then(stop, stop)
  }

  /** Null at the end. @throws RaftError RAFT_CORRUPT when the source is not as long as announced, or breaks */
  async next(): Promise<Uint8Array | null> {
    while (this.#rest.length === 0) {
      const found = await this.#read()
      if (found === null) return null
      this.#rest = found
    }
    const piece = this.#rest.slice(0, CHUNK_BYTES)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }

  async #read(): Promise<Uint8Array | null> {
    const found = await this.#wait()
    if (found === null) {
      // Not waited for: it may be the source itself that does not come back.
      void this.#end()
      return null
    }
    if (found.done === true) {
      if (this.#size !== undefined && this.#taken < this.#size) throw this.#wrongSize('short read')
      return null
    }
    const { value } = found
    if (!(value instanceof Uint8Array)) {
      void this.#end()
      throw broken(`it gave a ${typeof value} in the place of bytes`, this.#taken)
    }
    this.#taken += value.length
    if (this.#size !== undefined && this.#taken > this.#size) {
      void this.#end()
      throw this.#wrongSize('too long')
    }
    return value
  }

  /** One listener for the whole source: a race with `over` for each piece would keep every piece alive. */
  #wait(): Promise<IteratorResult<Uint8Array, unknown> | null> {
    if (this.#over) return Promise.resolve(null)
    return new Promise((resolve, reject) => {
      this.#stop = () => resolve(null)
      this.#advance().then(resolve, reject)
    })
  }

  async #advance(): Promise<IteratorResult<Uint8Array, unknown>> {
    try {
      return await this.#iterator.next()
    } catch (error) {
      throw broken(error instanceof Error ? error.message : String(error), this.#taken, error)
    }
  }

  async #end(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } catch {
      // It was on its way out anyway.
    }
  }

  #wrongSize(what: string): RaftError {
    const [expected, found] = [this.#size, this.#taken]
    return new RaftError(
      'RAFT_CORRUPT',
      `restore: ${what}: the snapshot has ${expected} bytes according to its meta, the source gave ${found}; nothing has changed`,
      { outcome: 'rejected', details: { expected, found } },
    )
  }
}

function broken(why: string, found: number, cause?: unknown): RaftError {
  return new RaftError(
    'RAFT_CORRUPT',
    `restore: the source broke off after ${found} bytes: ${why}; nothing has changed`,
    { outcome: 'rejected', details: { found }, cause },
  )
}
