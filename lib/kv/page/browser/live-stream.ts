import type { LiveMessage } from '../live-message.js'
import { authorization } from './token.js'

/** How it stands with the node, as far as this page can tell. */
export type Contact =
  | { readonly kind: 'live' }
  /** No word for so long; null: there was none yet. */
  | { readonly kind: 'silent'; readonly sinceMs: number | null }
  /** It answers, but not what was asked. `token`: a token would help. */
  | { readonly kind: 'refused'; readonly token: boolean; readonly reason: string }

export interface StreamListener {
  message(message: LiveMessage): void
  contact(contact: Contact): void
}

/** The node tells something every second; this long without a word is no accident. */
const silentMs = 3500
const checkMs = 500
const retryMs = 1000

/** What the node tells, for ever: asked for again whenever it breaks off. */
export class LiveStream {
  readonly #listener: StreamListener
  #heardAt: number | null = null
  #refused = false
  #attempt = new AbortController()
  #wake: () => void = () => {}

  constructor(listener: StreamListener) {
    this.#listener = listener
    setInterval(() => this.#check(), checkMs)
    void this.#run()
  }

  /** Asks anew, e.g. with another token. */
  restart(): void {
    this.#attempt.abort()
    this.#wake()
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#attempt = new AbortController()
      try {
        await this.#read(this.#attempt.signal)
      } catch {
        // The node is not there, or the connection to it is not; #check tells the viewer.
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        setTimeout(resolve, retryMs)
      })
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const headers = { accept: 'text/event-stream', ...authorization() }
    const answer = await fetch('live', { headers, signal, cache: 'no-store' })
    if (!answer.ok || answer.body === null) return this.#refuse(answer)
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const parts = `${rest}${value}`.split('\n\n')
      rest = parts.pop() ?? ''
      for (const part of parts) this.#take(part)
    }
  }

  #take(event: string): void {
    const data = event.replace(/^data: /, '')
    const isFirst = this.#heardAt === null || performance.now() - this.#heardAt > silentMs
    this.#heardAt = performance.now()
    if (isFirst || this.#refused) this.#listener.contact({ kind: 'live' })
    this.#refused = false
    this.#listener.message(JSON.parse(data) as LiveMessage)
  }

  async #refuse(answer: Response): Promise<void> {
    const reason = await problemOf(answer)
    this.#refused = true
    this.#listener.contact({ kind: 'refused', token: answer.status === 401, reason })
  }

  #check(): void {
    if (this.#refused) return
    const sinceMs = this.#heardAt === null ? null : performance.now() - this.#heardAt
    if (sinceMs !== null && sinceMs <= silentMs) return
    this.#listener.contact({ kind: 'silent', sinceMs })
    // A connection that says nothing is as good as none.
    if (sinceMs !== null && sinceMs > 2 * silentMs) this.#attempt.abort()
  }
}

/** What a failed request says of itself. */
export async function problemOf(answer: Response): Promise<string> {
  try {
    const { error } = (await answer.json()) as { readonly error: { readonly message: string } }
    return error.message
  } catch {
    return `the node answered ${answer.status} ${answer.statusText}`
  }
}
