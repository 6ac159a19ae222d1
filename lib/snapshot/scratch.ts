/** Memory to read through: kept for the next reading, so that a large file leaves nothing to collect. */
export class Scratch {
  #idle: Buffer | null = null

  /** At least so many bytes, for as long as `use` runs. Those who read at the same time get their own. */
  async with<T>(bytes: number, use: (memory: Buffer) => Promise<T>): Promise<T> {
    const idle = this.#idle
    this.#idle = null
    const memory = idle !== null && idle.length >= bytes ? idle : Buffer.allocUnsafeSlow(bytes)
    try {
      return await use(memory)
    } finally {
      this.#idle = memory
    }
  }
}
