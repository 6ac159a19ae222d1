/** Keys of a node over HTTP. */
export class KvClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async put(key: string, value: string | Uint8Array<ArrayBuffer>): Promise<number> {
    const { revision } = await this.#json(`/kv/${key}`, { method: 'PUT', body: value })
    return revision as number
  }

  /** Null when there is no such key. */
  async get(key: string, query = ''): Promise<string | null> {
    const answer = await fetch(`${this.#url}/kv/${key}${query}`)
    if (answer.status === 404) return null
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    return answer.text()
  }

  async getBytes(key: string): Promise<Uint8Array> {
    const answer = await fetch(`${this.#url}/kv/${key}`)
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    return new Uint8Array(await answer.arrayBuffer())
  }

  /** All keys with this prefix, in order. */
  async keys(prefix: string): Promise<readonly string[]> {
    const keys: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const page = await this.#json(
        `/kv?values=false&limit=1000&prefix=${prefix}&after=${encodeURIComponent(after)}`,
      )
      keys.push(...(page.items as { key: string }[]).map((item) => item.key))
      after = page.next as string | null
    }
    return keys
  }

  async status(): Promise<Record<string, unknown>> {
    return this.#json('/status')
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.#url}/readyz`)).ok
  }

  async #json(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.#url}${path}`, init)
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Record<string, unknown>
  }
}
