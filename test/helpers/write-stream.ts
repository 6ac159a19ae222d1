import type { KvClient } from './kv-client.js'

/**
 * Writers that put key after key through the clients given, each its own next key when the last one has
 * been answered. What was acknowledged is remembered; what failed is not repeated.
 */
export class WriteStream {
  readonly acknowledged: string[] = []
  /** Between one acknowledged write and the next, whoever made them. */
  longestGapMs = 0
  readonly #prefix: string
  readonly #writers: Promise<void>[]
  #lastAt = performance.now()
  #next = 0
  #stopped = false
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(clients: readonly KvClient[], prefix: string) {
    this.#prefix = prefix
    this.#writers = clients.map((client) => this.#write(client))
  }

  /** Resolves when so many more have been acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count: this.acknowledged.length + count, resolve })
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#writers)
  }

  async #write(client: KvClient): Promise<void> {
    while (!this.#stopped) {
      const key = `${this.#prefix}${this.#next++}`
      const written = await client.put(key, key).then(
        () => true,
        () => false,
      )
      if (written) this.#acknowledge(key)
    }
  }

  #acknowledge(key: string): void {
    const now = performance.now()
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAt)
    this.#lastAt = now
    this.acknowledged.push(key)
    const due = this.#waiting.filter(({ count }) => count <= this.acknowledged.length)
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting))
    for (const { resolve } of due) resolve()
  }
}
