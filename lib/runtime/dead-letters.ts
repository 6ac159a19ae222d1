import type { HostMessage } from './letter.js'

const LAST = 16

/** Messages that found no one to take them: counted, the last kinds remembered, watchable. */
export class DeadLetters {
  #count = 0
  #last: string[] = []
  readonly #listeners: ((to: string, kind: string) => void)[] = []

  add(to: string, kind: string): void {
    this.#count++
    this.#last.push(kind)
    if (this.#last.length > LAST) this.#last.shift()
    for (const listener of this.#listeners) listener(to, kind)
  }

  onDeadLetter(listener: (to: string, kind: string) => void): void {
    this.#listeners.push(listener)
  }

  snapshot(): { readonly count: number; readonly last: readonly string[] } {
    return { count: this.#count, last: [...this.#last] }
  }
}

/** The kind of a letter that nobody can read any more: its reader's thread is gone. */
export const UNREAD = 'unread'

const LISTED = 64

/**
 * Dead letters found on a worker thread, reported to the system in one message for each turn of the
 * event loop, so that a sender in a tight loop cannot flood the thread that hosts the system.
 */
export class DeadLetterReport {
  readonly #post: (message: HostMessage) => void
  #letters: { readonly to: string; readonly kind: string }[] = []
  #more = 0

  constructor(post: (message: HostMessage) => void) {
    this.#post = post
  }

  add(to: string, kind: string): void {
    if (this.#letters.length === 0) setImmediate(() => this.flush())
    if (this.#letters.length < LISTED) this.#letters.push({ to, kind })
    else this.#more++
  }

  flush(): void {
    if (this.#letters.length === 0) return
    this.#post({ kind: 'deadLetters', letters: this.#letters, more: this.#more })
    this.#letters = []
    this.#more = 0
  }
}
