import type { RaftNode } from '../../lib/index.js'
import { after, now } from '../../lib/runtime/clock.js'
import type { Completion, Steady } from './node-calls.js'
import { type Payloads, samePayload, seededKeys } from './payload.js'

const TICK_MS = 2

/**
 * Load at a fixed rate, whatever becomes of what was sent before: a command that should have left while
 * this thread was blocked counts from when it should have, so no stall hides the waiting that it caused.
 */
export class SteadyLoad {
  readonly #node: RaftNode
  readonly #options: Steady
  readonly #payloads: Payloads
  readonly #startedAt = now()
  readonly #completions: Completion[] = []
  readonly #pending = new Set<Promise<void>>()
  #due = 0
  #stopped = false

  constructor(node: RaftNode, options: Steady) {
    this.#node = node
    this.#options = options
    const { size, keys } = options
    this.#payloads = keys === 0 ? samePayload(size) : seededKeys(size, keys)
    this.#tick()
  }

  async stop(): Promise<readonly Completion[]> {
    this.#stopped = true
    await Promise.all(this.#pending)
    return this.#completions
  }

  #tick(): void {
    if (this.#stopped) return
    const { rate } = this.#options
    for (; this.#due < ((now() - this.#startedAt) * rate) / 1000; this.#due++) {
      this.#send(this.#startedAt + (this.#due * 1000) / rate, this.#payloads())
    }
    after(TICK_MS, () => this.#tick())
  }

  #send(sentAt: number, payload: Uint8Array): void {
    const { forward } = this.#options
    const applied = this.#node.apply(payload, forward ? { forward, timeoutMs: 60_000 } : {})
    const settled = applied.then(
      ({ term }) => {
        this.#completions.push({ sentAt, doneAt: now(), term })
      },
      // Refused or unknown: it is missing among the completions, which is what is counted.
      () => {},
    )
    this.#pending.add(settled)
    settled.then(() => this.#pending.delete(settled))
  }
}
