/** What is known of a write once it was acknowledged. */
interface Acknowledged {
  readonly key: string
  readonly revision: number
}

/**
 * Writers that put key after key into a cluster whose nodes come and go. Each write bears an
 * Idempotency-Key and is repeated, through one node after the other, until one of them says that it is done;
 * each creates its key, so that a write which is done twice is refused the second time.
 */
export class SteadyWrites {
  readonly acknowledged: Acknowledged[] = []
  /** Answers after which no repetition helps; none is expected. */
  readonly refused: string[] = []
  /** Attempts that had to be repeated. */
  repeated = 0
  /** Where writes go from now on. */
  urls: readonly string[]
  readonly #prefix: string
  readonly #writers: readonly Promise<void>[]
  #stopped = false
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(urls: readonly string[], writers: number, prefix: string) {
    this.urls = urls
    this.#prefix = prefix
    this.#writers = Array.from({ length: writers }, (_, writer) => this.#run(writer))
  }

  /** Resolves when so many more have been acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count: this.acknowledged.length + count, resolve })
    })
  }

  /** Resolves when the last writes have been acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#writers)
  }

  async #run(writer: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const key = `${this.#prefix}${writer}-${n}`
      for (let attempt = writer; !(await this.#put(key, attempt)); attempt++) this.repeated++
    }
  }

  /** True: its fate is known. */
  async #put(key: string, attempt: number): Promise<boolean> {
    const url = this.urls[attempt % this.urls.length] ?? ''
    try {
      const answer = await fetch(`${url}/kv/${key}`, {
        method: 'PUT',
        body: key,
        headers: { 'idempotency-key': key, 'if-none-match': '*' },
      })
      const text = await answer.text()
      if (answer.ok) this.#acknowledge(key, JSON.parse(text).revision)
      else if (answer.status < 500 && answer.status !== 429) this.refused.push(`${key}: ${text}`)
      else return false
      return true
    } catch {
      // The node is gone, or the connection was; whether the write is done the next one knows.
      return false
    }
  }

  #acknowledge(key: string, revision: number): void {
    this.acknowledged.push({ key, revision })
    const due = this.#waiting.filter(({ count }) => count <= this.acknowledged.length)
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting))
    for (const { resolve } of due) resolve()
  }
}

/** Acknowledged writes that a node does not have as they were acknowledged. */
export async function missingAt(url: string, writes: SteadyWrites, prefix: string) {
  const found = new Map<string, number>()
  for (let after: string | null = ''; after !== null; ) {
    const query = `values=false&limit=1000&prefix=${prefix}&after=${encodeURIComponent(after)}`
    const answer = await fetch(`${url}/kv?${query}`)
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    const page = (await answer.json()) as Page
    for (const { key, revision } of page.items) found.set(key, revision)
    after = page.next
  }
  return writes.acknowledged.filter(({ key, revision }) => found.get(key) !== revision)
}

interface Page {
  readonly items: readonly { readonly key: string; readonly revision: number }[]
  readonly next: string | null
}
