const LEAST_BYTES = 64 * 1024

/**
 * Shared memory for the snapshot chunks of one connection. A leader sends the next one when the last is
 * answered, so one piece does for a whole snapshot; one that comes before gets memory of its own.
 */
export class ChunkRoom {
  #memory: SharedArrayBuffer | null = null
  #taken = false

  take(length: number): Uint8Array {
    if (this.#taken) return new Uint8Array(new SharedArrayBuffer(length))
    this.#taken = true
    if (this.#memory === null || this.#memory.byteLength < length) {
      // Compressed chunks differ in length; not each that is a little longer is worth a new piece.
      const bytes = 2 ** Math.ceil(Math.log2(Math.max(length, LEAST_BYTES)))
      this.#memory = new SharedArrayBuffer(bytes)
    }
    return new Uint8Array(this.#memory, 0, length)
  }

  /** The chunk's answer is here: nobody reads it any more. */
  release(): void {
    this.#taken = false
  }
}
